"""A service pause and its end."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from engine.rules.checks import check_plan
from engine.rules.pausing import plan_pause, plan_resume
from engine.services.change import collect_change
from engine.services.changing import load_change, post_change
from engine.services.finalize import settle_paid
from engine.types import ChangeResult, ResumeRequest


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
    """Resume the service now, and charge what its period costs. It is active at once; a payment that fails makes it
    past due, as any later one would.

    Raises `SubscriptionNotFound`, `SubscriptionIsTerminal`, `SubscriptionIsNotPaused`, `UnknownOption`.
    """
    with transaction.atomic(durable=True):
        rows, subscription, snapshot = load_change(ctx.as_of, request.merchant_id, request.subscription_id, lock=True)
        plan = plan_resume(snapshot, request, ctx.as_of)
        check_plan(plan, snapshot.debits)
        batch = post_change(ctx, rows, subscription, plan)
        settle_paid(batch)
    return collect_change(ctx, batch, request.subscription_id)
