"""A subscription, its items and discounts as Stripe's JSON objects. Pure: rows or model instances in, dicts out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any


def subscription_snapshot(
    subscription: Any, items: Iterable[Any] = (), discount_ids: Iterable[str] = ()
) -> dict[str, Any]:
    """Stripe's subscription object with its items."""
    return {
        "id": subscription.id,
        "object": "subscription",
        "billing_cycle_anchor": unix(subscription.billing_cycle_anchor),
        "billing_cycle_anchor_config": subscription.billing_cycle_anchor_config,
        "billing_mode": {"type": "flexible"},
        "cancel_at": unix(subscription.cancel_at),
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "canceled_at": unix(subscription.canceled_at),
        "cancellation_details": {
            "comment": subscription.cancellation_comment or None,
            "feedback": subscription.cancellation_feedback or None,
            "reason": subscription.cancellation_reason or None,
        },
        "collection_method": subscription.collection_method,
        "created": unix(subscription.created),
        "currency": subscription.currency,
        "customer": subscription.customer_id,
        "days_until_due": subscription.days_until_due,
        "default_payment_method": subscription.default_payment_method_id or None,
        "default_tax_rates": list(subscription.default_tax_rate_ids),
        "description": subscription.description or None,
        "discounts": list(discount_ids),
        "ended_at": unix(subscription.ended_at),
        "items": {"object": "list", "data": [item_snapshot(item) for item in items], "has_more": False},
        "latest_invoice": subscription.latest_invoice_id or None,
        "metadata": dict(subscription.metadata),
        "pause_collection": _pause_collection(subscription),
        "pending_update": _pending_update(subscription),
        "schedule": subscription.schedule_id or None,
        "start_date": unix(subscription.start_date),
        "status": subscription.status,
        "test_clock": subscription.test_clock_id,
        "trial_end": unix(subscription.trial_end),
        "trial_settings": {"end_behavior": {"missing_payment_method": subscription.trial_missing_payment_method}},
        "trial_start": unix(subscription.trial_start),
    }


def _pause_collection(subscription: Any) -> dict[str, Any] | None:
    if not subscription.pause_behavior:
        return None
    return {"behavior": subscription.pause_behavior, "resumes_at": unix(subscription.pause_resumes_at)}


def _pending_update(subscription: Any) -> dict[str, Any] | None:
    """A change that waits to be paid, while it stands."""
    if subscription.pending_update_expires_at is None:
        return None
    shown = {name: None for name in ("billing_cycle_anchor", "subscription_items", "trial_end")}
    shown |= (subscription.pending_update or {}).get("shown", {})
    return {**shown, "expires_at": unix(subscription.pending_update_expires_at)}


def item_snapshot(item: Any) -> dict[str, Any]:
    """Stripe's subscription_item object."""
    return {
        "id": item.id,
        "object": "subscription_item",
        "current_period_end": unix(item.current_period_end),
        "current_period_start": unix(item.current_period_start),
        "metadata": dict(item.metadata),
        "price": item.price_id,
        "quantity": item.quantity,
        "subscription": item.subscription_id,
        "tax_rates": list(item.tax_rate_ids),
    }


def discount_snapshot(discount: Any) -> dict[str, Any]:
    """Stripe's discount object."""
    return {
        "id": discount.id,
        "object": "discount",
        "coupon": discount.coupon_id,
        "customer": discount.customer_id,
        "end": unix(discount.end),
        "promotion_code": discount.promotion_code_id or None,
        "start": unix(discount.start),
        "subscription": discount.subscription_id,
        "subscription_item": discount.subscription_item_id or None,
    }


def unix(instant: datetime | None) -> int | None:
    """Seconds since 1970, as Stripe tells time."""
    return None if instant is None else int(instant.timestamp())
