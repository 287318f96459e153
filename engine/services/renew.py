"""The renewal run: due subscriptions become drafts (and, with no grace, finalized invoices), their periods move on.

1. Claim a chunk of due subscriptions; lock their customers in id order.
2. Snapshot: a fixed number of queries per chunk.
3. Plan each, pure; a plan that is refused becomes a `Refusal` and is pushed forward.
4. Check each plan before anything is written.
5. Write all plans at once: billed periods, lines, numbers as late as can be, invoices, events, advance; commit.

The gateway is never called here: planned charges are committed and `engine.services.collect` sends them.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_ids
from engine.posting.batch import Batch
from engine.posting.refs import Refs
from engine.rules.checks import check_plan
from engine.rules.pending_updates import settling_statuses
from engine.rules.renewal import plan_renewal
from engine.selectors import claim_subscriptions, load_rows, renewal_snapshot
from engine.services.chunks import ChunkReport, Job, run_job
from engine.services.collect import cancel_at_gateway
from engine.services.finalize import KIND as FINALIZATION, finalize_new, settle_paid
from engine.services.voiding import void_if_open, void_open_invoices
from engine.types import RefusedPlan, RenewalPlan, RunReport
from engine.writes import refuse, resolve_refusals
from events.copying import Row
from invoicing.models import Invoice
from subscriptions.types import TERMINAL_STATUSES
from subscriptions.writes import lock_subscriptions, wake_schedules

KIND = "renewal"


class UpdateIsPaid(OstinatoError):
    code = "pending_update_paid"
    param = "subscription"
    message_id = gettext_noop("A change of the subscription was just paid and is about to apply.")


class RenewalRefused(OstinatoError):
    code = "renewal_refused"
    param = "subscription"
    message_id = gettext_noop("What the subscription owes until now cannot be billed: look at it first.")


def run_renewals(
    *, ctx: Context, clock_id: str | None = None, chunk_size: int = 500, max_chunks: int | None = None
) -> RunReport:
    """Bill every subscription that is due at `ctx.as_of`, on the clock or, without one, all that are on none."""
    abandoned: list[str] = []
    job = Job(
        kind=KIND,
        claim=lambda limit, only: claim_subscriptions(ctx.as_of, clock_id=clock_id, limit=limit, only=only),
        work=lambda due: _bill(ctx, due, abandoned),
    )
    report = run_job(ctx, job, clock_id=clock_id, chunk_size=chunk_size, max_chunks=max_chunks)
    # Signups that expired: what waited for their customer's authentication must not be authenticated any more.
    cancel_at_gateway(ctx, abandoned)
    return report


def bill_subscription(ctx: Context, subscription_id: str, ending_at: datetime | None = None) -> None:
    """Bill one subscription up to `ctx.as_of` inside the caller's transaction, and end it at `ending_at`.

    Raises `RenewalRefused` when the planner refuses: the caller's work would build on what was not billed.
    """
    rows = lock_subscriptions([subscription_id])
    if ending_at is not None:
        for row in rows:
            row.update(cancel_at=ending_at, cancel_at_period_end=False)
    elif all(row.next_action_at is None or row.next_action_at > ctx.as_of for row in rows):
        return
    abandoned: list[str] = []
    if _bill(ctx, rows, abandoned).refused:
        raise RenewalRefused
    if abandoned:
        transaction.on_commit(lambda: cancel_at_gateway(ctx, abandoned))


def _paid_updates(due: list[Row], as_of: datetime) -> set[str]:
    """Subscriptions whose change would lapse although it was just paid. No query when none waits."""
    lapsing = {
        row.pending_update["invoice"]: row
        for row in due
        if row.pending_update_expires_at is not None and row.pending_update_expires_at <= as_of
    }
    if not lapsing:
        return set()
    settled = Invoice.objects.filter(id__in=lapsing, status__in=("paid", "uncollectible")).values_list("id", "status")
    return {
        lapsing[found].id for found, status in settled if status in settling_statuses(lapsing[found].pending_update)
    }


def _bill(ctx: Context, due: list[Row], abandoned: list[str]) -> ChunkReport:
    batch = Batch(ctx, load_rows(subscriptions=due, usage_until=ctx.as_of, lock=True))
    refused: list[RefusedPlan] = []
    expired: list[str] = []
    lapsed: list[str] = []
    planned: list[str] = []
    led: list[str] = []  # schedules of what ends
    paid = _paid_updates(due, ctx.as_of)
    for subscription in due:
        if subscription.id in paid:
            # It applies in a moment (`run_pending_updates`); until then its next period cannot be planned.
            refused.append(
                RefusedPlan.of(UpdateIsPaid(), object_id=subscription.id, merchant_id=subscription.merchant_id)
            )
            continue
        plan = plan_renewal(renewal_snapshot(batch.rows, subscription), ctx.as_of)
        if isinstance(plan, RefusedPlan):
            refused.append(plan)
            continue
        check_plan(plan)
        if plan.void_latest_invoice:
            expired.append(subscription.id)
        if plan.void_pending_update:
            lapsed.append(subscription.pending_update["invoice"])
        if plan.state.status in TERMINAL_STATUSES and subscription.schedule_id:
            led.append(subscription.schedule_id)
        planned.append(subscription.id)
        _gather(batch, plan, subscription)
    unfinalized = finalize_new(batch)
    batch.write()
    wake_schedules(led, ctx.as_of)
    settle_paid(batch)
    canceled = [*void_open_invoices(ctx, expired), *void_if_open(ctx, lapsed)]
    transaction.on_commit(lambda: abandoned.extend(canceled))
    refuse(ctx, KIND, refused)
    refuse(ctx, FINALIZATION, unfinalized)
    resolve_refusals(ctx, KIND, planned)
    return ChunkReport(done=len(planned), refused=len(refused))


def _gather(batch: Batch, plan: RenewalPlan, subscription: Row) -> None:
    """One plan's rows into the batch."""
    items = batch.rows.items.get(subscription.id, [])
    batch.touch(subscription, items)
    refs = Refs(subscription_id=subscription.id, invoices=tuple(new_ids("in", len(plan.invoices))))
    for invoice_id, planned in zip(refs.invoices, plan.invoices, strict=True):
        batch.add_invoice(planned, invoice_id, refs)
    batch.use_discounts(plan.discounts_used, refs)
    by_id = {item.id: item for item in items}
    for advance in plan.item_advances:
        batch.advances.append((advance.item_id, advance.current_period_start, advance.current_period_end))
        by_id[advance.item_id].update(
            current_period_start=advance.current_period_start, current_period_end=advance.current_period_end
        )
    batch.move(subscription.id, plan.state)
    batch.tell(plan.events, refs)
