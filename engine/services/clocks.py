"""Test clocks: a sandbox's own time, advanced through every due moment in order by the services that run for real."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django_q.tasks import async_task

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.models import TestClock
from customers.snapshots import test_clock_snapshot
from customers.writes import hold_clock, insert_clock, lock_clock, move_clock
from engine.due import next_due_moment, run_all_due
from engine.selectors import bodies_kept
from engine.services.thresholds import run_thresholds
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant

logger = logging.getLogger(__name__)

# Ten years of a daily plan with its grace, retries and settlements stay below this; more is something going round.
MAX_STEPS = 20_000
# A moment may take several rounds (a renewal plans a payment that is tried at once, a failure is decided on).
MAX_ROUNDS_AT_ONE_MOMENT = 50


class TestClockNotFound(OstinatoError):
    __test__ = False
    code = "resource_missing"
    param = "test_clock"
    message_id = gettext_noop("There is no such test clock.")


class ClocksAreForSandboxes(OstinatoError):
    code = "testmode_only"
    message_id = gettext_noop("Test clocks exist in sandboxes only.")


class ClockIsAdvancing(OstinatoError):
    code = "test_clock_advancing"
    param = "test_clock"
    message_id = gettext_noop("The clock is still advancing.")


class ClockIsHeld(ClockIsAdvancing):
    """By another worker: of two at once each would find the other's rows due and not to be had."""


class ClockGoesForwardOnly(OstinatoError):
    code = "test_clock_backwards"
    param = "frozen_time"
    message_id = gettext_noop("A clock only goes forward: say a time after %(frozen_time)s.")


class ClockGoesRound(OstinatoError):
    """Something stays due at the same moment however often it is done: a defect."""

    code = "internal_error"
    message_id = gettext_noop("The clock is stuck at %(moment)s.")


def create_clock(*, ctx: Context, merchant_id: str, name: str, frozen_time: datetime) -> TestClock:
    """A clock of a sandbox, standing at `frozen_time`. Raises `ClocksAreForSandboxes`."""
    with transaction.atomic():
        if Merchant.objects.get(id=merchant_id).livemode:
            raise ClocksAreForSandboxes
        clock = insert_clock(ctx, clock_id=new_id("clock"), merchant_id=merchant_id, name=name, frozen_time=frozen_time)
        _tell(ctx, clock, "created")
    return clock


def advance_clock(*, ctx: Context, merchant_id: str, clock_id: str, to: datetime) -> TestClock:
    """Mark the clock as advancing to `to` and have a worker do it. Any distance.

    Raises `TestClockNotFound`, `ClockIsAdvancing`, `ClockGoesForwardOnly`.
    """
    with transaction.atomic():
        clock = locked_clock(clock_id, merchant_id)
        if clock.status == "advancing":
            raise ClockIsAdvancing
        if to <= clock.frozen_time:
            raise ClockGoesForwardOnly(frozen_time=clock.frozen_time.isoformat())
        move_clock(clock, status="advancing", target_time=to, status_detail="")
        _tell(ctx, clock, "advancing")
        async_task("engine.tasks.advance_clock", clock_id)  # rolled back with this transaction
    return clock


def advance_clock_now(*, ctx: Context, clock_id: str, max_steps: int | None = None) -> bool:
    """Go from due moment to due moment up to the clock's target; whether it is there.

    Each moment is done by the run's own services with `as_of` = the moment, so whatever happened before is in
    place. Killed at any point, it goes on from where it stood. `max_steps` bounds one call, so that a worker can
    stop and be asked again. Anything unexpected marks the clock internal_failure with the reason and is raised.
    Raises `TestClockNotFound`, and `ClockIsHeld` while another worker is at it.
    """
    with hold_clock(clock_id) as is_ours:
        if not is_ours:
            raise ClockIsHeld
        return _advance(ctx, clock_id, max_steps or MAX_STEPS)


def run_clock_now(*, ctx: Context, clock_id: str) -> bool:
    """Do what is due on a clock at the time it shows; False when another worker holds it, or it is gone."""
    with hold_clock(clock_id) as is_ours:
        clock = TestClock.objects.filter(id=clock_id, deleted_at__isnull=True).first() if is_ours else None
        if clock is None:
            return False
        run_all_due(replace(ctx, as_of=clock.frozen_time), clock.id)
        return True


def clocks_on_their_way() -> list[str]:
    """Clocks that have not arrived: somebody is at it, or the call that should have done it was lost."""
    found = TestClock.objects.filter(status="advancing", deleted_at__isnull=True)
    return list(found.order_by("id").values_list("id", flat=True))


def _advance(ctx: Context, clock_id: str, max_steps: int) -> bool:
    clock = TestClock.objects.filter(id=clock_id, deleted_at__isnull=True).first()
    if clock is None:
        raise TestClockNotFound
    if clock.status != "advancing" or clock.target_time is None:
        return True
    try:
        # What waits for no moment of its own: usage reported since the clock last went, that reached a threshold.
        run_all_due(replace(ctx, as_of=clock.frozen_time), clock.id)
        _bill_what_just_began(ctx, clock, clock.target_time)
        return _walk(ctx, clock, clock.target_time, max_steps)
    except Exception as failure:
        logger.exception("clock %s failed", clock_id)
        _fail(ctx, clock_id, failure)
        raise


def _bill_what_just_began(ctx: Context, clock: TestClock, target: datetime) -> None:
    """Usage at the very instant in which its period begins fills no time yet: it is billed a second on."""
    moment = clock.frozen_time + timedelta(seconds=1)
    due = next_due_moment(clock.id)
    if moment <= target and (due is None or due > moment):
        run_thresholds(ctx=replace(ctx, as_of=moment), clock_id=clock.id)


def _walk(ctx: Context, clock: TestClock, target: datetime, max_steps: int) -> bool:
    rounds = 0
    last: datetime | None = None
    for _ in range(max_steps):
        due = next_due_moment(clock.id)
        if due is None or due > target:
            _arrive(ctx, clock.id, target)
            return True
        moment = max(due, clock.frozen_time)
        rounds = rounds + 1 if moment == last else 0
        if rounds > MAX_ROUNDS_AT_ONE_MOMENT:
            raise ClockGoesRound(moment=moment.isoformat())
        if moment != clock.frozen_time:
            with transaction.atomic():
                clock = locked_clock(clock.id)
                move_clock(clock, frozen_time=max(moment, clock.frozen_time))
        run_all_due(replace(ctx, as_of=moment), clock.id)
        last = moment
    return False


def _arrive(ctx: Context, clock_id: str, target: datetime) -> None:
    with transaction.atomic():
        clock = locked_clock(clock_id)
        move_clock(clock, status="ready", frozen_time=target, target_time=None)
        _tell(ctx, clock, "ready")


def _fail(ctx: Context, clock_id: str, failure: Exception) -> None:
    with transaction.atomic():
        clock = locked_clock(clock_id)
        move_clock(clock, status="internal_failure", status_detail=f"{type(failure).__name__}: {failure}"[:1000])
        _tell(ctx, clock, "internal_failure")


def locked_clock(clock_id: str, merchant_id: str = "") -> TestClock:
    clock = lock_clock(clock_id)
    if clock is None or (merchant_id and clock.merchant_id != merchant_id):
        raise TestClockNotFound
    return clock


def _tell(ctx: Context, clock: TestClock, what: str) -> None:
    """The clock itself lives in our time, as `created` says of it: so do the facts about it."""
    record_events(replace(ctx, as_of=ctx.recorded_at), [clock_event(clock, what)])


def clock_event(clock: TestClock, what: str) -> EventRow:
    """A fact about a clock whose version the caller bumped."""
    return EventRow(
        merchant_id=clock.merchant_id,
        type=f"test_helpers.test_clock.{what}",
        object_type="test_clock",
        object_id=clock.id,
        object_version=clock.version,
        body=test_clock_snapshot(clock) if bodies_kept([clock.merchant_id]) else None,
        test_clock_id=clock.id,
    )
