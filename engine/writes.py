"""Writers of the engine's own tables: runs, and what a run would not touch."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F

from core.context import Context
from core.ids import new_id
from engine.models import BillingRun, PendingSubscribe, Refusal, RefusalStatus
from engine.types import RefusedPlan, RunReport
from events.copying import update_rows
from invoicing.models import Invoice
from subscriptions.models import Subscription, SubscriptionSchedule

# A refused row is looked at again after an hour, then ever later: it must not stall the others.
RETRY_STEPS = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=12), timedelta(days=1))
# What waits for its next look, by the kind of refusal; the others refuse invoices.
_WAITING: dict[str, type[models.Model]] = {"renewal": Subscription, "schedule": SubscriptionSchedule}


def start_run(ctx: Context, kind: str, clock_id: str | None) -> BillingRun:
    """A run that begins. Its row is written once it found something to do: most wakings find nothing."""
    run = BillingRun(
        kind=kind,
        worker=f"{socket.gethostname()[:60]}:{os.getpid()}",
        test_clock_id=clock_id,
        as_of=ctx.as_of,
        started_at=ctx.recorded_at,
        recorded_at=ctx.recorded_at,
    )
    run.began = time.monotonic()  # type: ignore[attr-defined]
    return run


def note_run(run: BillingRun, report: RunReport, *, is_over: bool = False) -> None:
    """How far it is: one small statement per chunk, so that a worker that dies leaves its trace."""
    run.chunks, run.done, run.refused = report.chunks, report.done, report.refused
    # The wall when it began and what has passed since, by a clock that nobody sets back.
    run.noted_at = run.started_at + timedelta(seconds=time.monotonic() - run.began)  # type: ignore[attr-defined]
    run.ended_at = run.noted_at if is_over else None
    run.save()


def finish_run(run: BillingRun, report: RunReport) -> None:
    """How much it did and when it ended; a run that found nothing to do leaves no row."""
    if report.chunks:
        note_run(run, report, is_over=True)


def refuse(ctx: Context, kind: str, refusals: Sequence[RefusedPlan]) -> None:
    """Keep why each object was not touched and push it forward so that it stalls nobody.

    `kind` is renewal (a subscription), schedule, finalization (a draft), collection or overdue (an invoice). An
    object that was refused before keeps one open row that counts.
    """
    if not refusals:
        return
    ids = [refused.object_id for refused in refusals]
    known = {
        row.object_id: row
        for row in Refusal.objects.select_for_update().filter(object_id__in=ids, kind=kind, status=RefusalStatus.OPEN)
    }
    fresh, retries = [], []
    for refused in refusals:
        row = known.get(refused.object_id)
        retry_at = ctx.as_of + RETRY_STEPS[min(row.times if row else 0, len(RETRY_STEPS) - 1)]
        retries.append((refused.object_id, retry_at))
        if row is None:
            fresh.append(_refusal(ctx, kind, refused, retry_at))
        else:
            _count_again(row, refused, retry_at)
    Refusal.objects.bulk_create(fresh)
    update_rows(_WAITING.get(kind, Invoice), ("id", "next_action_at"), retries)


def resolve_refusals(ctx: Context, kind: str, object_ids: Sequence[str]) -> None:
    """What went through after all. One statement, whatever the number."""
    Refusal.objects.filter(object_id__in=list(object_ids), kind=kind, status=RefusalStatus.OPEN).update(
        status=RefusalStatus.RESOLVED, resolved_at=ctx.as_of
    )


def _refusal(ctx: Context, kind: str, refused: RefusedPlan, retry_at: datetime) -> Refusal:
    return Refusal(
        id=new_id("rfu"),
        merchant_id=refused.merchant_id,
        object_id=refused.object_id,
        kind=kind,
        code=refused.code[:60],
        message=refused.message_id,
        params=_params(refused),
        retry_at=retry_at,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def _count_again(row: Refusal, refused: RefusedPlan, retry_at: datetime) -> None:
    Refusal.objects.filter(id=row.id).update(
        times=F("times") + 1,
        code=refused.code[:60],
        message=refused.message_id,
        params=_params(refused),
        retry_at=retry_at,
    )


def _params(refused: RefusedPlan) -> dict[str, str]:
    return {name: str(value) for name, value in refused.params.items()}


def open_pending_subscribe(
    ctx: Context, merchant_id: str, customer_id: str, request: dict[str, Any], subscription_id: str = ""
) -> PendingSubscribe:
    """A signup that must pay before it exists; or, of a subscription that does, a change."""
    return PendingSubscribe.objects.create(
        merchant_id=merchant_id,
        customer_id=customer_id,
        request=request,
        subscription_id=subscription_id,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def lock_pending_subscribe(pending_id: str) -> PendingSubscribe:
    return PendingSubscribe.objects.select_for_update(no_key=True).get(id=pending_id)


def close_pending_subscribe(pending: PendingSubscribe, status: str, subscription_id: str) -> None:
    """complete, with the subscription it became; or failed."""
    pending.status, pending.subscription_id = status, subscription_id
    pending.save(update_fields=["status", "subscription_id"])
