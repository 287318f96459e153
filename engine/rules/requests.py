"""A request to subscribe as JSON and back, for signups that wait for their payment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.periods import AnchorConfig
from engine.types import DiscountRequest, ItemRequest, SubscribeRequest

_INSTANTS = ("trial_end", "billing_cycle_anchor", "backdate_start_date")
_TUPLES = ("coupon_ids", "default_tax_rate_ids")
_ITEMS = ("items", "add_invoice_items")


def subscribe_request_to_json(request: SubscribeRequest) -> dict[str, Any]:
    values = asdict(request)
    values["metadata"] = dict(request.metadata)
    for name in _INSTANTS:
        values[name] = values[name].isoformat() if values[name] else None
    values["cancel_at"] = instant_to_json(request.cancel_at)
    return values


def subscribe_request_from_json(values: dict[str, Any]) -> SubscribeRequest:
    """The very request that was written, so that planning it again gives the same."""
    given = dict(values)
    for name in _INSTANTS:
        given[name] = datetime.fromisoformat(given[name]) if given.get(name) else None
    given["cancel_at"] = instant_from_json(given.get("cancel_at"))
    config = given.get("billing_cycle_anchor_config")
    given["billing_cycle_anchor_config"] = AnchorConfig(**config) if config else None
    for name in _TUPLES:
        given[name] = tuple(given[name])
    for name in _ITEMS:
        given[name] = tuple(item_from_json(item) for item in given[name])
    discounts = given.get("discounts")
    given["discounts"] = None if discounts is None else discounts_from_json(discounts)
    return SubscribeRequest(**given)


def item_from_json(values: Mapping[str, Any]) -> ItemRequest:
    """A price that was asked for, as `asdict` gave it."""
    discounts = discounts_from_json(values.get("discounts", ()))
    return ItemRequest(
        values["price_id"],
        values["quantity"],
        tuple(values["tax_rate_ids"]),
        values.get("metadata", {}),
        discounts,
        values.get("discountable", True),
    )


def discounts_from_json(values: Iterable[Mapping[str, str]]) -> tuple[DiscountRequest, ...]:
    """Discounts that were asked for, as `asdict` gave them."""
    return tuple(DiscountRequest(**given) for given in values)


def instant_to_json(given: datetime | str | None) -> str | None:
    """An instant or one of the words that may stand for it ("now", "min_period_end", …)."""
    return given.isoformat() if isinstance(given, datetime) else given


def instant_from_json(given: str | None) -> datetime | str | None:
    """The other way round: only instants begin with a digit."""
    return datetime.fromisoformat(given) if given and given[0].isdigit() else given
