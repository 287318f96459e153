"""/v1/prices"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from api.lookup import found, new_metadata, sent
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
    integer,
    list_of,
    map_of,
    merged_metadata,
    text,
)
from api.resources.price_data import (
    CURRENCY_OPTION,
    CUSTOM_UNIT_AMOUNT,
    INTERVALS,
    RECURRING,
    TAX_BEHAVIORS,
    TIER,
    option_values,
    price_values,
)
from api.resources.products import OneProduct, new_product, product_of
from catalog import selectors, services
from catalog.models import Price
from catalog.snapshots import price_snapshot

URL = "/v1/prices"
PRODUCT_DATA = hash_of(
    fields(
        METADATA,
        active=boolean(),
        id=text(most=200),
        name=text(required=True, most=250),
        statement_descriptor=text(),
        tax_code=text(most=40),
        unit_label=text(most=40),
    )
)
_CHANGEABLE = fields(
    METADATA,
    active=boolean(),
    currency_options=map_of(CURRENCY_OPTION),
    lookup_key=text(clearable=True, most=200),
    nickname=text(clearable=True, most=250),
    tax_behavior=choice(*TAX_BEHAVIORS),
    transfer_lookup_key=boolean(),
)
CREATE = fields(
    _CHANGEABLE,
    billing_scheme=choice("per_unit", "tiered"),
    currency=text(required=True, most=3),
    custom_unit_amount=CUSTOM_UNIT_AMOUNT,
    cycle_day=integer(least=1, most=31),
    minimum_amount=integer(),
    percentage=decimal(),
    product=text(most=200),
    product_data=PRODUCT_DATA,
    recurring=RECURRING,
    tiers=list_of(TIER),
    tiers_mode=choice("graduated", "volume"),
    transform_quantity=hash_of(
        {"divide_by": integer(required=True, least=1), "round": choice("up", "down", required=True)}
    ),
    unit_amount=integer(),
    unit_amount_decimal=decimal(),
)
UPDATE = fields(_CHANGEABLE)
LIST = fields(
    PAGE,
    active=boolean(),
    created=RANGE,
    currency=text(most=3),
    lookup_keys=list_of(text(), most=10),
    product=text(most=200),
    recurring=hash_of({"interval": choice(*INTERVALS), "usage_type": choice("licensed", "metered"), "meter": text()}),
    type=choice("one_time", "recurring"),
)


def price_of(call: Call, given: str, param: str = "id") -> Price:
    return found(selectors.prices(call.merchant_id), given, "price", param=param)


def create(call: Call) -> Json:
    params = call.params
    if ("product" in params) == ("product_data" in params):
        raise OneProduct(param="product")
    values = price_values(params) | sent(params, "nickname") | {"lookup_key": params.get("lookup_key") or None}
    with transaction.atomic():
        if "product" in params:
            product_id = product_of(call, params["product"], "product").id
        else:
            product_id = new_product(call, params["product_data"])
        row = services.create_price(
            ctx=call.ctx,
            merchant_id=call.merchant_id,
            product_id=product_id,
            metadata=new_metadata(params),
            **values | _transfer(params),
        )
    return shown(call, [price_of(call, row.id)])[0]


def _transfer(params: dict[str, Any]) -> dict[str, Any]:
    """Take the lookup key from whichever price has it."""
    return {"transfer_lookup_key": True} if params.get("transfer_lookup_key") else {}


def retrieve(call: Call) -> Json:
    return shown(call, [price_of(call, call.id)])[0]


def update(call: Call) -> Json:
    row = price_of(call, call.id)
    values = sent(call.params, "active", "nickname", "tax_behavior")
    if "lookup_key" in call.params:
        values["lookup_key"] = call.params["lookup_key"] or None
    if "currency_options" in call.params:
        values["currency_options"] = option_values(call.params["currency_options"])
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    services.update_price(
        ctx=call.ctx, merchant_id=call.merchant_id, price_id=row.id, **values | _transfer(call.params)
    )
    return shown(call, [price_of(call, row.id)])[0]


def list_(call: Call) -> Json:
    params = call.params
    rows = in_range(selectors.prices(call.merchant_id), "created", params.get("created"))
    rows = rows.filter(**{name: params[name] for name in ("active", "type") if name in params})
    if "currency" in params:
        rows = rows.filter(currency=params["currency"].lower())
    if "product" in params:
        rows = rows.filter(Q(product_id=params["product"]) | Q(product__api_id=params["product"]))
    if "lookup_keys" in params:
        rows = rows.filter(lookup_key__in=params["lookup_keys"])
    names = {"interval": "interval", "usage_type": "usage_type", "meter": "meter_id"}
    rows = rows.filter(**{names[name]: value for name, value in params.get("recurring", {}).items()})
    return page(rows, call, lambda found: shown(call, found), url=URL)


def shown(call: Call, rows: Sequence[Price]) -> list[Json]:
    return [
        price_snapshot(row, livemode=call.livemode, product_api_id=row.product.api_id or row.product_id) for row in rows
    ]


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = selectors.prices(merchant_id).filter(Q(id__in=ids) | Q(api_id__in=ids)).select_related("merchant", "product")
    return {
        row.api_id or row.id: price_snapshot(
            row, livemode=row.merchant.livemode, product_api_id=row.product.api_id or row.product_id
        )
        for row in rows
    }


LOADERS = {"price": load, "default_price": load}
