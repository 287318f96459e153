"""Changes and resumptions that wait to be paid: what may wait, for how long, and how it is remembered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch
from engine.rules.requests import discounts_from_json, instant_from_json, instant_to_json, item_from_json
from engine.types import ChangeRequest, ItemChange, PauseCollection, ResumeRequest
from subscriptions.types import SubscriptionFacts

LAPSES_AFTER = timedelta(hours=23)
RESUME = "resume"
_INSTANTS = ("proration_date", "trial_end", "cancel_at")

# What may not wait: it costs nothing, or cannot be taken back with the invoice (Stripe's list).
_NOT_PENDING = {
    "coupon_ids": "discounts",
    "discounts": "discounts",
    "cancel_at": "cancel_at",
    "cancel_at_period_end": "cancel_at_period_end",
    "cancellation_feedback": "cancellation_details",
    "cancellation_comment": "cancellation_details",
    "pause_collection": "pause_collection",
    "metadata": "metadata",
    "description": "description",
    "default_payment_method_id": "default_payment_method",
    "save_default_payment_method": "payment_settings",
    "default_tax_rate_ids": "default_tax_rates",
    "collection_method": "collection_method",
    "days_until_due": "days_until_due",
    "trial_missing_payment_method": "trial_settings",
}


class PendingUpdateUnsupported(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("%(field)s cannot wait for a payment: change it on its own.")


def check_may_wait(request: ChangeRequest) -> None:
    """Raises `PendingUpdateUnsupported` for what a pending update cannot hold."""
    for name, param in _NOT_PENDING.items():
        if getattr(request, name) is not None:
            raise PendingUpdateUnsupported(param=param, field=param)
    for kind in ("items", "add_invoice_items"):
        for number, item in enumerate(getattr(request, kind)):
            if item.discounts:
                name = f"{kind}[{number}][discounts]"
                raise PendingUpdateUnsupported(param=name, field=name)


def expiry(subscription: SubscriptionFacts, as_of: datetime) -> datetime:
    """When an unpaid change lapses: the earliest of 23 hours, trial end and period end (and a scheduled end).

    A resumption has 23 hours: the periods of what is paused are over or lost.
    """
    moments = [as_of + LAPSES_AFTER]
    if subscription.status != "paused":
        moments += [item.current_period_end for item in subscription.items]
    if subscription.status == "trialing" and subscription.trial_end is not None:
        moments.append(subscription.trial_end)
    if subscription.cancel_at is not None:
        moments.append(subscription.cancel_at)
    return min(moments)


def shown(request: ChangeRequest | ResumeRequest, as_of: datetime) -> dict[str, Any]:
    """The pending update as Stripe shows it, without its expiry. Nothing is told of what stays as it is."""
    told: dict[str, Any] = {}
    if isinstance(request, ResumeRequest):
        return told
    if request.items:
        told["subscription_items"] = [
            {"id": item.item_id or None, "price": item.price_id or None, "quantity": item.quantity}
            for item in request.items
        ]
    if request.billing_cycle_anchor == "now":
        told["billing_cycle_anchor"] = epoch(as_of)
    if request.trial_end is not None:
        told["trial_end"] = epoch(as_of) if request.trial_end == "now" else epoch(_instant(request.trial_end))
    return told


def request_to_json(request: ChangeRequest | ResumeRequest) -> dict[str, Any]:
    """The whole request. The instant of proration is kept, or none: then it is that of asking."""
    values = asdict(request)
    if isinstance(request, ResumeRequest):
        return {**values, "kind": RESUME, "proration_date": instant_to_json(request.proration_date)}
    for name in _INSTANTS:
        values[name] = instant_to_json(values[name])
    if request.pause_collection is not None:
        values["pause_collection"]["resumes_at"] = instant_to_json(request.pause_collection.resumes_at)
    return values


def request_from_json(values: dict[str, Any]) -> ChangeRequest | ResumeRequest:
    """The very request that was remembered."""
    given = dict(values)
    if given.pop("kind", "") == RESUME:
        return ResumeRequest(**given | {"proration_date": _instant_or_none(given["proration_date"])})
    given["items"] = tuple(_item_change(item) for item in given["items"])
    given["add_invoice_items"] = tuple(item_from_json(item) for item in given["add_invoice_items"])
    for name in ("coupon_ids", "default_tax_rate_ids"):
        given[name] = None if given.get(name) is None else tuple(given[name])
    discounts, pause = given.get("discounts"), given.get("pause_collection")
    given["discounts"] = None if discounts is None else discounts_from_json(discounts)
    if pause is not None:
        given["pause_collection"] = PauseCollection(pause["behavior"], _instant_or_none(pause["resumes_at"]))
    for name in _INSTANTS:
        given[name] = instant_from_json(given.get(name))
    return ChangeRequest(**given)


def _item_change(values: dict[str, Any]) -> ItemChange:
    rates = values["tax_rate_ids"]
    discounts = values.get("discounts")
    return ItemChange(
        values["item_id"],
        values["price_id"],
        values["quantity"],
        values["deleted"],
        None if rates is None else tuple(rates),
        values.get("metadata", {}),
        None if discounts is None else discounts_from_json(discounts),
    )


def is_resumption(pending_update: Mapping[str, Any] | None) -> bool:
    """Whether what waits is the end of a pause: then it is no `pending_update` in Stripe's sense."""
    return bool(pending_update) and pending_update["request"].get("kind") == RESUME  # type: ignore[index]


def settling_statuses(pending_update: Mapping[str, Any]) -> tuple[str, ...]:
    """The statuses of its invoice that let it apply: a resumption goes on once that is written off, too."""
    return ("paid", "uncollectible") if is_resumption(pending_update) else ("paid",)


def _instant_or_none(given: str | None) -> datetime | None:
    return None if given is None else _instant(datetime.fromisoformat(given))


def _instant(given: datetime | str) -> datetime:
    assert isinstance(given, datetime), given
    return given
