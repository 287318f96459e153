"""Subscription schedules: made, changed, released and canceled. `engine.services.phases` takes their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from catalog.models import Price
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from core.periods import Interval
from customers.selectors import customer_by_id
from engine.posting.batch import Batch
from engine.rules.attributes import merged_metadata
from engine.rules.change import NothingToChange
from engine.rules.schedules import (
    DEFAULT_SETTINGS,
    END_BEHAVIORS,
    check_phases,
    next_step_at,
    phase_request,
    phases_from,
    phases_from_json,
    phases_to_json,
    revised,
)
from engine.rules.subscribe import check_option
from engine.selectors import load_rows
from engine.services.cancel import cancel_subscription, post_schedule_cancel
from engine.services.change_posting import Posted, checked, collected, post_request
from engine.services.changing import load_change
from engine.services.phases import collect_step, let_go, save_and_tell, take_step, tell
from engine.types import ChangeRequest, DiscountRequest, ItemRequest, ScheduleCancelRequest
from engine.types.schedules import Phase, PhaseRequest, ScheduleRequest, ScheduleUpdate
from merchants.models import Merchant
from subscriptions.models import Subscription, SubscriptionItem, SubscriptionSchedule
from subscriptions.selectors import ScheduleNotFound, subscription_by_id
from subscriptions.types import TERMINAL_STATUSES
from subscriptions.writes import give_schedule, insert_schedule, lock_schedule


class ScheduleIsOver(OstinatoError):
    code = "resource_missing"
    param = "schedule"
    message_id = gettext_noop("The schedule is %(status)s: it can no longer be changed.")


class AlreadyScheduled(OstinatoError):
    code = "subscription_already_scheduled"
    param = "from_subscription"
    message_id = gettext_noop("The subscription already has a schedule.")


class PhasesMisplaced(OstinatoError):
    code = "parameter_invalid"
    param = "phases"
    message_id = gettext_noop("A schedule made from a subscription takes its phases in a second step.")


def create_schedule(*, ctx: Context, request: ScheduleRequest) -> SubscriptionSchedule:
    """A new schedule. One that starts now (or in the past) starts its subscription before this returns.

    Raises `CustomerNotFound`, `SubscriptionNotFound`, `AlreadyScheduled`, `PhasesMisplaced`, what `check_phases` and
    `phases_from` refuse, and, when it starts at once, what `subscribe` does.
    """
    with transaction.atomic(durable=True):
        schedule, batch = post_schedule(ctx, request)
    collect_step(ctx, batch)
    schedule.refresh_from_db()
    return schedule


def post_schedule(ctx: Context, request: ScheduleRequest) -> tuple[SubscriptionSchedule, Batch | None]:
    """The schedule and what its first step bills, inside the caller's transaction."""
    check_option("end_behavior", request.end_behavior, END_BEHAVIORS)
    schedule = _around(ctx, request) if request.from_subscription else _for_customer(ctx, request)
    tell(ctx, schedule, "created")
    waits = schedule.status != "not_started" or (request.start_date or ctx.as_of) > ctx.as_of
    return schedule, None if waits else take_step(ctx, schedule)


def schedule_subscription(
    *,
    ctx: Context,
    merchant_id: str,
    subscription_id: str,
    phases: Sequence[PhaseRequest],
    end_behavior: str,
    metadata: Mapping[str, str] | None = None,
) -> SubscriptionSchedule:
    """Both of Stripe's steps at once, whole or not at all: a schedule around what runs, and its phases.

    Raises what `create_schedule` and `update_schedule` do.
    """
    around = ScheduleRequest(merchant_id=merchant_id, from_subscription=subscription_id, metadata=metadata or {})
    with transaction.atomic(durable=True):
        schedule, _ = post_schedule(ctx, around)
        update = ScheduleUpdate(merchant_id, schedule.id, phases=tuple(phases), end_behavior=end_behavior)
        schedule, posted = post_schedule_update(ctx, update)
    for one, change in posted:
        collected(ctx, one, change)
    return schedule


def update_schedule(*, ctx: Context, request: ScheduleUpdate) -> SubscriptionSchedule:
    """Other phases from the current one on, another end, other metadata. A current phase that is changed applies now.

    Raises `ScheduleNotFound`, `ScheduleIsOver`, what `check_phases` and `phases_from` refuse, and what a change does.
    """
    with transaction.atomic(durable=True):
        schedule, posted = post_schedule_update(ctx, request)
    for one, change in posted:
        collected(ctx, one, change)
    return schedule


def post_schedule_update(
    ctx: Context, request: ScheduleUpdate
) -> tuple[SubscriptionSchedule, list[tuple[Posted, ChangeRequest]]]:
    """The schedule changed and its current phase applied, inside the caller's transaction."""
    posted: list[tuple[Posted, ChangeRequest]] = []
    schedule = _open(request.merchant_id, request.schedule_id)
    if request.end_behavior is not None:
        check_option("end_behavior", request.end_behavior, END_BEHAVIORS)
        schedule.end_behavior = request.end_behavior
    if request.default_settings is not None:
        schedule.default_settings = {**schedule.default_settings, **request.default_settings}
    if request.metadata is not None:
        schedule.metadata = merged_metadata(schedule.metadata, request.metadata)
    if request.phases is not None:
        posted = _put_phases(ctx, schedule, request)
    save_and_tell(ctx, schedule, "updated")
    return schedule, posted


def release_schedule(
    *, ctx: Context, merchant_id: str, schedule_id: str, preserve_cancel_date: bool = False
) -> SubscriptionSchedule:
    """The subscription goes on as it is; the schedule is done with.

    `preserve_cancel_date` keeps the end that the schedule meant for it (`end_behavior` cancel).
    Raises `ScheduleNotFound`, `ScheduleIsOver`.
    """
    with transaction.atomic(durable=True):
        schedule = _open(merchant_id, schedule_id)
        subscription_id = schedule.subscription_id
        let_go(ctx, schedule, "released")
        if preserve_cancel_date and subscription_id and schedule.end_behavior == "cancel":
            ends = phases_from_json(schedule.phases)[-1].end
            post_schedule_cancel(
                ctx,
                ScheduleCancelRequest(
                    merchant_id, subscription_id, at_period_end=False, cancel_at=ends, proration_behavior="none"
                ),
            )
    return schedule


def cancel_schedule(
    *, ctx: Context, merchant_id: str, schedule_id: str, prorate: bool = True, invoice_now: bool = True
) -> SubscriptionSchedule:
    """The schedule ends, and its subscription with it, now. Raises `ScheduleNotFound`, `ScheduleIsOver`."""
    with transaction.atomic(durable=True):
        schedule = _open(merchant_id, schedule_id)
        subscription_id = schedule.subscription_id
        schedule.status, schedule.canceled_at, schedule.next_action_at = "canceled", ctx.as_of, None
        save_and_tell(ctx, schedule, "canceled")
    live = Subscription.objects.exclude(status__in=TERMINAL_STATUSES)
    if subscription_id and live.filter(id=subscription_id).exists():
        cancel_subscription(
            ctx=ctx,
            merchant_id=merchant_id,
            subscription_id=subscription_id,
            prorate=prorate,
            invoice_now=invoice_now,
        )
    return schedule


def _for_customer(ctx: Context, request: ScheduleRequest) -> SubscriptionSchedule:
    customer = customer_by_id(request.merchant_id, request.customer_id)
    start = request.start_date or ctx.as_of
    wanted = _in_currency(request.merchant_id, request.phases, customer.currency)
    intervals = checked_intervals(request.merchant_id, wanted, customer.id)
    phases = phases_from(wanted, start, intervals, zone_of(request.merchant_id), ctx.as_of)
    return _insert(
        ctx,
        request,
        customer_id=customer.id,
        test_clock_id=customer.test_clock_id,
        status="not_started",
        phases=phases_to_json(phases),
        next_action_at=start,
    )


def _standing(subscription: Subscription, item_id: str) -> tuple[DiscountRequest, ...]:
    """The live discounts of the subscription, or of one item of it, as what keeps them."""
    live = subscription.discounts.filter(deleted_at=None, consumed_at=None, subscription_item_id=item_id)
    ids = live.order_by("position", "id").values_list("id", flat=True)
    return tuple(DiscountRequest(discount_id=discount_id) for discount_id in ids)


def _around(ctx: Context, request: ScheduleRequest) -> SubscriptionSchedule:
    """A schedule whose only phase is what the subscription is now, up to the end of its period."""
    if request.phases:
        raise PhasesMisplaced
    subscription = subscription_by_id(request.merchant_id, request.from_subscription)
    if subscription.schedule_id:
        raise AlreadyScheduled
    if subscription.status in TERMINAL_STATUSES:
        raise ScheduleIsOver(status=subscription.status)
    now = phase_now(subscription)
    said = {name: getattr(subscription, name) for name in DEFAULT_SETTINGS}
    request = replace(
        request,
        default_settings={name: value for name, value in said.items() if value} | dict(request.default_settings),
        # One that is to end ends with its schedule.
        end_behavior="cancel" if subscription.cancel_at else request.end_behavior,
    )
    schedule = _insert(
        ctx,
        request,
        customer_id=subscription.customer_id,
        test_clock_id=subscription.test_clock_id,
        status="active",
        subscription_id=subscription.id,
        phases=phases_to_json([now]),
        current_phase=0,
        next_action_at=next_step_at([now], 0, ctx.as_of),
    )
    give_schedule(subscription.id, schedule.id)
    return schedule


def phase_now(subscription: Subscription) -> Phase:
    """What a running subscription is now, up to the end of its period."""
    items = list(subscription.items.filter(deleted_at__isnull=True))
    start = max(item.current_period_start for item in items)
    end = subscription.cancel_at or min(item.current_period_end for item in items)
    request = PhaseRequest(
        items=tuple(
            ItemRequest(
                item.price_id, item.quantity, tuple(item.tax_rate_ids), item.metadata, _standing(subscription, item.id)
            )
            for item in items
        ),
        discounts=_standing(subscription, ""),
        end_date=end,
        currency=subscription.currency,
        default_tax_rate_ids=tuple(subscription.default_tax_rate_ids) or None,
        trial_end=subscription.trial_end if subscription.status == "trialing" else None,
    )
    return Phase(start, end, request)


def _insert(ctx: Context, request: ScheduleRequest, **columns: Any) -> SubscriptionSchedule:
    return insert_schedule(
        id=new_id("sub_sched"),
        merchant_id=request.merchant_id,
        end_behavior=request.end_behavior,
        default_settings=dict(request.default_settings),
        metadata=dict(request.metadata),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
        **columns,
    )


def _in_currency(merchant_id: str, phases: Sequence[PhaseRequest], currency: str) -> tuple[PhaseRequest, ...]:
    """Every phase says its currency: its own, else `currency`, else that of its first price."""
    first = {phase.items[0].price_id for phase in phases if phase.items and not (phase.currency or currency)}
    own = (
        dict(Price.objects.filter(merchant_id=merchant_id, id__in=first).values_list("id", "currency")) if first else {}
    )
    return tuple(
        replace(phase, currency=phase.currency or currency or own.get(phase.items[0].price_id, ""))
        if phase.items
        else phase
        for phase in phases
    )


def _put_phases(
    ctx: Context, schedule: SubscriptionSchedule, request: ScheduleUpdate
) -> list[tuple[Posted, ChangeRequest]]:
    """The phases from the current one on; past ones are kept before them. A changed current phase applies now."""
    before = phases_from_json(schedule.phases)
    wanted = _in_currency(schedule.merchant_id, request.phases or (), before[0].request.currency)
    current = schedule.current_phase or 0
    intervals = checked_intervals(schedule.merchant_id, wanted, schedule.customer_id, schedule.subscription_id or "")
    phases = phases_from(wanted, before[current].start, intervals, zone_of(schedule.merchant_id), ctx.as_of)
    schedule.phases = phases_to_json([*before[:current], *phases])
    if schedule.status == "not_started":
        return []
    schedule.next_action_at = next_step_at(phases, 0, ctx.as_of)
    if phases[0].request == before[current].request or not schedule.subscription_id:
        return []
    _, _, snapshot = load_change(ctx.as_of, schedule.merchant_id, schedule.subscription_id, lock=True)
    items = snapshot.renewal.subscription.items
    asked = phase_request(phases[0], schedule.merchant_id, schedule.subscription_id, items)
    change = replace(
        revised(before[current].request, phases[0].request, asked), proration_behavior=request.proration_behavior
    )
    try:
        return [(post_request(ctx, checked(change)), change)]
    except NothingToChange:
        return []


def checked_intervals(
    merchant_id: str, phases: Sequence[PhaseRequest], customer_id: str, subscription_id: str = ""
) -> dict[str, Interval]:
    """The intervals of the phases' prices, by id, once each phase could be a subscription of the customer.

    Raises what `check_phases` does.
    """
    wanted = [item.price_id for phase in phases for item in (*phase.items, *phase.add_invoice_items)]
    rows = load_rows(customer_ids=[customer_id], merchant_ids=[merchant_id], price_ids=wanted, lock=False)
    live = SubscriptionItem.objects.filter(subscription_id=subscription_id, deleted_at__isnull=True)
    standing = set(live.values_list("price_id", flat=True)) if subscription_id else set()
    check_phases(phases, rows.prices, rows.customers[customer_id].currency, standing)
    return {price.id: price.interval for price in rows.prices.values() if price.interval is not None}


def zone_of(merchant_id: str) -> str:
    """The time zone in which a schedule's intervals are counted."""
    return str(Merchant.objects.values_list("timezone", flat=True).get(id=merchant_id))


def _open(merchant_id: str, schedule_id: str) -> SubscriptionSchedule:
    """The locked schedule. Raises `ScheduleNotFound`, `ScheduleIsOver`."""
    schedule = lock_schedule(schedule_id)
    if schedule is None or schedule.merchant_id != merchant_id:
        raise ScheduleNotFound
    if schedule.status not in ("not_started", "active"):
        raise ScheduleIsOver(status=schedule.status)
    return schedule
