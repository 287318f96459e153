"""A schedule's steps: it starts its subscription, enters its phases, ends.

A run takes each due schedule by itself, in one transaction: it locks the schedule, then its subscription.

1. Not started: subscribe to the first phase.
2. A week before its end: say so.
3. A phase is over: bill what was due before that instant, then step to the next phase at that very instant.
4. The last phase is over: let the subscription go on by itself, or end it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError
from customers.models import Customer
from engine.posting.batch import Batch
from engine.rules.checks import check_plan
from engine.rules.phases import plan_phase
from engine.rules.schedules import first_request, next_step_at, phase_request, phases_from_json
from engine.selectors import bodies_kept, subscription_rows
from engine.services.changing import load_change, post_change
from engine.services.collect import collect_invoices
from engine.services.finalize import invoice_ids_to_collect, settle_paid
from engine.services.offers import with_our_coupons
from engine.services.renew import bill_subscription
from engine.services.signing import post_subscribe
from engine.types import RefusedPlan, RunReport
from engine.types.schedules import Phase, PhaseRequest
from engine.writes import refuse, resolve_refusals
from events.copying import Row
from events.types import EventRow
from events.writes import record_events
from subscriptions.models import SubscriptionSchedule
from subscriptions.rules.status import status_after_trial
from subscriptions.selectors import due_schedule_ids
from subscriptions.snapshots import schedule_snapshot
from subscriptions.types import TERMINAL_STATUSES
from subscriptions.writes import give_schedule, lock_schedule, save_schedule

KIND = "schedule"
MAX_SCHEDULES = 10_000
_JUST_BEFORE = timedelta(microseconds=1)


def run_schedules(*, ctx: Context, clock_id: str | None = None) -> RunReport:
    """Every schedule whose moment has come, one transaction each. One that is refused is tried again, ever later."""
    done = refused = 0
    for schedule_id in due_schedule_ids(ctx.as_of, clock_id, MAX_SCHEDULES):
        try:
            batch = _run_one(ctx, schedule_id)
            done += 1
        except OstinatoError as refusal:
            _push_forward(ctx, schedule_id, refusal)
            refused += 1
            continue
        collect_step(ctx, batch)
    return RunReport(chunks=1, done=done, refused=refused)


def _run_one(ctx: Context, schedule_id: str) -> Batch | None:
    with transaction.atomic(durable=True):
        schedule = lock_schedule(schedule_id)
        if schedule is None or schedule.next_action_at is None or schedule.next_action_at > ctx.as_of:
            return None  # another worker was here
        batch = take_step(ctx, schedule)
        resolve_refusals(ctx, KIND, [schedule_id])
    return batch


def _push_forward(ctx: Context, schedule_id: str, refusal: OstinatoError) -> None:
    with transaction.atomic(durable=True):
        schedule = lock_schedule(schedule_id)
        if schedule is None:
            return
        refuse(ctx, KIND, [RefusedPlan.of(refusal, object_id=schedule_id, merchant_id=schedule.merchant_id)])


def take_step(ctx: Context, schedule: SubscriptionSchedule) -> Batch | None:
    """One step of a locked schedule, as of the moment it was due. What is to be charged is in the batch."""
    phases = phases_from_json(schedule.phases)
    if schedule.status == "not_started":
        return _start(replace(ctx, as_of=max(phases[0].start, schedule.created)), schedule, phases)
    assert schedule.current_phase is not None, f"{schedule.id} is active without a phase"
    assert schedule.subscription_id is not None, f"{schedule.id} is active without a subscription"
    assert schedule.next_action_at is not None, f"{schedule.id} is due at no time"
    moment = phases[schedule.current_phase].end
    noticed, late = schedule.next_action_at, moment <= ctx.as_of
    ctx = replace(ctx, as_of=min(noticed, moment))
    subscription = subscription_rows([schedule.subscription_id])[schedule.subscription_id]
    if subscription.status in TERMINAL_STATUSES:
        end_schedule(ctx, subscription)
        return None
    if noticed < moment:
        schedule.next_action_at = moment
        save_and_tell(ctx, schedule, "expiring")
        if not late:
            return None
        ctx = replace(ctx, as_of=moment)
    bill_subscription(replace(ctx, as_of=moment - _JUST_BEFORE), schedule.subscription_id)
    if _trial_ends_without_a_method(schedule.subscription_id, moment):
        bill_subscription(ctx, schedule.subscription_id)  # what its trial settings say comes before the phase
        subscription = subscription_rows([schedule.subscription_id])[schedule.subscription_id]
        if subscription.status in TERMINAL_STATUSES:
            end_schedule(ctx, subscription)
            return None
    following = schedule.current_phase + 1
    if following < len(phases):
        batch = _enter(ctx, schedule, phases[following])
        schedule.current_phase, schedule.next_action_at = following, next_step_at(phases, following, moment)
        save_and_tell(ctx, schedule, "updated")
        return batch
    if schedule.end_behavior == "cancel":
        bill_subscription(ctx, schedule.subscription_id, ending_at=moment)
        schedule.status, schedule.completed_at, schedule.next_action_at = "completed", moment, None
        save_and_tell(ctx, schedule, "completed")
        return None
    let_go(ctx, schedule, "released")
    return None


def _trial_ends_without_a_method(subscription_id: str, moment: datetime) -> bool:
    """Whether the subscription's trial is over by `moment` and it is to be canceled or paused for want of a method."""
    row = subscription_rows([subscription_id])[subscription_id]
    if row.status != "trialing" or row.trial_end is None or row.trial_end > moment:
        return False
    default = Customer.objects.values_list("default_payment_method_id", flat=True).get(id=row.customer_id)
    status = status_after_trial(
        row.trial_missing_payment_method,
        has_payment_method=bool(row.default_payment_method_id or default),
        collection_method=row.collection_method,
    )
    return status in ("canceled", "paused")


def _start(ctx: Context, schedule: SubscriptionSchedule, phases: Sequence[Phase]) -> Batch:
    request = first_request(phases[0], schedule.merchant_id, schedule.customer_id, schedule.default_settings)
    batch = post_subscribe(ctx, request)
    [subscription] = batch.new_subscriptions
    subscription["schedule_id"] = schedule.id
    batch.write()
    settle_paid(batch)
    schedule.status, schedule.subscription_id = "active", subscription.id
    schedule.current_phase, schedule.next_action_at = 0, next_step_at(phases, 0, ctx.as_of)
    save_and_tell(ctx, schedule, "updated")
    return batch


def _enter(ctx: Context, schedule: SubscriptionSchedule, phase: Phase) -> Batch:
    wanted = ours(schedule.merchant_id, phase.request)
    phase = replace(phase, request=wanted)
    rows, subscription, snapshot = load_change(
        ctx.as_of,
        schedule.merchant_id,
        str(schedule.subscription_id),
        price_ids=[item.price_id for item in (*wanted.items, *wanted.add_invoice_items)],
        tax_rate_ids=tax_rates_of(wanted),
        discounts=wanted.discounts_asked,
        lock=True,
    )
    items = snapshot.renewal.subscription.items
    request = phase_request(phase, schedule.merchant_id, subscription.id, items, schedule.default_settings)
    plan = plan_phase(snapshot, request, ctx.as_of)
    check_plan(plan, snapshot.debits)
    batch = post_change(ctx, rows, subscription, plan)
    settle_paid(batch)
    return batch


def collect_step(ctx: Context, batch: Batch | None) -> None:
    if batch is None:
        return
    due = invoice_ids_to_collect(batch)
    if due:
        collect_invoices(ctx=ctx, invoice_ids=due)


def tax_rates_of(phase: PhaseRequest) -> list[str]:
    of_items = [rate for item in (*phase.items, *phase.add_invoice_items) for rate in item.tax_rate_ids]
    return [*of_items, *(phase.default_tax_rate_ids or ())]


def ours(merchant_id: str, phase: PhaseRequest) -> PhaseRequest:
    """The phase with our coupon ids in the place of those that API clients chose."""
    coupon_ids, discounts = with_our_coupons(merchant_id, phase.coupon_ids or (), phase.discounts)
    return replace(phase, coupon_ids=coupon_ids, discounts=discounts)


def end_schedule(ctx: Context, subscription: Row) -> None:
    """The subscription ended, and its schedule with it: nothing is left to step to."""
    schedule = lock_schedule(subscription.schedule_id) if subscription.schedule_id else None
    if schedule is None or schedule.status != "active":
        return
    schedule.status, schedule.canceled_at, schedule.next_action_at = "canceled", ctx.as_of, None
    # Stripe's word for one that nobody ended: its subscription was not paid for.
    save_and_tell(ctx, schedule, "aborted" if subscription.cancellation_reason == "payment_failed" else "canceled")


def let_go(ctx: Context, schedule: SubscriptionSchedule, what: str) -> None:
    """The subscription goes on by itself."""
    subscription_id = schedule.subscription_id or ""
    schedule.status, schedule.next_action_at = what, None
    setattr(schedule, f"{what}_at", ctx.as_of)
    schedule.released_subscription_id, schedule.subscription_id = subscription_id, None
    if subscription_id:
        give_schedule(subscription_id, "")
    save_and_tell(ctx, schedule, what)


def save_and_tell(ctx: Context, schedule: SubscriptionSchedule, what: str) -> None:
    schedule.version += 1
    save_schedule(schedule)
    tell(ctx, schedule, what)


def tell(ctx: Context, schedule: SubscriptionSchedule, what: str) -> None:
    record_events(
        ctx,
        [
            EventRow(
                merchant_id=schedule.merchant_id,
                type=f"subscription_schedule.{what}",
                object_type="subscription_schedule",
                object_id=schedule.id,
                object_version=schedule.version,
                customer_id=schedule.customer_id,
                body=schedule_snapshot(schedule) if bodies_kept([schedule.merchant_id]) else None,
                test_clock_id=schedule.test_clock_id,
            )
        ],
    )
