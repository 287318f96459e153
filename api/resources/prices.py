"""/v1/prices"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
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
    one_of,
    text,
)
from api.resources.products import product_of
from catalog import selectors, services
from catalog.models import Price
from catalog.snapshots import price_snapshot
from core.errors import OstinatoError, gettext_noop

URL = "/v1/prices"
INTERVALS = ("day", "week", "month", "year")
TAX_BEHAVIORS = ("inclusive", "exclusive", "unspecified")

TIER = hash_of(
    {
        "up_to": one_of(choice("inf"), integer(), required=True),
        "unit_amount": integer(),
        "unit_amount_decimal": decimal(),
        "flat_amount": integer(),
        "flat_amount_decimal": decimal(),
    }
)
RECURRING = hash_of(
    {
        "interval": choice(*INTERVALS, required=True),
        "interval_count": integer(least=1, most=10_000),
        "meter": text(most=200),
        "trial_period_days": integer(least=0, most=10_000),
        "usage_type": choice("licensed", "metered"),
    }
)
CURRENCY_OPTION = hash_of(
    {
        "tax_behavior": choice(*TAX_BEHAVIORS),
        "tiers": list_of(TIER),
        "unit_amount": integer(),
        "unit_amount_decimal": decimal(),
        "minimum_amount": integer(),
    }
)
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
    lookup_key=text(clearable=True, most=200),
    nickname=text(clearable=True, most=250),
    tax_behavior=choice(*TAX_BEHAVIORS),
    transfer_lookup_key=boolean(),
)
CREATE = fields(
    _CHANGEABLE,
    billing_scheme=choice("per_unit", "tiered"),
    currency=text(required=True, most=3),
    currency_options=map_of(CURRENCY_OPTION),
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


class AmountTwice(OstinatoError):
    code = "parameters_exclusive"
    message_id = gettext_noop("Give %(name)s or %(name)s_decimal, not both.")


class OneProduct(OstinatoError):
    code = "parameter_missing"
    param = "product"
    message_id = gettext_noop("Say which product the price is for: product or product_data.")


def price_of(call: Call, given: str, param: str = "id") -> Price:
    return found(selectors.prices(call.merchant_id), given, "price", param=param)


def exact_amounts(given: dict[str, Any], parent: str = "") -> dict[str, Any]:
    """`unit_amount` and `flat_amount` as exact decimals, whichever way they were sent."""
    result = dict(given)
    for name in ("unit_amount", "flat_amount"):
        whole, exact = result.pop(name, None), result.pop(f"{name}_decimal", None)
        if whole is not None and exact is not None:
            raise AmountTwice(param=f"{parent}[{name}]" if parent else name, name=name)
        if whole is not None or exact is not None:
            result[f"{name}_decimal"] = exact if whole is None else Decimal(whole)
    if "tiers" in result:
        result["tiers"] = [exact_amounts(tier, f"tiers[{n}]") for n, tier in enumerate(result["tiers"])]
    return result


def _values(params: dict[str, Any]) -> dict[str, Any]:
    """The service's fields for a new price."""
    plain = ("active", "billing_scheme", "currency", "cycle_day", "minimum_amount", "percentage", "tax_behavior")
    values = exact_amounts(
        {
            name: params[name]
            for name in (*plain, "tiers", "tiers_mode", "transform_quantity", "unit_amount", "unit_amount_decimal")
            if name in params
        }
    )
    if "currency_options" in params:
        values["currency_options"] = {
            currency: exact_amounts(option, f"currency_options[{currency}]")
            for currency, option in params["currency_options"].items()
        }
    values |= sent(params, "nickname") | {"lookup_key": params.get("lookup_key") or None, "type": "one_time"}
    recurring = params.get("recurring")
    if recurring:
        values |= {"type": "recurring", "interval_count": 1} | recurring
        if "meter" in values:
            values["meter_id"] = values.pop("meter")
    return values


def create(call: Call) -> Json:
    params = call.params
    if ("product" in params) == ("product_data" in params):
        raise OneProduct
    values = _values(params)
    with transaction.atomic():
        if "product" in params:
            product_id = product_of(call, params["product"], "product").id
        else:
            product_id = _new_product(call, params["product_data"])
        row = services.create_price(
            ctx=call.ctx,
            merchant_id=call.merchant_id,
            product_id=product_id,
            metadata=new_metadata(params),
            **values | _transfer(params),
        )
    return _shown(call, [price_of(call, row.id)])[0]


def _transfer(params: dict[str, Any]) -> dict[str, Any]:
    """Take the lookup key from whichever price has it."""
    return {"transfer_lookup_key": True} if params.get("transfer_lookup_key") else {}


def _new_product(call: Call, data: dict[str, Any]) -> str:
    values = {name: value for name, value in data.items() if name not in ("id", "metadata")}
    row = services.create_product(
        ctx=call.ctx, merchant_id=call.merchant_id, api_id=data.get("id"), metadata=new_metadata(data), **values
    )
    return str(row.id)


def retrieve(call: Call) -> Json:
    return _shown(call, [price_of(call, call.id)])[0]


def update(call: Call) -> Json:
    row = price_of(call, call.id)
    values = sent(call.params, "active", "nickname", "tax_behavior")
    if "lookup_key" in call.params:
        values["lookup_key"] = call.params["lookup_key"] or None
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    services.update_price(
        ctx=call.ctx, merchant_id=call.merchant_id, price_id=row.id, **values | _transfer(call.params)
    )
    return _shown(call, [price_of(call, row.id)])[0]


def list_(call: Call) -> Json:
    params = call.params
    rows = in_range(selectors.prices(call.merchant_id), "created", params.get("created"))
    rows = rows.filter(**{name: params[name] for name in ("active", "currency", "type") if name in params})
    if "product" in params:
        rows = rows.filter(Q(product_id=params["product"]) | Q(product__api_id=params["product"]))
    if "lookup_keys" in params:
        rows = rows.filter(lookup_key__in=params["lookup_keys"])
    names = {"interval": "interval", "usage_type": "usage_type", "meter": "meter_id"}
    rows = rows.filter(**{names[name]: value for name, value in params.get("recurring", {}).items()})
    return page(rows, call, lambda found: _shown(call, found), url=URL)


def _shown(call: Call, rows: Sequence[Price]) -> list[Json]:
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
    rows = selectors.prices(merchant_id).filter(id__in=ids).select_related("merchant", "product")
    return {
        row.id: price_snapshot(row, livemode=row.merchant.livemode, product_api_id=row.product.api_id or row.product_id)
        for row in rows
    }


LOADERS = {"price": load}
