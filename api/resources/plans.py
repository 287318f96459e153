"""/v1/plans: recurring prices in the shape that came before prices. One row is both, under one id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from api.chosen_prices import OURS
from api.completing import plan_of
from api.lookup import deleted, found, new_metadata, sent
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import (
    METADATA,
    PAGE,
    RANGE,
    ParameterMissing,
    boolean,
    choice,
    decimal,
    fields,
    hash_of,
    integer,
    list_of,
    merged_metadata,
    one_of,
    text,
)
from api.resources.price_data import INTERVALS, TIER, price_values
from api.resources.prices import price_of, shown
from api.resources.products import new_product, product_of
from catalog import services
from catalog.models import Price
from catalog.selectors import prices
from core.errors import OstinatoError, gettext_noop
from subscriptions.selectors import live_items

URL = "/v1/plans"


class PlanIdReserved(OstinatoError):
    code = "parameter_invalid"
    param = "id"
    message_id = gettext_noop("A plan's id has no slash and does not begin with price_: those are ours.")


PRODUCT = one_of(
    hash_of(
        fields(
            METADATA,
            active=boolean(),
            id=text(most=200),
            name=text(required=True, most=250),
            statement_descriptor=text(),
            tax_code=text(most=40),
            unit_label=text(most=40),
        )
    ),
    text(most=200),
    required=True,
)
CREATE = fields(
    METADATA,
    active=boolean(),
    amount=integer(least=0),
    amount_decimal=decimal(),
    billing_scheme=choice("per_unit", "tiered"),
    currency=text(required=True, most=3),
    id=text(most=200),
    interval=choice(*INTERVALS, required=True),
    interval_count=integer(least=1, most=10_000),
    meter=text(most=200),
    nickname=text(most=250),
    product=PRODUCT,
    tiers=list_of(TIER),
    tiers_mode=choice("graduated", "volume"),
    transform_usage=hash_of(
        {"divide_by": integer(required=True, least=1), "round": choice("up", "down", required=True)}
    ),
    trial_period_days=integer(least=0, most=10_000),
    usage_type=choice("licensed", "metered"),
)
UPDATE = fields(METADATA, active=boolean(), nickname=text(clearable=True, most=250))
LIST = fields(PAGE, active=boolean(), created=RANGE, product=text(most=200))
_RECURRING = ("interval", "interval_count", "meter", "trial_period_days", "usage_type")


def create(call: Call) -> Json:
    params = call.params
    if not {"amount", "amount_decimal", "tiers"} & set(params):
        raise ParameterMissing(param="amount", name="amount")
    given: dict[str, Any] = {name: params[name] for name in ("active", "billing_scheme", "currency") if name in params}
    given |= {name: params[name] for name in ("tiers", "tiers_mode") if name in params}
    names = {"amount": "unit_amount", "amount_decimal": "unit_amount_decimal", "transform_usage": "transform_quantity"}
    given |= {named: params[name] for name, named in names.items() if name in params}
    given["recurring"] = {name: params[name] for name in _RECURRING if name in params}
    values = price_values(given) | sent(params, "nickname") | {"api_id": _own_id(params)}
    product = params["product"]
    with transaction.atomic():
        product_id = product_of(call, product, "product").id if isinstance(product, str) else new_product(call, product)
        row = services.create_price(
            ctx=call.ctx, merchant_id=call.merchant_id, product_id=product_id, metadata=new_metadata(params), **values
        )
    return _shown(call, [price_of(call, row.id)])[0]


def _own_id(params: dict[str, Any]) -> str | None:
    """The id that the client chose. Raises `PlanIdReserved`."""
    chosen: str | None = params.get("id")
    if chosen is not None and (chosen.startswith(OURS) or "/" in chosen):
        raise PlanIdReserved
    return chosen


def plan_row(call: Call, given: str) -> Price:
    return found(prices(call.merchant_id).filter(type="recurring"), given, "plan")


def retrieve(call: Call) -> Json:
    return _shown(call, [plan_row(call, call.id)])[0]


def update(call: Call) -> Json:
    row = plan_row(call, call.id)
    values: dict[str, Any] = sent(call.params, "active", "nickname")
    if "metadata" in call.params:
        values["metadata"] = merged_metadata(row.metadata, call.params["metadata"])
    services.update_price(ctx=call.ctx, merchant_id=call.merchant_id, price_id=row.id, **values)
    return _shown(call, [price_of(call, row.id)])[0]


def delete(call: Call) -> Json:
    """Nobody can subscribe to it any more; who does already goes on, so that a used one is archived."""
    row = plan_row(call, call.id)
    if live_items().filter(merchant_id=call.merchant_id, price_id=row.id).exists():
        services.update_price(ctx=call.ctx, merchant_id=call.merchant_id, price_id=row.id, active=False)
    else:
        services.delete_price(ctx=call.ctx, merchant_id=call.merchant_id, price_id=row.id)
    return deleted("plan", row.api_id or row.id)


def list_(call: Call) -> Json:
    rows = in_range(prices(call.merchant_id).filter(type="recurring"), "created", call.params.get("created"))
    if "active" in call.params:
        rows = rows.filter(active=call.params["active"])
    if "product" in call.params:
        rows = rows.filter(Q(product_id=call.params["product"]) | Q(product__api_id=call.params["product"]))
    return page(rows, call, lambda found: _shown(call, found), url=URL)


def _shown(call: Call, rows: Sequence[Price]) -> list[Json]:
    return [as_plan(price) for price in shown(call, rows)]


def as_plan(price: Json) -> Json:
    """A plan by itself, which says its tiers and meter too."""
    plan = plan_of(price)
    assert plan is not None, "only recurring prices are plans"
    return plan | {
        "meter": price["recurring"]["meter"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        **({"tiers": price["tiers"]} if price["tiers"] else {}),
    }


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, LIST),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, UPDATE),
    Operation("DELETE", URL + "/{id}", delete),
]
