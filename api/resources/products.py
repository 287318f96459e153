"""/v1/products"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, RANGE, boolean, fields, list_of, merged_metadata, text
from catalog import selectors, services
from catalog.models import Product
from catalog.snapshots import product_snapshot
from core.errors import OstinatoError, gettext_noop

URL = "/v1/products"


class NoSuchProduct(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("No such product: '%(id)s'")


class ProductInUse(OstinatoError):
    code = "resource_in_use"
    message_id = gettext_noop("This product has prices: archive it (active=false) instead.")


_COMMON = fields(
    METADATA,
    active=boolean(),
    description=text(clearable=True),
    images=list_of(text(most=2000), clearable=True, most=8),
    statement_descriptor=text(clearable=True),
    tax_code=text(clearable=True, most=40),
    unit_label=text(clearable=True, most=40),
    url=text(clearable=True, most=2000),
)
CREATE = fields(_COMMON, id=text(most=200), name=text(required=True, most=250))
UPDATE = fields(_COMMON, name=text(most=250))
LIST = fields(PAGE, active=boolean(), created=RANGE, ids=list_of(text(), most=100))


def product_of(call: Call, given: str, param: str = "") -> Product:
    """By our id or the id that a client chose. Raises `NoSuchProduct`."""
    row = selectors.products(call.merchant_id).filter(Q(id=given) | Q(api_id=given)).first()
    if row is None:
        raise NoSuchProduct(param=param, id=given)
    return row


def render(call: Call, row: Product) -> Json:
    return product_snapshot(row, livemode=call.livemode)


def _values(params: dict[str, Any]) -> dict[str, Any]:
    """Cleared strings are empty, a cleared list has nothing in it."""
    empty: dict[str, Any] = {"images": []}
    return {name: empty.get(name, "") if value is None else value for name, value in params.items()}


def create(call: Call) -> Json:
    params = _values(call.params)
    params["api_id"] = params.pop("id", None)
    params["metadata"] = merged_metadata({}, call.params.get("metadata", {}))
    return render(call, services.create_product(ctx=call.ctx, merchant_id=call.merchant_id, **params))


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
    if "active" in call.params:
        rows = rows.filter(active=call.params["active"])
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
