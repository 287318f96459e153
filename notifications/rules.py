"""What is said to whom, and when it is tried again. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import gettext_noop

# The past that `simulate` grows is written today about months ago: nobody gets a receipt for it. A fact told
# later than this after it happened is history.
STALE_AFTER = timedelta(hours=48)

# Minutes after each failed try; then the message is given up.
RETRY_MINUTES = (1, 5, 15, 60, 240, 720, 1440)
# Longer than any mail server's time-out, so that a slow sender is not overtaken by a second one.
LEASE = timedelta(minutes=10)

# What a processor may call it in another way later is one reason in words here.
_REASONS = {
    "no_payment_method": "no_method",
    "insufficient_funds": "funds",
    "expired_card": "expired",
    "debit_not_authorized": "debit",
}
REASON_WORDS = {
    "no_method": gettext_noop("There is no payment method that we could charge for invoice %(number)s."),
    "funds": gettext_noop("The payment of invoice %(number)s was refused for lack of funds."),
    "expired": gettext_noop("The payment of invoice %(number)s was refused because the card has expired."),
    "debit": gettext_noop("Your bank refused the debit for invoice %(number)s."),
    # Nobody is told by mail that a card is reported stolen: it may be the thief who reads it.
    "refused": gettext_noop("The payment of invoice %(number)s was refused by your bank or card issuer."),
}
# A page that asked for the payment has told its outcome by then; what fails later is news.
TOLD_ON_THE_PAGE = timedelta(hours=1)

KIND_OF_EVENT = {
    "invoice.paid": "receipt",
    "invoice_payment.paid": "payment_received",
    "invoice.finalized": "invoice",
    "invoice.payment_failed": "payment_failed",
    "invoice.payment_action_required": "payment_action_required",
    "customer.subscription.trial_will_end": "trial_will_end",
    "invoice.overdue": "invoice_overdue",
    "customer.subscription.deleted": "subscription_ended",
    "customer.subscription.updated": "subscription_unpaid",
    "refund.created": "refund",
    "refund.failed": "refund_failed",
    "payment_method.expiring": "card_expiring",
    "payment_method.automatically_updated": "card_updated",
    "charge.dispute.created": "dispute_opened",
    "charge.dispute.closed": "dispute_closed",
}
# What a merchant may leave unsaid. A payment that failed, an end, and money that does not come back are always told.
OPTIONAL_KINDS = frozenset(
    {
        "receipt",
        "payment_received",
        "invoice",
        "invoice_overdue",
        "trial_will_end",
        "card_expiring",
        "card_updated",
        "refund",
    }
)
ATTACHES_PDF = frozenset({"receipt", "invoice"})
DARK, LIGHT = "#1c1d22", "#ffffff"


def is_history(created: datetime, recorded_at: datetime) -> bool:
    """Whether a fact was written down so long after it happened that nobody is told of it any more."""
    return recorded_at - created > STALE_AFTER


@dataclass(frozen=True, slots=True)
class Attempt:
    """The charge behind a failure: who made it, how it was refused, how long before the event it began."""

    off_session: bool
    decline_code: str
    began_before: timedelta


def invoice_mail(
    event_type: str, *, collection_method: str, billing_reason: str, amount_due: int, attempt: Attempt | None = None
) -> str:
    """The kind of mail an invoice's event asks for, "" for none.

    Nothing is said of invoices over nothing (a trial's first). An invoice is sent only where the customer pays by
    hand. What a subscriber's own page has just said is not said again by mail; a refusal that asks for
    authentication is told once, by the mail that leads to it.
    """
    kind = KIND_OF_EVENT[event_type]
    if amount_due <= 0:
        return ""
    if kind == "invoice" and collection_method != "send_invoice":
        return ""
    if kind not in ("payment_failed", "payment_action_required"):
        return kind
    if attempt is None:
        return "" if billing_reason == "subscription_create" else kind
    if not attempt.off_session and attempt.began_before < TOLD_ON_THE_PAGE:
        return ""
    if kind == "payment_failed" and attempt.decline_code == "authentication_required":
        return ""
    return kind


def refusal_reason(code: str) -> str:
    """The reason that may be said of a decline: a key of `REASON_WORDS`."""
    return _REASONS.get(code, "refused")


def what_comes_next(*, decision: str, next_attempt_at: datetime | None, gives_up_at: datetime | None) -> str:
    """What a failed payment's mail announces: retry, ask_customer (until `gives_up_at`), give_up, or "" (no case)."""
    if next_attempt_at is not None:
        return "retry"
    if decision == "ask_customer" and gives_up_at is not None:
        return "ask_customer"
    return "give_up" if decision == "give_up" else ""


def next_try(attempts: int, wall: datetime) -> datetime | None:
    """When a message that failed `attempts` times is sent again; None: it is given up."""
    if attempts > len(RETRY_MINUTES):
        return None
    return wall + timedelta(minutes=RETRY_MINUTES[attempts - 1])


def readable_ink(colour: str) -> str:
    """Black or white, whichever reads better on a brand colour such as "#4f46e5"."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        return LIGHT
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    # Perceived brightness, 0 to 255,000; above the middle dark text reads better.
    return DARK if 299 * red + 587 * green + 114 * blue > 150_000 else LIGHT
