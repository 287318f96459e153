"""Alerts as Stripe's JSON objects. Pure: rows or model instances in, dicts out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.json_values import epoch, json_number


def alert_snapshot(alert: Any, *, livemode: bool) -> dict[str, Any]:
    """Stripe's billing.alert."""
    return {
        "id": alert.id,
        "object": "billing.alert",
        "alert_type": "usage_threshold",
        "livemode": livemode,
        "status": alert.status,
        "title": alert.title,
        "usage_threshold": {
            "filters": [{"type": "customer", "customer": alert.customer_id}] if alert.customer_id else [],
            "gte": alert.gte,
            "meter": alert.meter_id,
            "recurrence": "one_time",
        },
    }


def trigger_snapshot(trigger: Any, alert: Any, *, livemode: bool) -> dict[str, Any]:
    """Stripe's billing.alert_triggered. `value` is whole: the use that reached the threshold, rounded down."""
    return {
        "object": "billing.alert_triggered",
        "alert": alert_snapshot(alert, livemode=livemode),
        "created": epoch(trigger.created),
        "customer": trigger.customer_id,
        "livemode": livemode,
        "value": json_number(Decimal(int(trigger.value))),
    }
