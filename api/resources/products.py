"""/v1/products"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from api.lookup import new_metadata
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    boolean,
    choice,
    decimal,
    fields,
    hash_of,
    list_of,
    merged_metadata,
    text,
)
from api.resources.price_data import DEFAULT_PRICE_DATA, price_values
from catalog import selectors, services
from catalog.models import Product
from catalog.snapshots import product_snapshot
from core.errors import OstinatoError, gettext_noop

URL = "/v1/products"


class NoSuchProduct(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("No such product: '%(id)s'")


class DimensionInvalid(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("A dimension is above 0, with at most 2 decimals.")


class ProductInUse(OstinatoError):
    code = "resource_in_use"
    message_id = gettext_noop("This product has prices: archive it (active=false) instead.")


class OneProduct(OstinatoError):
    code = "parameter_missing"
    message_id = gettext_noop("Say which product the price is for: product or product_data.")


_DIMENSIONS = ("height", "length", "weight", "width")
_COMMON = fields(
    METADATA,
    active=boolean(),
    description=text(clearable=True),
    images=list_of(text(most=2000), clearable=True, most=8),
    marketing_features=list_of(hash_of({"name": text(required=True, most=80)}), clearable=True, most=15),
    package_dimensions=hash_of({name: decimal(required=True) for name in _DIMENSIONS}, clearable=True),
    shippable=boolean(),
    statement_descriptor=text(clearable=True),
    tax_code=text(clearable=True, most=40),
    unit_label=text(clearable=True, most=40),
    url=text(clearable=True, most=2000),
)
CREATE = fields(
    _COMMON,
    default_price_data=DEFAULT_PRICE_DATA,
    id=text(most=200),
    name=text(required=True, most=250),
    type=choice("service"),
)
UPDATE = fields(_COMMON, default_price=text(clearable=True, most=200), name=text(most=250))
# A product that is described where it is sold.
SOLD_PRODUCT_DATA = hash_of(
    fields(
        METADATA,
        description=text(),
        images=list_of(text(most=2000), most=8),
        name=text(required=True, most=250),
        tax_code=text(most=40),
        unit_label=text(most=40),
    )
)
LIST = fields(
    PAGE,
    active=boolean(),
    created=RANGE,
    ids=list_of(text(), most=100),
    shippable=boolean(),
    type=choice("good", "service"),
    url=text(most=2000),
)


def product_of(call: Call, given: str, param: str = "") -> Product:
    """By our id or the id that a client chose. Raises `NoSuchProduct`."""
    row = selectors.products(call.merchant_id).filter(Q(id=given) | Q(api_id=given)).first()
    if row is None:
        raise NoSuchProduct(param=param, id=given)
    return row


def new_product(call: Call, data: dict[str, Any]) -> str:
    """A product from `product_data`; its id."""
    values = {name: value for name, value in data.items() if name not in ("id", "metadata")}
    row = services.create_product(
        ctx=call.ctx, merchant_id=call.merchant_id, api_id=data.get("id"), metadata=new_metadata(data), **values
    )
    return str(row.id)


def render(call: Call, row: Product) -> Json:
    return product_snapshot(row, livemode=call.livemode)


def _values(params: dict[str, Any]) -> dict[str, Any]:
    """Cleared strings are empty, a cleared list has nothing in it."""
    empty: dict[str, Any] = {"images": [], "marketing_features": [], "package_dimensions": None}
    values = {name: empty.get(name, "") if value is None else value for name, value in params.items()}
    values.pop("type", None)  # there are services only, as for every new product of Stripe's
    if values.get("marketing_features"):
        values["marketing_features"] = [feature["name"] for feature in values["marketing_features"]]
    if values.get("package_dimensions"):
        values["package_dimensions"] = _dimensions(values["package_dimensions"])
    if "default_price" in values:
        values["default_price_id"] = values.pop("default_price")
    return values


def _dimensions(given: dict[str, Decimal]) -> dict[str, str]:
    for name, value in given.items():
        if value <= 0 or value != value.quantize(Decimal("0.01")):
            raise DimensionInvalid(param=f"package_dimensions[{name}]")
    return {name: f"{value:f}" for name, value in given.items()}


def create(call: Call) -> Json:
    params = _values(call.params)
    params["api_id"] = params.pop("id", None)
    params["metadata"] = merged_metadata({}, call.params.get("metadata", {}))
    price = params.pop("default_price_data", None)
    with transaction.atomic():
        row = services.create_product(ctx=call.ctx, merchant_id=call.merchant_id, **params)
        if price is not None:
            row = _with_default_price(call, row, price)
    return render(call, row)


def _with_default_price(call: Call, row: Product, data: dict[str, Any]) -> Product:
    made = services.create_price(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        product_id=row.id,
        metadata=merged_metadata({}, data.get("metadata", {})),
        **price_values(data, "default_price_data"),
    )
    return services.update_product(
        ctx=call.ctx, merchant_id=call.merchant_id, product_id=row.id, default_price_id=made.id
    )


def retrieve(call: Call) -> Json:
    return render(call, product_of(call, call.id))


def update(call: Call) -> Json:
    row = product_of(call, call.id)
    params = _values(call.params)
    if "metadata" in call.params:
        params["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    changed = services.update_product(ctx=call.ctx, merchant_id=call.merchant_id, product_id=row.id, **params)
    return render(call, changed)


def delete(call: Call) -> Json:
    row = product_of(call, call.id)
    if selectors.prices(call.merchant_id).filter(product=row).exists():
        raise ProductInUse
    services.delete_product(ctx=call.ctx, merchant_id=call.merchant_id, product_id=row.id)
    return {"id": call.id, "object": "product", "deleted": True}


def list_(call: Call) -> Json:
    rows = in_range(selectors.products(call.merchant_id), "created", call.params.get("created"))
    exact = {name: call.params[name] for name in ("active", "shippable", "url") if name in call.params}
    rows = rows.none() if call.params.get("type") == "good" else rows.filter(**exact)
    if "ids" in call.params:
        rows = rows.filter(Q(id__in=call.params["ids"]) | Q(api_id__in=call.params["ids"]))
    return page(rows, call, lambda found: [render(call, row) for row in found], url=URL)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("DELETE", URL + "/{id}", delete),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = selectors.products(merchant_id).filter(Q(id__in=ids) | Q(api_id__in=ids)).select_related("merchant")
    return {row.api_id or row.id: product_snapshot(row, livemode=row.merchant.livemode) for row in rows}


LOADERS = {"product": load}
