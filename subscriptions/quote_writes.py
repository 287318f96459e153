"""Writers of quotes. They never open a transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Max

from events.copying import Row, update_rows
from events.reading import read_rows
from subscriptions.models import Quote

_LAPSED = ("id", "status", "canceled_at", "next_action_at", "version")


def lock_quote(merchant_id: str, quote_id: str) -> Quote | None:
    rows = Quote.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, id=quote_id)
    return rows.first()


def save_quote(quote: Quote) -> None:
    quote.save()


def next_sequence(merchant_id: str, customer_id: str) -> int:
    """The place of the customer's next numbered quote; the caller holds the customer's lock."""
    numbered = Quote.objects.filter(merchant_id=merchant_id, customer_id=customer_id)
    return int(numbered.aggregate(last=Max("sequence"))["last"] or 0) + 1


def claim_lapsed_quotes(
    as_of: datetime, *, clock_id: str | None, limit: int, only: Collection[str] | None = None
) -> list[Row]:
    """Drafts and open quotes whose day has come, the earliest first, under their locks."""
    due = Quote.objects.filter(next_action_at__isnull=False, next_action_at__lte=as_of, test_clock_id=clock_id)
    if only is not None:
        due = due.filter(id__in=list(only))
    rows = due.select_for_update(no_key=True, skip_locked=True).order_by("next_action_at", "id")
    return read_rows(rows[:limit])


def write_lapsed(rows: Sequence[Row]) -> None:
    update_rows(Quote, _LAPSED, [[row[name] for name in _LAPSED] for row in rows])
