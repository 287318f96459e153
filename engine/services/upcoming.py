"""What a running subscription's next regular invoice will be, by the planner that will make it. Nothing is written."""

from __future__ import annotations

from datetime import datetime

from core.context import Context
from engine.rules.previews import preview_next_invoice
from engine.selectors import load_rows, renewal_snapshot, subscription_rows
from engine.services.crediting import with_credits
from engine.types import InvoicePreview
from subscriptions.selectors import SubscriptionNotFound


def preview_upcoming(*, ctx: Context, merchant_id: str, subscription_id: str) -> tuple[datetime, InvoicePreview] | None:
    """When the next invoice is made, what is on it and what credits and balance pay of it; None when none will come.

    Raises `SubscriptionNotFound`.
    """
    row = subscription_rows([subscription_id]).get(subscription_id)
    if row is None or row.merchant_id != merchant_id:
        raise SubscriptionNotFound
    # What was used so far of the period that runs is on its invoice; periods to come have no usage yet.
    rows = load_rows(subscriptions=[row], usage_until=row.start_date, lock=False)
    found = preview_next_invoice(renewal_snapshot(rows, row))
    if found is None:
        return None
    moment, shown = found
    return moment, with_credits(ctx=ctx, shown=shown, customer_id=row.customer_id)
