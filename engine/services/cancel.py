"""The end of a subscription: now, later, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from core.context import Context
from dunning.models import CaseStatus
from dunning.writes import close_cases
from engine.posting.batch import Batch
from engine.rules.cancel import plan_cancel, plan_schedule_cancel, plan_undo_cancel
from engine.rules.checks import check_plan
from engine.services.change_posting import collect_change
from engine.services.changing import load_change, post_change
from engine.services.finalize import settle_paid
from engine.services.phases import end_schedule
from engine.services.transitions import stop_invoices
from engine.types import CancelRequest, ChangePlan, ChangeResult, ChangeSnapshot, ScheduleCancelRequest
from invoicing.models import Invoice
from subscriptions.writes import lock_schedule_of

Planner = Callable[[ChangeSnapshot], ChangePlan]


def cancel_subscription(
    *,
    ctx: Context,
    merchant_id: str,
    subscription_id: str,
    prorate: bool = False,
    invoice_now: bool = False,
    reason: str = "cancellation_requested",
    feedback: str = "",
    comment: str = "",
) -> ChangeResult:
    """End it now; its older invoices stop advancing. Raises `SubscriptionNotFound`, `SubscriptionIsTerminal`."""
    request = CancelRequest(merchant_id, subscription_id, prorate, invoice_now, reason, feedback, comment)
    return _end(ctx, merchant_id, subscription_id, lambda snapshot: plan_cancel(snapshot, request, ctx.as_of))


def schedule_cancel(
    *,
    ctx: Context,
    merchant_id: str,
    subscription_id: str,
    at_period_end: bool = True,
    cancel_at: datetime | str | None = None,
    proration_behavior: str = "create_prorations",
    reason: str = "cancellation_requested",
    feedback: str = "",
    comment: str = "",
) -> ChangeResult:
    """End it at its period's end, or at `cancel_at`, which wins. Can be moved and undone until then.

    Raises `SubscriptionNotFound`, `SubscriptionIsTerminal`, `CancelAtInPast`, `CancelAtUnknown`.
    """
    request = ScheduleCancelRequest(
        merchant_id,
        subscription_id,
        at_period_end=at_period_end and cancel_at is None,
        cancel_at=cancel_at,
        proration_behavior=proration_behavior,
        reason=reason,
        feedback=feedback,
        comment=comment,
    )
    return _end(ctx, merchant_id, subscription_id, lambda snapshot: plan_schedule_cancel(snapshot, request, ctx.as_of))


def undo_cancel(*, ctx: Context, merchant_id: str, subscription_id: str) -> ChangeResult:
    """Take a scheduled end back; what it had credited is charged again.

    Raises `SubscriptionNotFound`, `SubscriptionIsTerminal`, `NotScheduledToCancel`.
    """
    return _end(ctx, merchant_id, subscription_id, lambda snapshot: plan_undo_cancel(snapshot, ctx.as_of))


def post_schedule_cancel(ctx: Context, request: ScheduleCancelRequest) -> Batch:
    """What `schedule_cancel` writes, inside the caller's transaction."""
    return _post(
        ctx,
        request.merchant_id,
        request.subscription_id,
        lambda snapshot: plan_schedule_cancel(snapshot, request, ctx.as_of),
    )


def post_undo_cancel(ctx: Context, merchant_id: str, subscription_id: str) -> Batch:
    """What `undo_cancel` writes, inside the caller's transaction."""
    return _post(ctx, merchant_id, subscription_id, lambda snapshot: plan_undo_cancel(snapshot, ctx.as_of))


def _end(ctx: Context, merchant_id: str, subscription_id: str, planner: Planner) -> ChangeResult:
    with transaction.atomic(durable=True):
        batch = _post(ctx, merchant_id, subscription_id, planner)
    return collect_change(ctx, batch, subscription_id)


def _post(ctx: Context, merchant_id: str, subscription_id: str, planner: Planner) -> Batch:
    lock_schedule_of(subscription_id)  # before the subscription: the order of locks
    rows, subscription, snapshot = load_change(ctx.as_of, merchant_id, subscription_id, lock=True)
    plan = planner(snapshot)
    check_plan(plan, snapshot.debits)
    if plan.stop_invoices:
        _stop_collecting(ctx, subscription_id)
        end_schedule(ctx, subscription)
    batch = post_change(ctx, rows, subscription, plan)
    settle_paid(batch)
    return batch


def _stop_collecting(ctx: Context, subscription_id: str) -> None:
    """Before the last invoice is written: that one is still collected."""
    open_ids = list(Invoice.objects.filter(subscription_id=subscription_id, status="open").values_list("id", flat=True))
    stop_invoices(ctx, [subscription_id])
    close_cases(ctx, open_ids, CaseStatus.CLOSED)
