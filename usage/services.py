"""Use cases of usage: report it, keep its tables in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from catalog.models import Meter
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.models import Customer
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
from usage.writes import ensure_partitions, forget_identifiers, insert_usage, lock_event, mark_canceled

EVENTS_MAX = 20_000
MONTHS_AHEAD = 2
IDENTIFIERS_AT_ONCE = 50_000


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
