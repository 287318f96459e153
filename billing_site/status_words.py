"""Every status that a face shows: its translated word and its tone."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _, pgettext_lazy

# tone: success, warning, danger, info (in motion), neutral (over, or not begun)
STATUSES: dict[str, tuple[str, str | Promise]] = {
    "active": ("success", _("Active")),
    "trialing": ("info", _("Trial")),
    "past_due": ("warning", _("Past due")),
    "unpaid": ("danger", _("Unpaid")),
    "canceled": ("neutral", _("Canceled")),
    "incomplete": ("warning", _("Incomplete")),
    "incomplete_expired": ("neutral", _("Expired")),
    "paused": ("neutral", _("Paused")),
    "draft": ("neutral", _("Draft")),
    "open": ("info", _("Open")),
    "paid": ("success", _("Paid")),
    "void": ("neutral", _("Void")),
    "uncollectible": ("danger", _("Uncollectible")),
    "succeeded": ("success", _("Succeeded")),
    "failed": ("danger", _("Failed")),
    "pending": ("info", _("Pending")),
    "planned": ("neutral", _("Planned")),
    "processing": ("info", _("Processing")),
    "requires_action": ("warning", _("Needs authentication")),
    "requires_payment_method": ("warning", _("Needs a payment method")),
    "requires_confirmation": ("info", _("To confirm")),
    "requires_capture": ("info", _("To capture")),
    "authorized": ("info", _("To capture")),
    "unknown": ("warning", _("Outcome unknown")),
    "refunded": ("neutral", _("Refunded")),
    "partially_refunded": ("neutral", _("Partly refunded")),
    "warning_needs_response": ("warning", _("Inquiry: needs an answer")),
    "warning_under_review": ("info", _("Inquiry: under review")),
    "warning_closed": ("neutral", _("Inquiry closed")),
    "needs_response": ("warning", _("Needs an answer")),
    "under_review": ("info", _("Under review")),
    "won": ("success", _("Won")),
    "lost": ("danger", _("Lost")),
    "prevented": ("neutral", _("Prevented")),
    "available": ("success", _("Available")),
    "in_transit": ("info", _("In transit")),
    "refused": ("danger", _("Key refused")),
    "disconnected": ("neutral", _("Disconnected")),
    "disputed": ("danger", _("Disputed")),
    "archived": ("neutral", _("Archived")),
    "inactive": ("neutral", _("Inactive")),
    "ready": ("success", _("Ready")),
    "advancing": ("info", _("Advancing")),
    "internal_failure": ("danger", _("Internal failure")),
    "running": ("info", _("Running")),
    "finished": ("success", _("Finished")),
    "interrupted": ("warning", _("Interrupted")),
    "stopped": ("neutral", _("Stopped")),
    "crashed": ("danger", _("Crashed")),
    "sent": ("success", _("Sent")),
    "queued": ("info", _("Queued")),
    "kept": ("neutral", _("Kept here")),
    "recovered": ("success", _("Recovered")),
    "exhausted": ("danger", _("Exhausted")),
    "resolved": ("success", _("Resolved")),
    "issued": ("info", _("Issued")),
    "expired": ("neutral", _("Expired")),
    "complete": ("success", _("Complete")),
    "completed": ("success", _("Completed")),
    "not_started": ("info", _("Not started")),
    "released": ("neutral", _("Released")),
    "enabled": ("success", _("Switched on")),
    "disabled": ("neutral", _("Switched off")),
    "key_active": ("success", pgettext_lazy("a key", "Active")),
    "key_expired": ("neutral", pgettext_lazy("a key", "Expired")),
    "key_revoked": ("neutral", pgettext_lazy("a key", "Revoked")),
    "quote_open": ("info", pgettext_lazy("a quote", "Open")),
    "accepted": ("success", pgettext_lazy("a quote", "Accepted")),
    "refusal_open": ("warning", pgettext_lazy("a refusal", "Open")),
    "failing": ("warning", _("Failing")),
    "retrying": ("warning", _("Retrying")),
    "revoked": ("neutral", _("Revoked")),
}


def status_tone(status: str) -> str:
    return STATUSES.get(status, ("neutral", ""))[0]


def status_word(status: str) -> str | Promise:
    """The translated word; an unlisted status is shown as it is stored, readable at least."""
    known = STATUSES.get(status)
    return known[1] if known else status.replace("_", " ").capitalize()
