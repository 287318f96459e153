"""/v1/subscription_items: one item of a subscription; every change goes through the subscription's own change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.business_time import clocked
from api.lookup import deleted, found
from api.paging import page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, boolean, choice, fields, text, timestamp
from api.resources.pricing import DISCOUNTS, QUANTITY, RECURRING_PRICE_DATA, TAX_RATES, plan_as_price
from api.resources.rehearsing import carried_out, is_made_of_parts, taken_back
from api.resources.subscription_changes import item_changes
from api.resources.subscriptions import subscription_of
from api.resources.thresholds import ITEM_THRESHOLDS, check_may_wait, set_item_threshold
from engine.services.change import change_subscription
from engine.services.update import rehearse_update
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


def _change(call: Call, row: Subscription, item: Json) -> str:
    """One item's change with what the request says of proration and of its threshold. Returns the item's id.

    A change of nothing is none. What is made of parts is tried whole first.
    """
    check_may_wait(call.params)
    ctx = clocked(call, row.test_clock_id)
    before = set(live_items().filter(subscription=row).values_list("id", flat=True))
    given = {name: value for name, value in (call.params | item).items() if name in _ITEM_FIELDS}
    if is_made_of_parts({"items": [call.params]}):
        with taken_back():
            if set(given) != {"id"}:
                rehearse_update(ctx=ctx, request=_request(call, row, given))
            set_item_threshold(call, row, _item_id(row, item, before))
    if set(given) != {"id"}:
        carried_out(call, lambda: change_subscription(ctx=ctx, request=_request(call, row, given)))
    item_id = _item_id(row, item, before)
    if item_id:
        set_item_threshold(call, row, item_id)
    return item_id


def _request(call: Call, row: Subscription, given: Json) -> ChangeRequest:
    how = {name: call.params[name] for name in _HOW if name in call.params}
    items = item_changes(call, row.id, [plan_as_price(given)])
    return ChangeRequest(merchant_id=row.merchant_id, subscription_id=row.id, items=items, **how)


def _item_id(row: Subscription, item: Json, before: set[str]) -> str:
    """The item that the request speaks of: by its id, or the one that was not there before; blank if it waits."""
    if "id" in item:
        return str(item["id"])
    added = live_items().filter(subscription=row).exclude(id__in=before).order_by("-created", "-id").first()
    return added.id if added else ""


def create(call: Call) -> Json:
    row = subscription_of(call, call.params["subscription"], "subscription")
    added = _change(call, row, {})
    return shown([live_items().get(id=added) if added else _to_be(row)])[0]


def _to_be(row: Subscription) -> SubscriptionItem:
    """The item that waits to be paid for (pending_if_incomplete), as it will be added."""
    row.refresh_from_db()
    held = row.pending_update or {}
    [asked], [item_id] = held["request"]["items"], held["items"]
    like = live_items().filter(subscription=row).order_by("id")[0]
    return SubscriptionItem(
        id=item_id,
        merchant_id=row.merchant_id,
        subscription=row,
        price_id=asked["price_id"],
        quantity=1 if asked["quantity"] is None else asked["quantity"],
        current_period_start=like.current_period_start,
        current_period_end=like.current_period_end,
        metadata=asked["metadata"],
        tax_rate_ids=asked["tax_rate_ids"] or [],
        created=datetime.fromisoformat(held["as_of"]),
    )


def retrieve(call: Call) -> Json:
    return shown([_item(call)])[0]


def update(call: Call) -> Json:
    item = _item(call)
    row = subscription_of(call, item.subscription_id)
    _change(call, row, {"id": item.id})
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
