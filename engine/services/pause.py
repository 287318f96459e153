"""A service pause and its end."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from engine.rules.checks import check_plan
from engine.rules.pausing import plan_pause, plan_resume
from engine.services.change_posting import collect_change, is_to_be_paid
from engine.services.changing import load_change, post_change
from engine.services.collect import cancel_at_gateway
from engine.services.finalize import settle_paid
from engine.services.pending_updates import apply_paid_updates, drop_pending_update, hold_change
from engine.types import ChangeResult, ResumeRequest
from subscriptions.selectors import subscription_by_id


def pause_subscription(
    *, ctx: Context, merchant_id: str, subscription_id: str, prorate: bool = False, invoice_now: bool = False
) -> ChangeResult:
    """Pause the service now: nothing is billed until it is resumed. `prorate` credits the time left.

    Raises `SubscriptionNotFound`, `SubscriptionIsTerminal`, `SubscriptionIsIncomplete`, `SubscriptionIsPaused`.
    """
    with transaction.atomic(durable=True):
        rows, subscription, snapshot = load_change(ctx.as_of, merchant_id, subscription_id, lock=True)
        plan = plan_pause(snapshot, ctx.as_of, prorate=prorate, invoice_now=invoice_now)
        check_plan(plan, snapshot.debits)
        batch = post_change(ctx, rows, subscription, plan)
        settle_paid(batch)
    return collect_change(ctx, batch, subscription_id)


def resume_subscription(*, ctx: Context, request: ResumeRequest) -> ChangeResult:
    """Resume the service now, and charge what its period costs.

    Without anything to pay it is active at once. Else it stays paused until its invoice is paid or marked
    uncollectible; after 23 hours that is voided and the subscription stays paused (Stripe, Resume a subscription).
    One whose invoices are sent is active at once: nobody is charged. Resumed again, the first invoice is voided.
    Raises `SubscriptionNotFound`, `SubscriptionIsTerminal`, `SubscriptionIsNotPaused`, `UnknownOption`.
    """
    canceled: list[str] = []
    with transaction.atomic(durable=True):
        if resumption_waits(request.merchant_id, request.subscription_id):
            canceled = drop_pending_update(ctx, request.subscription_id)
        rows, subscription, snapshot = load_change(ctx.as_of, request.merchant_id, request.subscription_id, lock=True)
        plan = plan_resume(snapshot, request, ctx.as_of)
        check_plan(plan, snapshot.debits)
        waits = is_to_be_paid(plan, snapshot)
        if waits:
            batch = hold_change(ctx, rows, subscription, snapshot, plan, request)
        else:
            batch = post_change(ctx, rows, subscription, plan)
            settle_paid(batch)
    if canceled:
        cancel_at_gateway(ctx, canceled)
    result = collect_change(ctx, batch, request.subscription_id)
    if waits:
        apply_paid_updates(ctx, [request.subscription_id])
    return result


def resumption_waits(merchant_id: str, subscription_id: str) -> bool:
    row = subscription_by_id(merchant_id, subscription_id)
    return row.status == "paused" and row.pending_update_expires_at is not None
