"""`billing_thresholds` of a subscription and of its items: at how much usage an invoice comes early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.business_time import clocked
from api.protocol.operation import Call
from api.protocol.schema import boolean, hash_of, integer
from core.context import Context
from engine.rules.pending_updates import PendingUpdateUnsupported
from engine.services.thresholds import set_billing_thresholds
from subscriptions.models import Subscription
from subscriptions.selectors import items_of

THRESHOLDS = hash_of(
    {"amount_gte": integer(least=1), "reset_billing_cycle_anchor": boolean()},
    clearable=True,
)
ITEM_THRESHOLDS = hash_of({"usage_gte": integer(required=True, least=1)}, clearable=True)


def check_may_wait(params: Mapping[str, Any]) -> None:
    """A threshold is no part of a pending update. Raises `PendingUpdateUnsupported`."""
    if params.get("payment_behavior") != "pending_if_incomplete":
        return
    named = ["billing_thresholds"] if "billing_thresholds" in params else []
    items = enumerate(params.get("items", ()))
    named += [f"items[{number}][billing_thresholds]" for number, item in items if "billing_thresholds" in item]
    for param in named:
        raise PendingUpdateUnsupported(param=param, field=param)


def set_thresholds(call: Call, ctx: Context, row: Subscription, params: Mapping[str, Any]) -> None:
    """Those that were sent; the others stay. An item that was just made is known by its price."""
    items = [item for item in params.get("items", ()) if "billing_thresholds" in item]
    if "billing_thresholds" not in params and not items:
        return
    amount, resets = row.billing_threshold_amount, row.billing_threshold_resets_anchor
    if "billing_thresholds" in params:
        given = params["billing_thresholds"] or {}
        amount, resets = given.get("amount_gte"), given.get("reset_billing_cycle_anchor", False)
    set_billing_thresholds(
        ctx=ctx,
        merchant_id=call.merchant_id,
        subscription_id=row.id,
        amount_gte=amount,
        usage_gte=_by_item(row.id, items),
        resets_anchor=resets,
    )


def _by_item(subscription_id: str, items: Sequence[Mapping[str, Any]]) -> dict[str, int | None]:
    by_price = {item.price_id: item.id for item in items_of([subscription_id])[subscription_id]}
    return {
        item.get("id") or by_price[item["price"]]: (item["billing_thresholds"] or {}).get("usage_gte")
        for item in items
        if "id" in item or item.get("price") in by_price
    }


def set_item_threshold(call: Call, row: Subscription, item_id: str) -> None:
    """An item's own, when it was sent; the subscription's stays."""
    if "billing_thresholds" not in call.params:
        return
    set_billing_thresholds(
        ctx=clocked(call, row.test_clock_id),
        merchant_id=call.merchant_id,
        subscription_id=row.id,
        amount_gte=row.billing_threshold_amount,
        usage_gte={item_id: (call.params["billing_thresholds"] or {}).get("usage_gte")},
        resets_anchor=row.billing_threshold_resets_anchor,
    )
