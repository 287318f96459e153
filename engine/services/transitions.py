"""What payments do to subscriptions: incomplete -> active, past_due and back, and the end when tries end.

Called inside the transaction that settled the invoices, once their rows are written. Nothing here opens one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from core.context import Context
from dunning.models import CaseStatus
from dunning.writes import close_cases
from engine.selectors import bodies_kept
from events.copying import Row
from events.reading import read_rows
from events.types import EventRow
from events.writes import record_events
from invoicing.models import Invoice
from invoicing.snapshots import invoice_snapshot
from invoicing.writes import drop_held_items, release_held_items, update_progress
from subscriptions.entitlements import ENTITLING_STATUSES
from subscriptions.rules.next_action import next_action
from subscriptions.rules.status import (
    status_after_failure,
    status_after_payment,
    status_after_retries,
    status_from_invoices,
)
from subscriptions.selectors import discount_ids_of, item_rows_of
from subscriptions.services.entitlements import tell_entitlements
from subscriptions.snapshots import subscription_snapshot
from subscriptions.types import TERMINAL_STATUSES
from subscriptions.writes import lock_subscriptions, update_attributes, update_states, wake_schedules

_NONE: Mapping[str, Row] = {}


@dataclass(frozen=True, slots=True)
class InvoiceNews:
    """What happened to an invoice: paid, failed, overdue, settled (void or uncollectible) or retries_ended.

    `end_behavior` (cancel, unpaid, past_due) goes with retries_ended, `payment_method_id` with what was charged.
    """

    invoice_id: str
    subscription_id: str
    what: str
    end_behavior: str = ""
    payment_method_id: str = ""


def subscriptions_after_payment(ctx: Context, news: Sequence[InvoiceNews], held: Mapping[str, Row] = _NONE) -> None:
    """Move the subscriptions of these invoices to the status that follows, and tell it.

    Several news of one subscription are taken in the order given; invoices without a subscription are passed
    over. Subscriptions that the caller does not hold as they are now (`held`) are locked here, in id order.
    """
    _settle_held_credits(ctx, news)
    by_subscription: dict[str, list[InvoiceNews]] = defaultdict(list)
    for item in news:
        if item.subscription_id:
            by_subscription[item.subscription_id].append(item)
    if not by_subscription:
        return
    missing = [one for one in by_subscription if one not in held]
    rows = sorted(
        [*lock_subscriptions(missing), *(held[one] for one in by_subscription if one in held)], key=attrgetter("id")
    )
    before = {row.id: row.status for row in rows}
    for row in rows:
        for item in by_subscription[row.id]:
            row["status"] = _next_status(row, item)
    saved = {row.id for row in rows if _saves_method(row, by_subscription[row.id])}
    _write_moved(ctx, [row for row in rows if row.status != before[row.id] or row.id in saved], before, saved)


def _saves_method(row: Row, news: Sequence[InvoiceNews]) -> bool:
    """What paid becomes the default of a subscription that says so (Stripe's save_default_payment_method)."""
    used = [item.payment_method_id for item in news if item.what == "paid" and item.payment_method_id]
    if row.save_default_payment_method != "on_subscription" or not used or used[-1] == row.default_payment_method_id:
        return False
    row["default_payment_method_id"] = used[-1]
    return True


def _settle_held_credits(ctx: Context, news: Sequence[InvoiceNews]) -> None:
    """Under `unpaid_proration` defer a credit waits for the invoice that it gives back of."""
    paid = [item.invoice_id for item in news if item.what == "paid"]
    settled = [item.invoice_id for item in news if item.what == "settled"]
    if paid:
        release_held_items(paid)
    if settled:
        drop_held_items(settled, ctx.as_of)


def _next_status(row: Row, news: InvoiceNews) -> str:
    if row.status in TERMINAL_STATUSES:
        return str(row.status)
    if _is_pending_update(row, news.invoice_id):
        return str(row.status)  # a change that is not paid does not apply: nothing is owed for it
    if news.what == "paid":
        return status_after_payment(row.status, is_latest_invoice=_is_latest(row, news.invoice_id))
    if news.what in ("failed", "overdue"):
        return status_after_failure(row.status, is_latest_invoice=_is_latest(row, news.invoice_id))
    if news.what == "retries_ended":
        return status_after_retries(row.status, news.end_behavior)
    return status_from_invoices(row.status, _invoice_statuses(row.id))


def _is_latest(row: Row, invoice_id: str) -> bool:
    """Whether it is the latest finalized one that stands: a draft after it says nothing yet, a voided one no more."""
    if row.latest_invoice_id == invoice_id:
        return True
    standing = Invoice.objects.filter(subscription_id=row.id).exclude(status__in=("draft", "void"))
    latest: str | None = standing.order_by("-created", "-id").values_list("id", flat=True).first()
    return latest == invoice_id


def _is_pending_update(row: Row, invoice_id: str) -> bool:
    return row.pending_update_expires_at is not None and row.pending_update["invoice"] == invoice_id


def _invoice_statuses(subscription_id: str) -> list[str]:
    finalized = Invoice.objects.filter(subscription_id=subscription_id).exclude(status="draft")
    return list(finalized.order_by("-created", "-id").values_list("status", flat=True)[:50])


def _write_moved(ctx: Context, moved: Sequence[Row], before: dict[str, str], saved: Collection[str]) -> None:
    if not moved:
        return
    items = item_rows_of([row.id for row in moved])
    for row in moved:
        if row.status == "canceled":
            row.update(ended_at=ctx.as_of, canceled_at=row.canceled_at or ctx.as_of, next_action_at=None)
            row["cancellation_reason"] = row.cancellation_reason or "payment_failed"
        elif row.status == "incomplete_expired":
            row.update(ended_at=ctx.as_of, cancel_at=None, incomplete_expires_at=None, next_action_at=None)
        else:
            row["incomplete_expires_at"] = None if row.status != "incomplete" else row.incomplete_expires_at
            row["next_action_at"] = next_action_of(row, items[row.id])
        row["version"] += 1
    update_states(moved)
    for row in moved:
        if row.id in saved:
            update_attributes(row, ["default_payment_method_id"])
    _tell_moved(ctx, moved, items, before)
    regraded = [row for row in moved if (row.status in ENTITLING_STATUSES) != (before[row.id] in ENTITLING_STATUSES)]
    tell_entitlements(ctx, [(row.merchant_id, row.customer_id) for row in regraded])
    ended = [row for row in moved if row.status in TERMINAL_STATUSES]
    stop_invoices(ctx, [row.id for row in ended])
    wake_schedules([row.schedule_id for row in ended if row.schedule_id], ctx.as_of)


def tell_updated(ctx: Context, rows: Sequence[Row]) -> None:
    """customer.subscription.updated for rows that are locked and written, and keep their status."""
    _tell_moved(ctx, rows, item_rows_of([row.id for row in rows]), {row.id: row.status for row in rows})


def _tell_moved(
    ctx: Context, moved: Sequence[Row], items: Mapping[str, Iterable[Any]], before: Mapping[str, str]
) -> None:
    kept = bodies_kept({row.merchant_id for row in moved})
    discounts = discount_ids_of([row.id for row in moved if row.merchant_id in kept])
    record_events(ctx, [subscription_event(row, items[row.id], before[row.id], kept, discounts) for row in moved])


def next_action_of(row: Row, items: Iterable[Any]) -> Any:
    """When the run must look at this subscription again, by its columns and its items' periods."""
    return next_action(
        status=row.status,
        period_ends=[item.current_period_end for item in items],
        trial_end=row.trial_end,
        trial_will_end_sent_at=row.trial_will_end_sent_at,
        cancel_at_period_end=row.cancel_at_period_end,
        cancel_at=row.cancel_at,
        incomplete_expires_at=row.incomplete_expires_at,
        pause_resumes_at=row.pause_resumes_at,
        pending_update_expires_at=row.pending_update_expires_at,
    )


def subscription_event(
    row: Row,
    items: Iterable[Any],
    status_before: str,
    kept: Collection[str],
    discounts: tuple[dict[str, list[str]], dict[str, list[str]]],
) -> EventRow:
    """customer.subscription.updated, or deleted when it has ended. `discounts` are as `discount_ids_of` gives them."""
    own, of_items = discounts
    ended = row.status in TERMINAL_STATUSES and status_before not in TERMINAL_STATUSES
    return EventRow(
        merchant_id=row.merchant_id,
        type="customer.subscription.deleted" if ended else "customer.subscription.updated",
        object_type="subscription",
        object_id=row.id,
        object_version=row.version,
        customer_id=row.customer_id,
        body=subscription_snapshot(row, items, own[row.id], of_items) if row.merchant_id in kept else None,
        previous_attributes={"status": status_before} if status_before != row.status else None,
        test_clock_id=row.test_clock_id,
    )


def stop_invoices(ctx: Context, subscription_ids: Sequence[str]) -> None:
    """Draft and open invoices of ended subscriptions stop advancing: nothing is retried after a cancellation."""
    if not subscription_ids:
        return
    advancing = Invoice.objects.filter(
        subscription_id__in=subscription_ids, status__in=["draft", "open"], auto_advance=True
    )
    rows = read_rows(advancing.select_for_update(no_key=True).order_by("id"))
    for row in rows:
        row.update(auto_advance=False, next_payment_attempt=None, next_action_at=None, version=row.version + 1)
        row["automatically_finalizes_at"] = None
    update_progress(rows)
    close_cases(ctx, [row.id for row in rows], CaseStatus.CLOSED)
    kept = bodies_kept({row.merchant_id for row in rows})
    record_events(ctx, [invoice_event("invoice.updated", row, kept, {"auto_advance": True}) for row in rows])


def invoice_event(type_: str, row: Any, kept: Collection[str], previous: dict[str, Any] | None = None) -> EventRow:
    """A fact about an invoice whose version the caller bumped."""
    return EventRow(
        merchant_id=row.merchant_id,
        type=type_,
        object_type="invoice",
        object_id=row.id,
        object_version=row.version,
        customer_id=row.customer_id,
        body=invoice_snapshot(row) if row.merchant_id in kept else None,
        previous_attributes=previous,
        test_clock_id=row.test_clock_id,
    )
