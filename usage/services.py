"""Use cases of usage: report it, keep its tables in order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from catalog.models import Meter
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.models import Customer
from usage.buckets import close_hours, closing_hours, count_hours, forget_small_hours, has_ended, notice_events
from usage.rules import (
    CANCELED_WITHIN,
    IDENTIFIERS_KEPT,
    MeterEventAlreadyCanceled,
    MeterEventNotFound,
    MeterEventTooOldToCancel,
    UnknownMeter,
    accepted_usage,
    named_customer,
)
from usage.types import AcceptedUsage, EventOutcome, MeterEvent, MeterFacts
from usage.writes import (
    ensure_partitions,
    forget_identifiers,
    insert_usage,
    lock_cursor,
    lock_event,
    mark_canceled,
    move_cursor,
)

EVENTS_MAX = 20_000
MONTHS_AHEAD = 2
IDENTIFIERS_AT_ONCE = 50_000
ROLLUPS = "rollups"
NOTICED_AT_ONCE = 50_000
# Fewer events of an hour than these are read as fast as a bucket.
BUCKET_AT_LEAST = 100
# An hour without news for so long is counted; what comes later opens it again.
QUIET_FOR = timedelta(minutes=10)
HOURS_AT_ONCE = 50
OLDER_ONES_SECONDS = 5.0


class TooManyMeterEvents(OstinatoError):
    code = "parameter_invalid"
    param = "events"
    message_id = gettext_noop("At most %(most)s events are reported at once.")


def record_meter_events(*, ctx: Context, merchant_id: str, events: Sequence[MeterEvent]) -> list[EventOutcome]:
    """Report uses, each by itself: what became of each, in the order of `events`.

    A refused event carries a named error of `usage.rules` and writes nothing; a duplicate writes nothing either.
    Each customer's own time counts (its test clock's, else `ctx.as_of`). Raises `TooManyMeterEvents`.
    """
    if len(events) > EVENTS_MAX:
        raise TooManyMeterEvents(most=EVENTS_MAX)
    meters = _meters(merchant_id, {event.event_name for event in events})
    now_of = _times(ctx, merchant_id, _customers_named(events, meters))
    judged: list[AcceptedUsage | EventOutcome] = []
    for event in events:
        identifier = event.identifier or new_id("mevid")
        try:
            judged.append(accepted_usage(event, meters.get(event.event_name), now_of, identifier))
        except OstinatoError as error:
            judged.append(EventOutcome("refused", identifier, error=error))
    with transaction.atomic():
        ids = iter(insert_usage(ctx, merchant_id, [found for found in judged if isinstance(found, AcceptedUsage)]))
    return [_outcome(found, next(ids)) if isinstance(found, AcceptedUsage) else found for found in judged]


def cancel_meter_event(*, ctx: Context, merchant_id: str, event_name: str, identifier: str) -> None:
    """An event that should not have been reported counts nothing from now on; its identifier stays taken.

    What was billed of it is given back with its period's next reckoning. Within 24 hours, in its customer's time.
    Raises `UnknownMeter`, `MeterEventNotFound`, `MeterEventAlreadyCanceled`, `MeterEventTooOldToCancel`.
    """
    meter = _meters(merchant_id, [event_name]).get(event_name)
    if meter is None:
        raise UnknownMeter(event_name=event_name[:100])
    with transaction.atomic():
        event = lock_event(merchant_id, meter.id, identifier)
        if event is None:
            raise MeterEventNotFound(event_name=event_name, identifier=identifier)
        if event.canceled_at is not None:
            raise MeterEventAlreadyCanceled(identifier=identifier)
        now = _times(ctx, merchant_id, {event.customer_id}).get(event.customer_id, ctx.as_of)
        if event.reported_at < now - CANCELED_WITHIN:
            raise MeterEventTooOldToCancel(identifier=identifier)
        mark_canceled(event, now)


def _outcome(usage: AcceptedUsage, event_id: str | None) -> EventOutcome:
    if event_id is None:
        return EventOutcome("duplicate", usage.identifier)
    return EventOutcome("accepted", usage.identifier, event_id, usage.timestamp, usage.reported_at, usage=usage)


def _meters(merchant_id: str, names: Iterable[str]) -> dict[str, MeterFacts]:
    rows = Meter.objects.filter(merchant_id=merchant_id, event_name__in=set(names), status="active")
    return {
        row.event_name: MeterFacts(row.id, row.event_name, row.formula, row.customer_key, row.value_key, row.status)
        for row in rows
    }


def _customers_named(events: Sequence[MeterEvent], meters: dict[str, MeterFacts]) -> set[str]:
    named = set()
    for event in events:
        meter = meters.get(event.event_name)
        if meter is not None and event.payload.get(meter.customer_key):
            named.add(named_customer(event, meter))
    return named


def _times(ctx: Context, merchant_id: str, customer_ids: set[str]) -> dict[str, datetime]:
    """Each customer's own time."""
    rows = Customer.objects.filter(merchant_id=merchant_id, id__in=customer_ids, deleted_at__isnull=True)
    return {row_id: frozen or ctx.as_of for row_id, frozen in rows.values_list("id", "test_clock__frozen_time")}


def prepare_months(*, ctx: Context) -> int:
    """Partitions for this month and those to come. Returns how many were made."""
    with transaction.atomic():
        return ensure_partitions(ctx.as_of + timedelta(days=31 * ahead) for ahead in range(MONTHS_AHEAD + 1))


def forget_old_identifiers(*, ctx: Context) -> int:
    """Identifiers past their 36 days go, a bounded number at a time. Returns how many."""
    with transaction.atomic():
        return forget_identifiers(ctx.recorded_at - IDENTIFIERS_KEPT, limit=IDENTIFIERS_AT_ONCE)


@dataclass(frozen=True, slots=True)
class RollupReport:
    """How many events were noticed and how many hours were counted; `more` says that there are others."""

    noticed: int = 0
    counted: int = 0
    more: bool = False


def roll_up_usage(
    *, ctx: Context, at_least: int = BUCKET_AT_LEAST, quiet_for: timedelta = QUIET_FOR, max_seconds: float | None = None
) -> RollupReport:
    """Count quiet hours of many events into buckets (`usage.buckets`), so that a month's bill is read in an instant.

    Any number of workers may do it at once. Ends when nothing is left, or between two steps after `max_seconds`.
    """
    deadline = time.monotonic() + max_seconds if max_seconds else None
    noticed = counted = 0
    while not _is_over(deadline):
        news = _notice(ctx)
        noticed += news
        if news < NOTICED_AT_ONCE:
            break
    quiet_since = ctx.recorded_at - quiet_for
    while not _is_over(deadline):
        with transaction.atomic(durable=True):
            changed = forget_small_hours(quiet_since, at_least=at_least, limit=NOTICED_AT_ONCE)
            changed += close_hours(quiet_since, at_least=at_least, limit=HOURS_AT_ONCE)
        step = count_closed_hours()
        if step is None:
            break
        counted += step
        if not changed and not step:
            return RollupReport(noticed, counted)
    return RollupReport(noticed, counted, more=True)


def count_closed_hours(patience: float = OLDER_ONES_SECONDS) -> int | None:
    """Count what is closing, once every transaction that may not have seen it close has ended. Returns how many.

    None when an older transaction outlives `patience` seconds: the next waking tries again.
    """
    with transaction.atomic(durable=True):
        xid, ids = closing_hours(limit=HOURS_AT_ONCE)
    if not ids:
        return 0
    deadline = time.monotonic() + patience
    while not has_ended(xid):
        if _is_over(deadline):
            return None
        time.sleep(0.01)
    with transaction.atomic(durable=True):
        return count_hours(ids)


def _notice(ctx: Context) -> int:
    with transaction.atomic(durable=True):
        place = lock_cursor(ctx, ROLLUPS)
        if place is None:
            return 0  # another worker is at it
        last, found = notice_events(place, ctx.recorded_at, limit=NOTICED_AT_ONCE)
        if found:
            move_cursor(ctx, ROLLUPS, last)
        return found


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline
