"""What would be billed by a moment: the planner itself over what will be due by then; only figures are written.

1. Go through the merchant's due subscriptions customer by customer, so that what a customer's subscriptions share
   (pending items, discounts that are used up) is spent once, in the order in which the run would.
2. Plan each as the run does; count invoices, totals by currency, refusals by reason.
3. Keep the figures and how far it is after each chunk. A few subscriptions are planned while the asker waits; more
   are left to the cluster, a minute at a time. Whoever dies in between loses one chunk of work and no figure.

What a schedule bills on entering its next phase is not in it: those subscriptions are claimed after their phase.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django_q.tasks import async_task

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.models import DryRun, DryRunStatus
from engine.rules.checks import check_plan
from engine.rules.renewal import plan_renewal
from engine.rules.tally import Tally, spent_by
from engine.run_selectors import due_by_customer
from engine.selectors import BillingRows, load_rows, renewal_snapshot
from engine.services.chunks import UnexpectedFailure
from engine.types import RefusedPlan, RenewalPlan
from events.copying import Row

logger = logging.getLogger(__name__)

CHUNK = 500
# Bounds of one dry run: how far it looks ahead, how much it plans, how long one task of it works.
FURTHEST = timedelta(days=366)
MOST_SUBSCRIPTIONS = 2_000_000
SECONDS_AT_ONCE = 60.0
KEPT_PER_MERCHANT = 20


class DryRunMoment(OstinatoError):
    code = "dry_run_moment_invalid"
    param = "as_of"
    message_id = gettext_noop("Say a moment between now and a year from now.")


def start_dry_run(*, ctx: Context, merchant_id: str, as_of: datetime | None = None) -> DryRun:
    """Begin one for what is due by `as_of` (now without it), in the place of one that still runs.

    What fits into one chunk is finished on return; more goes on in the cluster. Raises `DryRunMoment`.
    """
    moment = as_of or ctx.as_of
    if not ctx.as_of <= moment <= ctx.as_of + FURTHEST:
        raise DryRunMoment
    with transaction.atomic():
        mine = DryRun.objects.filter(merchant_id=merchant_id)
        mine.filter(status=DryRunStatus.RUNNING).update(status=DryRunStatus.STOPPED, finished_at=ctx.recorded_at)
        old = mine.order_by("-created", "-id").values_list("id", flat=True)[KEPT_PER_MERCHANT - 1 :]
        DryRun.objects.filter(id__in=list(old)).delete()
        found = DryRun.objects.create(
            merchant_id=merchant_id,
            as_of=moment,
            figures=Tally().as_json(),
            actor=ctx.actor,
            created=ctx.recorded_at,
            recorded_at=ctx.recorded_at,
        )
    if not continue_dry_run(ctx=ctx, dry_run_id=found.id, seconds=0):
        async_task("engine.tasks.dry_run", found.id)
    found.refresh_from_db()
    return found


def continue_dry_run(*, ctx: Context, dry_run_id: str, seconds: float = SECONDS_AT_ONCE) -> bool:
    """Go on where it stands for about `seconds`, one chunk at least; whether there is nothing more to do."""
    deadline = time.monotonic() + seconds
    while True:
        found = DryRun.objects.filter(id=dry_run_id, status=DryRunStatus.RUNNING).first()
        if found is None:
            return True
        try:
            is_over = _one_chunk(ctx, found)
        except Exception:
            DryRun.objects.filter(id=dry_run_id, status=DryRunStatus.RUNNING).update(
                status=DryRunStatus.FAILED, finished_at=ctx.recorded_at
            )
            raise
        if is_over or time.monotonic() >= deadline:
            return is_over


def _one_chunk(ctx: Context, found: DryRun) -> bool:
    tally = Tally.of_json(found.figures)
    due = due_by_customer(found.merchant_id, found.as_of, after=found.after_customer_id, limit=CHUNK)
    if due:
        rows = load_rows(subscriptions=due, usage_until=found.as_of, lock=False)
        for subscription in due:
            tally.add(_plan(rows, subscription, found.as_of))
    is_over = len(due) < CHUNK or tally.subscriptions >= MOST_SUBSCRIPTIONS
    _keep(ctx, found, tally, due, is_over)
    return is_over


def _plan(rows: BillingRows, subscription: Row, as_of: datetime) -> RenewalPlan | RefusedPlan:
    try:
        plan = plan_renewal(renewal_snapshot(rows, subscription), as_of)
        if isinstance(plan, RenewalPlan):
            check_plan(plan)
            rows.spent.update(spent_by(plan))
        return plan
    except Exception as error:  # the run would refuse this one alone and go on
        logger.warning("a dry run cannot plan %s", subscription.id, exc_info=error)
        told = error if isinstance(error, OstinatoError) else UnexpectedFailure(error=type(error).__name__)
        return RefusedPlan.of(told, object_id=subscription.id, merchant_id=subscription.merchant_id)


def _keep(ctx: Context, found: DryRun, tally: Tally, due: Sequence[Row], is_over: bool) -> None:
    """Only from where it stood: of two workers at the same chunk one's figures count."""
    DryRun.objects.filter(id=found.id, status=DryRunStatus.RUNNING, after_customer_id=found.after_customer_id).update(
        figures=tally.as_json(),
        after_customer_id=due[-1].customer_id if due else found.after_customer_id,
        status=DryRunStatus.FINISHED if is_over else DryRunStatus.RUNNING,
        finished_at=ctx.recorded_at if is_over else None,
    )
