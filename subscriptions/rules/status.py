"""The life of a subscription's status (SEMANTICS, Subscription states).

incomplete -> active | incomplete_expired; trialing -> active | past_due | canceled | paused;
active <-> past_due -> canceled | unpaid; canceled and incomplete_expired are the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.errors import OstinatoError, gettext_noop
from subscriptions.types import TERMINAL_STATUSES

INCOMPLETE_EXPIRES_AFTER = timedelta(hours=23)

_SETTLED_INVOICES = frozenset({"paid", "uncollectible"})


class SubscriptionIsTerminal(OstinatoError):
    code = "resource_missing"
    param = "subscription"
    message_id = gettext_noop(
        "The subscription has ended (%(status)s): only its metadata and cancellation_details can still be changed."
    )


class SubscriptionIsIncomplete(OstinatoError):
    code = "subscription_incomplete"
    param = "subscription"
    message_id = gettext_noop("The first invoice of the subscription is not paid yet.")


class SubscriptionIsPaused(OstinatoError):
    code = "subscription_paused"
    param = "subscription"
    message_id = gettext_noop("The subscription is paused: resume it first.")


def check_can_change(status: str) -> None:
    """Raises `SubscriptionIsTerminal`, `SubscriptionIsIncomplete` or `SubscriptionIsPaused`."""
    check_alive(status)
    if status == "incomplete":
        raise SubscriptionIsIncomplete
    if status == "paused":
        raise SubscriptionIsPaused


def check_alive(status: str) -> None:
    """Raises `SubscriptionIsTerminal` for a subscription that has ended."""
    if status in TERMINAL_STATUSES:
        raise SubscriptionIsTerminal(status=status)


def first_status(*, on_trial: bool, amount_due: int, collection_method: str) -> str:
    """A new subscription's status before its first payment is tried."""
    if on_trial:
        return "trialing"
    if amount_due and collection_method == "charge_automatically":
        return "incomplete"
    return "active"


def incomplete_expires_at(status: str, start: datetime) -> datetime | None:
    return start + INCOMPLETE_EXPIRES_AFTER if status == "incomplete" else None


def status_after_payment(status: str, *, is_latest_invoice: bool = True) -> str:
    """A payment succeeded. Only the latest invoice brings a subscription back; older debts stay to be paid."""
    if status == "incomplete":
        return "active"
    if status in ("past_due", "unpaid") and is_latest_invoice:
        return "active"
    return status


def status_after_failure(status: str, *, is_latest_invoice: bool = True) -> str:
    """A payment of a finalized invoice failed, or a sent invoice passed its due date."""
    return "past_due" if status == "active" and is_latest_invoice else status


def status_after_retries(status: str, end_behavior: str) -> str:
    """No try is left: what the policy says (cancel, unpaid, past_due). Incomplete ones expire by themselves."""
    if status in TERMINAL_STATUSES or status == "incomplete":
        return status
    return {"cancel": "canceled", "unpaid": "unpaid", "past_due": "past_due"}[end_behavior]


def status_from_invoices(status: str, invoice_statuses: Sequence[str]) -> str:
    """The status of a past-due or incomplete subscription once an invoice was settled without a payment.

    `invoice_statuses` are those of its finalized invoices, latest first. Voided ones are passed over: the first
    that is not voided decides, and paid or uncollectible makes it active. With none left nothing is owed. One that
    never began ends when its first invoice is voided: nothing is left that could begin it.
    """
    if status == "incomplete" and invoice_statuses and set(invoice_statuses) == {"void"}:
        return "incomplete_expired"
    if status not in ("past_due", "unpaid"):
        return status
    deciding = next((found for found in invoice_statuses if found != "void"), "paid")
    return "active" if deciding in _SETTLED_INVOICES else status


def status_after_trial(missing_payment_method: str, *, has_payment_method: bool, collection_method: str) -> str:
    """What a trial turns into: active, or what `trial_settings` say when there is nothing to charge."""
    if has_payment_method or collection_method == "send_invoice":
        return "active"
    return {"create_invoice": "active", "cancel": "canceled", "pause": "paused"}[missing_payment_method]
