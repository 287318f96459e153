"""A request to subscribe as JSON and back, for signups that wait for their payment. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from engine.types import ItemRequest, SubscribeRequest

_INSTANTS = ("trial_end", "billing_cycle_anchor")
_TUPLES = ("coupon_ids", "default_tax_rate_ids")
_ITEMS = ("items", "add_invoice_items")


def subscribe_request_to_json(request: SubscribeRequest) -> dict[str, Any]:
    values = asdict(request)
    values["metadata"] = dict(request.metadata)
    for name in _INSTANTS:
        values[name] = values[name].isoformat() if values[name] else None
    return values


def subscribe_request_from_json(values: dict[str, Any]) -> SubscribeRequest:
    """The very request that was written, so that planning it again gives the same."""
    given = dict(values)
    for name in _INSTANTS:
        given[name] = datetime.fromisoformat(given[name]) if given[name] else None
    for name in _TUPLES:
        given[name] = tuple(given[name])
    for name in _ITEMS:
        given[name] = tuple(
            ItemRequest(item["price_id"], item["quantity"], tuple(item["tax_rate_ids"])) for item in given[name]
        )
    return SubscribeRequest(**given)
