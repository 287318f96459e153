"""What is said to whom, and when it is tried again. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

# The past that `simulate` grows is written today about months ago: nobody gets a receipt for it. A fact told
# later than this after it happened is history.
STALE_AFTER = timedelta(hours=48)

# Minutes after each failed try; then the message is given up.
RETRY_MINUTES = (1, 5, 15, 60, 240, 720, 1440)
# Longer than any mail server's time-out, so that a slow sender is not overtaken by a second one.
LEASE = timedelta(minutes=10)

KIND_OF_EVENT = {
    "invoice.paid": "receipt",
    "invoice.finalized": "invoice",
    "invoice.payment_failed": "payment_failed",
    "invoice.payment_action_required": "payment_action_required",
    "customer.subscription.trial_will_end": "trial_will_end",
    "customer.subscription.deleted": "subscription_ended",
    "refund.created": "refund",
}
ATTACHES_PDF = frozenset({"receipt", "invoice"})
DARK, LIGHT = "#1c1d22", "#ffffff"


def is_history(created: datetime, recorded_at: datetime) -> bool:
    """Whether a fact was written down so long after it happened that nobody is told of it any more."""
    return recorded_at - created > STALE_AFTER


def invoice_mail(event_type: str, *, collection_method: str, billing_reason: str, amount_due: int) -> str:
    """The kind of mail an invoice's event asks for, "" for none.

    Nothing is said of invoices over nothing (a trial's first). An invoice is sent only where the customer pays by
    hand; of a failed first payment the subscriber was told on the checkout's page.
    """
    kind = KIND_OF_EVENT[event_type]
    if amount_due <= 0:
        return ""
    if kind == "invoice" and collection_method != "send_invoice":
        return ""
    if kind in ("payment_failed", "payment_action_required") and billing_reason == "subscription_create":
        return ""
    return kind


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
