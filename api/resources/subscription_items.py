"""/v1/subscription_items: one item of a subscription; every change goes through the subscription's own change."""

from __future__ import annotations

from collections.abc import Sequence

from api.business_time import clocked
from api.lookup import deleted, found
from api.paging import page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, boolean, choice, fields, text, timestamp
from api.resources.pricing import DISCOUNTS, QUANTITY, RECURRING_PRICE_DATA, TAX_RATES, plan_as_price
from api.resources.subscription_changes import item_changes
from api.resources.subscriptions import subscription_of
from api.resources.thresholds import ITEM_THRESHOLDS, set_item_threshold
from engine.services.change import change_subscription
from engine.types import ChangeRequest
from subscriptions.models import Subscription, SubscriptionItem
from subscriptions.selectors import discount_ids_of, live_items
from subscriptions.snapshots import item_snapshot

URL = "/v1/subscription_items"
_HOW = fields(
    payment_behavior=choice("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"),
    proration_behavior=choice("always_invoice", "create_prorations", "none"),
    proration_date=timestamp(),
)
_ITEM = fields(
    METADATA,
    _HOW,
    billing_thresholds=ITEM_THRESHOLDS,
    discounts=DISCOUNTS,
    off_session=boolean(),
    plan=text(most=200),
    price=text(most=200),
    price_data=RECURRING_PRICE_DATA,
    quantity=QUANTITY,
    tax_rates=TAX_RATES,
)
_ITEM_FIELDS = ("discounts", "plan", "price", "price_data", "quantity", "tax_rates", "metadata", "id", "deleted")


def shown(rows: Sequence[SubscriptionItem]) -> list[Json]:
    """Items with their discounts: one query, whatever their number."""
    _, discounts = discount_ids_of({row.subscription_id for row in rows})
    return [item_snapshot(row, discounts[row.id]) for row in rows]


def _item(call: Call) -> SubscriptionItem:
    return found(live_items().filter(merchant_id=call.merchant_id), call.id, "subscription_item")


def _change(call: Call, row: Subscription, item: Json) -> None:
    """One item's change with what the request says of proration; a change of nothing is none."""
    given = {name: value for name, value in (call.params | item).items() if name in _ITEM_FIELDS}
    if set(given) == {"id"}:
        return
    how = {name: call.params[name] for name in _HOW if name in call.params}
    request = ChangeRequest(
        merchant_id=row.merchant_id,
        subscription_id=row.id,
        items=item_changes(call, row.id, [plan_as_price(given)]),
        **how,
    )
    change_subscription(ctx=clocked(call, row.test_clock_id), request=request)


def create(call: Call) -> Json:
    row = subscription_of(call, call.params["subscription"], "subscription")
    before = set(live_items().filter(subscription=row).values_list("id", flat=True))
    _change(call, row, {})
    added = live_items().filter(subscription=row).exclude(id__in=before).order_by("-created", "-id").first()
    assert added is not None, "a change that adds an item adds one"
    set_item_threshold(call, row, added.id)
    return shown([live_items().get(id=added.id)])[0]


def retrieve(call: Call) -> Json:
    return shown([_item(call)])[0]


def update(call: Call) -> Json:
    item = _item(call)
    row = subscription_of(call, item.subscription_id)
    _change(call, row, {"id": item.id})
    set_item_threshold(call, row, item.id)
    return shown([_item(call)])[0]


def delete(call: Call) -> Json:
    item = _item(call)
    _change(call, subscription_of(call, item.subscription_id), {"id": item.id, "deleted": True})
    return deleted("subscription_item", item.id)


def list_(call: Call) -> Json:
    row = subscription_of(call, call.params["subscription"], "subscription")
    rows = SubscriptionItem.objects.filter(subscription=row, deleted_at__isnull=True).select_related("price")
    return page(rows, call, shown, url=URL)


OPERATIONS = [
    Operation("POST", URL, create, fields(_ITEM, subscription=text(required=True, most=200))),
    Operation("GET", URL, list_, fields(PAGE, subscription=text(required=True, most=200))),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}", update, _ITEM),
    Operation("DELETE", URL + "/{id}", delete, fields(_HOW, clear_usage=boolean())),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = SubscriptionItem.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {body["id"]: body for body in shown(list(rows))}


LOADERS = {"subscription_item": load}
