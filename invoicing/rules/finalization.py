"""From draft to open or paid, and when an invoice must be looked at again."""

from __future__ import annotations

from datetime import datetime, timedelta


def finalized_status(amount_due: int) -> str:
    """An invoice with nothing due is paid at once."""
    return "open" if amount_due else "paid"


def due_date(collection_method: str, finalized_at: datetime, days_until_due: int) -> datetime | None:
    """When a sent invoice should have been paid: whole days of 24 hours. Charged ones are due at once."""
    if collection_method != "send_invoice":
        return None
    return finalized_at + timedelta(days=days_until_due)


def invoice_next_action_at(
    *,
    status: str,
    auto_advance: bool = True,
    automatically_finalizes_at: datetime | None = None,
    next_payment_attempt: datetime | None = None,
    due_date: datetime | None = None,
    overdue_since: datetime | None = None,
) -> datetime | None:
    """The one due moment of an invoice: a draft's finalization; an open one's next attempt or passing its due date.

    Nothing for a draft that does not advance by itself, and nothing for a settled invoice.
    """
    if status == "draft":
        return automatically_finalizes_at if auto_advance else None
    if status != "open":
        return None
    attempt = next_payment_attempt if auto_advance else None
    waits = [moment for moment in (attempt, None if overdue_since else due_date) if moment is not None]
    return min(waits, default=None)
