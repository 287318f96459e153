"""A change that applies only if it is paid (pending_if_incomplete), or a resumption.

1. The change is planned and its invoice written, finalized and charged; of the change itself nothing is written but
   what was asked for (`Subscription.pending_update`) and the billed periods to be.
2. Paid: the change is planned again as of the instant it was asked for, so with the same figures, and written.
3. Not paid by the earliest of 23 hours, trial end and period end: the renewal run voids the invoice and forgets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from core.context import Context
from core.ids import new_ids
from engine.posting.batch import Batch
from engine.posting.refs import Refs
from engine.rules.change import plan_change
from engine.rules.checks import check_plan
from engine.rules.pausing import plan_resume
from engine.rules.pending_updates import (
    expiry,
    is_resumption,
    request_from_json,
    request_to_json,
    settling_statuses,
    shown,
)
from engine.rules.renewal import state_of
from engine.selectors import BillingRows
from engine.services.changing import load_change, post_change
from engine.services.finalize import FinalizationRefused, finalize_new, settle_paid
from engine.services.voiding import void_if_open
from engine.types import ChangePlan, ChangeRequest, ChangeSnapshot, PlannedEvent, ResumeRequest
from events.copying import Row
from invoicing.models import Invoice
from subscriptions.models import BilledPeriod, Subscription
from subscriptions.types import SubscriptionFacts, is_new_ref
from subscriptions.writes import consume_discounts, lock_subscriptions

_INSTANTS = ("start", "end", "credited_from", "reversed_at", "created", "recorded_at")


def hold_change(
    ctx: Context,
    rows: BillingRows,
    subscription: Row,
    snapshot: ChangeSnapshot,
    plan: ChangePlan,
    request: ChangeRequest | ResumeRequest,
) -> Batch:
    """Write the invoice of a change and remember the rest. Inside the caller's transaction, under its locks."""
    batch = Batch(ctx, rows, off_session=request.off_session)
    refs = Refs(
        subscription_id=subscription.id,
        items=tuple(new_ids("si", len(plan.items_added))),
        discounts=tuple(new_ids("di", len(plan.discounts_added))),
        pending=tuple(new_ids("ii", len(plan.pending_items))),
        invoices=tuple(new_ids("in", len(plan.invoices))),
    )
    batch.touch(subscription, rows.items.get(subscription.id, ()))
    batch.add_pending(plan.pending_items, plan.merchant_id, plan.customer_id, refs)
    latest = subscription.latest_invoice_id or None
    for invoice_id, planned in zip(refs.invoices, plan.invoices, strict=True):
        batch.add_invoice(planned, invoice_id, refs)
    batch.use_discounts(plan.discounts_used, refs)
    periods, batch.periods = batch.periods, []
    subscription["pending_update"] = {
        "request": request_to_json(request),
        "as_of": ctx.as_of.isoformat(),
        "invoice": refs.invoices[0],
        "items": list(refs.items),
        "discounts": list(refs.discounts),
        "periods": [_to_json(period) for period in periods],
        "shown": shown(request, ctx.as_of),
    }
    batch.relabelled.append((subscription, ("pending_update",)))
    before = snapshot.renewal.subscription
    batch.move(subscription.id, state_of(replace(before, pending_update_expires_at=expiry(before, ctx.as_of))))
    created = [event for event in plan.events if event.object_type != "subscription"]
    previous = {"latest_invoice": latest} if isinstance(request, ResumeRequest) else {"pending_update": None}
    told = PlannedEvent("customer.subscription.updated", "subscription", subscription.id, previous)
    batch.tell([told, *created], refs)
    refused = finalize_new(batch)
    if refused:
        raise FinalizationRefused.of(refused[0])
    batch.write()
    settle_paid(batch)
    return batch


def apply_paid_updates(ctx: Context, subscription_ids: Iterable[str]) -> int:
    """Write the changes whose invoices were paid. Returns how many."""
    return sum(_apply(ctx, subscription_id) for subscription_id in subscription_ids)


def run_pending_updates(*, ctx: Context, clock_id: str | None = None) -> int:
    """Every change that waited and is paid by now, however it was paid."""
    waiting = Subscription.objects.filter(pending_update_expires_at__isnull=False, test_clock_id=clock_id).values_list(
        "id", "pending_update"
    )
    held = {update["invoice"]: (subscription_id, update) for subscription_id, update in waiting if update}
    settled = Invoice.objects.filter(id__in=held, status__in=("paid", "uncollectible")).values_list("id", "status")
    ready = [held[invoice_id][0] for invoice_id, status in settled if status in settling_statuses(held[invoice_id][1])]
    return apply_paid_updates(ctx, ready)


def apply_if_paid(ctx: Context, invoice_id: str) -> None:
    """Write the change that waited for this invoice, if one did and it is paid now. In a transaction of its own."""
    waiting = Subscription.objects.filter(latest_invoice_id=invoice_id, pending_update_expires_at__isnull=False)
    apply_paid_updates(ctx, list(waiting.values_list("id", flat=True)))


def drop_pending_update(ctx: Context, subscription_id: str) -> list[str]:
    """Forget a change that waits, inside the caller's transaction: its invoice is voided.

    Returns the intents that the caller cancels at their gateways after its commit. Raises `PaymentInFlight`.
    """
    [row] = lock_subscriptions([subscription_id])
    if row.pending_update_expires_at is None:
        return []
    canceled = void_if_open(ctx, [row.pending_update["invoice"]])
    rows, subscription, snapshot = load_change(ctx.as_of, row.merchant_id, subscription_id, lock=True)
    batch = Batch(ctx, rows)
    batch.touch(subscription, rows.items.get(subscription_id, ()))
    batch.move(subscription_id, state_of(_settled(snapshot.renewal.subscription)))
    lapsed = "updated" if is_resumption(row.pending_update) else "pending_update_expired"
    batch.tell_of(f"customer.subscription.{lapsed}", "subscription", subscription)
    batch.write()
    return canceled


def _apply(ctx: Context, subscription_id: str) -> bool:
    with transaction.atomic(durable=True):
        [row] = lock_subscriptions([subscription_id])
        held = row.pending_update
        if row.pending_update_expires_at is None or not _is_settled(held):
            return False
        request = request_from_json(held["request"])
        asked_at = datetime.fromisoformat(held["as_of"])
        rows, subscription, snapshot = load_change(
            asked_at,
            row.merchant_id,
            subscription_id,
            price_ids=() if isinstance(request, ResumeRequest) else request.price_ids,
            tax_rate_ids=() if isinstance(request, ResumeRequest) else request.tax_rate_ids,
            discounts=() if isinstance(request, ResumeRequest) else request.discounts_asked,
            lock=True,
        )
        renewal = replace(snapshot.renewal, subscription=_settled(snapshot.renewal.subscription))
        plan = _plan(replace(snapshot, renewal=renewal), request, asked_at)
        told = [event for event in plan.events if event.object_type == "subscription"]
        if not isinstance(request, ResumeRequest):
            told.append(PlannedEvent("customer.subscription.pending_update_applied", "subscription", subscription_id))
        given = held.get("discounts", [])
        # Those that stood were used up with the invoice; the new ones are only made now.
        used = [use for use in plan.discounts_used if is_new_ref(use.discount_id)]
        uses = [(given[int(use.discount_id[1:])], use.consumed_at, held["invoice"]) for use in used]
        added = zip(given, plan.discounts_added, strict=True)
        places = {discount_id: {"invoice_id": held["invoice"]} for discount_id, new in added if new.of_line}
        plan = replace(plan, invoices=(), pending_items=(), discounts_used=(), events=tuple(told))
        check_plan(plan, snapshot.debits)
        periods = [_from_json(period) for period in held["periods"]]
        post_change(
            ctx, rows, subscription, plan, item_ids=held["items"], discount_ids=given, periods=periods, places=places
        )
        consume_discounts(uses)
    return True


def _plan(snapshot: ChangeSnapshot, request: ChangeRequest | ResumeRequest, asked_at: datetime) -> ChangePlan:
    if isinstance(request, ResumeRequest):
        return plan_resume(snapshot, request, asked_at)
    return plan_change(snapshot, request, asked_at)


def _is_settled(held: Mapping[str, Any]) -> bool:
    return Invoice.objects.filter(id=held["invoice"], status__in=settling_statuses(held)).exists()


def _settled(subscription: SubscriptionFacts) -> SubscriptionFacts:
    return replace(subscription, pending_update_expires_at=None)


def _to_json(period: Row) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in period.items()}


def _from_json(values: dict[str, Any]) -> Row:
    row = Row({"share_of": ""} | values)
    for name in _INSTANTS:
        if row[name] is not None:
            row[name] = datetime.fromisoformat(row[name])
    assert set(row) >= {"id", "subscription_item_id", "start"}, f"not a row of {BilledPeriod.__name__}"
    return row
