"""What of a subscription changes without anything being billed: what it says, and how its invoices are collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from engine.rules.subscribe import DaysUntilDueMisplaced, check_option
from engine.types import ChangeRequest, PauseCollection
from subscriptions.types import SubscriptionFacts

# What a request may say as it is: our columns, with Stripe's names where these differ.
_PLAIN = (
    "description",
    "default_payment_method_id",
    "save_default_payment_method",
    "default_tax_rate_ids",
    "collection_method",
    "days_until_due",
)
_STRIPE_NAMES = {"default_payment_method_id": "default_payment_method", "default_tax_rate_ids": "default_tax_rates"}
_MAX_DESCRIPTION = 500
_HOW = ("proration_behavior", "proration_date", "payment_behavior", "off_session")


class DescriptionTooLong(OstinatoError):
    code = "parameter_invalid"
    param = "description"
    message_id = gettext_noop("A description has at most %(most)s characters.")


class ResumesInPast(OstinatoError):
    code = "parameter_invalid"
    param = "pause_collection[resumes_at]"
    message_id = gettext_noop("A pause ends in the future.")


def changed_attributes(subscription: SubscriptionFacts, request: ChangeRequest) -> dict[str, object]:
    """The columns that the request really changes, by name, with their new values.

    An invoice that is charged has no days until it is due, so these go when the method of collection changes.
    Raises `UnknownOption`, `DaysUntilDueMisplaced`, `DescriptionTooLong`.
    """
    asked: dict[str, object] = {name: getattr(request, name) for name in _PLAIN}
    asked["trial_missing_payment_method"] = request.trial_missing_payment_method
    if request.metadata is not None:
        asked["metadata"] = merged_metadata(subscription.metadata, request.metadata)
    if request.collection_method is not None:
        check_option("collection_method", request.collection_method, ("charge_automatically", "send_invoice"))
    if request.trial_missing_payment_method is not None:
        check_option(
            "trial_missing_payment_method", request.trial_missing_payment_method, ("create_invoice", "cancel", "pause")
        )
    if len(request.description or "") > _MAX_DESCRIPTION:
        raise DescriptionTooLong(most=_MAX_DESCRIPTION)
    changed = {
        name: value for name, value in asked.items() if value is not None and value != getattr(subscription, name)
    }
    if (request.collection_method or subscription.collection_method) == "charge_automatically":
        if request.days_until_due is not None:
            raise DaysUntilDueMisplaced
        if subscription.days_until_due is not None:
            changed["days_until_due"] = None
    return changed


def merged_metadata(before: Mapping[str, str], patch: Mapping[str, str]) -> dict[str, str]:
    """Stripe's way: keys are added or replaced one by one, a blank value removes its key."""
    merged = {**before, **patch}
    return {key: value for key, value in merged.items() if value != ""}


def previous_values(subscription: SubscriptionFacts, changed: Mapping[str, object]) -> dict[str, object]:
    """What the changed columns held before, as an event tells it."""
    told: dict[str, object] = {}
    for name in changed:
        value = getattr(subscription, name)
        if name == "trial_missing_payment_method":
            told["trial_settings"] = {"end_behavior": {"missing_payment_method": value}}
        elif name == "save_default_payment_method":
            told["payment_settings"] = {name: value}
        elif name == "metadata":
            told["metadata"] = dict(value)
        else:
            told[_STRIPE_NAMES.get(name, name)] = list(value) if isinstance(value, tuple) else value or None
    return told


def pause_columns(pause: PauseCollection | None, as_of: datetime) -> dict[str, object]:
    """The columns of a pause in collection; none when the request says nothing of it.

    Raises `UnknownOption`, `ResumesInPast`.
    """
    if pause is None:
        return {}
    if not pause.behavior:
        return {"pause_behavior": "", "pause_resumes_at": None}
    check_option("pause_collection[behavior]", pause.behavior, ("void", "keep_as_draft", "mark_uncollectible"))
    if pause.resumes_at is not None and pause.resumes_at <= as_of:
        raise ResumesInPast
    return {"pause_behavior": pause.behavior, "pause_resumes_at": pause.resumes_at}


# What may still be said of a subscription that has ended (Stripe, Update a subscription).
_REMARKS = ("metadata", "cancellation_feedback", "cancellation_comment")


def only_remarks(request: ChangeRequest) -> bool:
    """Whether the request says nothing but what may be said of an ended subscription."""
    said = dict.fromkeys(_REMARKS)
    rest = replace(request, **said)  # type: ignore[arg-type]
    silent = ChangeRequest(request.merchant_id, request.subscription_id)
    # How a change would be billed changes nothing by itself.
    how = {name: getattr(request, name) for name in _HOW}
    return rest == replace(silent, **how) and rest != request


def cancellation_columns(request: ChangeRequest) -> dict[str, object]:
    """The columns of the reasons to leave; those that the request says nothing of stay."""
    asked = {name: getattr(request, name) for name in ("cancellation_feedback", "cancellation_comment")}
    return {name: value for name, value in asked.items() if value is not None}
