"""One batch of the outbox for one consumer.

  1. Lock the consumer's cursor, or leave when another worker has it.
  2. Read the next window of events in (xid, id) order, below the oldest transaction that still runs: whatever
     is written later sorts after it.
  3. Commit order is not id order: a transaction may begin first, wait for an object's row lock and commit last.
     So for each object of the window look for earlier versions beyond it and hand them over first; remember them
     in ConsumedAhead. A version is made under the object's row lock, so all earlier ones are visible by now.
  4. Leave out what was handed over ahead before, and what must wait behind a held event of its object.
  5. Hand over. When the handler fails, try halves; the one event that fails alone is held, with what comes after
     it for the same object. Everything else goes on.
  6. Move the cursor. All of it in one transaction with what the handler wrote.

The number of queries does not depend on how many events a batch has.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.collector import collector_paused
from core.context import Context
from events.models import ConsumedAhead, ConsumerCursor, HeldEvent
from events.rules import delivery_order, halves, latest_versions, retry_wait
from events.types import Consumer, DeliveredEvent

logger = logging.getLogger(__name__)

COLUMNS = (
    "e.xid::text, e.id, e.merchant_id, e.type, e.object_type, e.object_id, e.object_version, e.customer_id,"
    " e.previous_attributes::text, e.actor, e.request_id, e.test_clock_id, e.created, e.recorded_at"
)
ERROR_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the outbox: after the event with this transaction and id."""

    xid: int
    event_id: str


@dataclass(slots=True)
class Batch:
    """What one batch did. `read` counts all events of the window, whoever wants them."""

    read: int = 0
    delivered: int = 0
    failed: list[tuple[DeliveredEvent, str]] = field(default_factory=list)
    waiting: list[DeliveredEvent] = field(default_factory=list)

    @property
    def held(self) -> int:
        return len(self.failed) + len(self.waiting)


def relay_batch(*, ctx: Context, consumer: Consumer, size: int) -> Batch | None:
    """Deliver the next `size` events of the outbox, as above. None when another worker is at it."""
    with collector_paused(), transaction.atomic(durable=True):
        cursor = lock_cursor(consumer.name)
        if cursor is None:
            return None
        window, end = _window(cursor, size)
        batch = Batch(read=len(window))
        if end is None:
            return batch
        wanted = [event for event in window if consumer.wants(event.type)]
        if wanted:
            _deliver_window(ctx, consumer, wanted, end, batch)
        _move_cursor(consumer.name, end, ctx.recorded_at)
        return batch


def ensure_cursor(consumer: str, wall: datetime) -> None:
    """A new consumer begins at the outbox's beginning. Committed by itself: nobody waits for a first batch to end."""
    ConsumerCursor.objects.bulk_create([ConsumerCursor(consumer=consumer, recorded_at=wall)], ignore_conflicts=True)


def lock_cursor(consumer: str) -> Position | None:
    """Where the consumer stands, its row locked to the end of the transaction; None when another holds it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT xid, event_id FROM events_consumercursor WHERE consumer = %s FOR NO KEY UPDATE SKIP LOCKED",
            [consumer],
        )
        row = cursor.fetchone()
    return Position(int(row[0]), row[1]) if row else None


def deliver(ctx: Context, consumer: Consumer, events: Sequence[DeliveredEvent], batch: Batch) -> None:
    """Hand `events` over; on failure in halves, down to the culprit. Its object's later events wait behind it."""
    stopped = {event.object_key for event, _ in batch.failed}
    ready = [event for event in events if event.object_key not in stopped]
    batch.waiting += [event for event in events if event.object_key in stopped]
    if not ready:
        return
    try:
        with transaction.atomic():
            consumer.handler(ctx, ready)
    except Exception as error:
        if connection.connection is None or connection.connection.closed:
            raise  # the database went away: nobody's event is to blame
        if len(ready) == 1:
            logger.exception("Consumer %s cannot take event %s", consumer.name, ready[0].id)
            batch.failed.append((ready[0], f"{type(error).__name__}: {error}"[:ERROR_LENGTH]))
            return
        for half in halves(ready):
            deliver(ctx, consumer, half, batch)
        return
    batch.delivered += len(ready)


def _deliver_window(
    ctx: Context, consumer: Consumer, wanted: list[DeliveredEvent], end: Position, batch: Batch
) -> None:
    ahead = [event for event in _earlier_versions_beyond(wanted, end) if consumer.wants(event.type)]
    # One query answers both: which of the window was handed over before, and which of `ahead`.
    known = _consumed_ahead(consumer.name, [*wanted, *ahead])
    wanted_now = [event for event in wanted if event.id not in known]
    latest = latest_versions(wanted_now)
    ahead = [
        event for event in ahead if event.id not in known and event.object_version < latest.get(event.object_key, 0)
    ]
    stopped = _objects_on_hold(consumer.name, wanted_now)
    ordered = delivery_order(wanted_now, ahead)
    batch.waiting += [event for event in ordered if event.object_key in stopped]
    deliver(ctx, consumer, [event for event in ordered if event.object_key not in stopped], batch)
    _hold(ctx, consumer.name, batch)
    in_window = {event.id for event in wanted}
    handed_ahead = [event for event in ordered if event.id not in in_window]
    ConsumedAhead.objects.bulk_create(
        ConsumedAhead(merchant_id=event.merchant_id, consumer=consumer.name, event_id=event.id)
        for event in handed_ahead
    )
    if known:
        # Their places in the outbox have been passed now; nobody will ask for them again.
        ConsumedAhead.objects.filter(consumer=consumer.name, event_id__in=known & in_window).delete()


def _window(after: Position, size: int) -> tuple[list[DeliveredEvent], Position | None]:
    rows = _select(
        f"SELECT {COLUMNS} FROM events_event e"  # noqa: S608 (constants)
        " WHERE (e.xid, e.id) > (%s::text::xid8, %s) AND e.xid < pg_snapshot_xmin(pg_current_snapshot())"
        " ORDER BY e.xid, e.id LIMIT %s",
        [str(after.xid), after.event_id, size],
    )
    return rows, Position(rows[-1].xid, rows[-1].id) if rows else None


def _earlier_versions_beyond(window: Sequence[DeliveredEvent], end: Position) -> list[DeliveredEvent]:
    latest = latest_versions(window)
    return _select(
        f"SELECT {COLUMNS} FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS o (merchant_id, object_id, version)"  # noqa: S608
        " JOIN events_event e ON e.merchant_id = o.merchant_id AND e.object_id = o.object_id"
        " AND e.object_version < o.version AND (e.xid, e.id) > (%s::text::xid8, %s)",
        [
            [merchant_id for merchant_id, _ in latest],
            [object_id for _, object_id in latest],
            list(latest.values()),
            str(end.xid),
            end.event_id,
        ],
    )


def events_by_id(ids: Sequence[str]) -> list[DeliveredEvent]:
    """These events, whoever consumed them, in outbox order."""
    return _select(f"SELECT {COLUMNS} FROM events_event e WHERE e.id = ANY(%s) ORDER BY e.xid, e.id", [list(ids)])  # noqa: S608


def _select(sql: str, params: list[Any]) -> list[DeliveredEvent]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [
            # Django leaves jsonb to its fields, so it comes as text here.
            DeliveredEvent(int(row[0]), *row[1:8], json.loads(row[8]) if row[8] else None, *row[9:])  # type: ignore[call-arg]
            for row in cursor.fetchall()
        ]


def _consumed_ahead(consumer: str, events: Iterable[DeliveredEvent]) -> set[str]:
    ids = [event.id for event in events]
    return set(ConsumedAhead.objects.filter(consumer=consumer, event_id__in=ids).values_list("event_id", flat=True))


def _objects_on_hold(consumer: str, events: Iterable[DeliveredEvent]) -> set[tuple[str, str]]:
    objects = HeldEvent.objects.filter(consumer=consumer, object_id__in={event.object_id for event in events})
    return set(objects.values_list("merchant_id", "object_id"))


def _hold(ctx: Context, consumer: str, batch: Batch) -> None:
    retry_at = ctx.recorded_at + retry_wait(1)
    rows = [_held(consumer, event, ctx, attempts=1, error=error, retry_at=retry_at) for event, error in batch.failed]
    rows += [_held(consumer, event, ctx) for event in batch.waiting]
    HeldEvent.objects.bulk_create(rows, ignore_conflicts=True)


def _held(consumer: str, event: DeliveredEvent, ctx: Context, **fields: Any) -> HeldEvent:
    return HeldEvent(
        merchant_id=event.merchant_id,
        consumer=consumer,
        event_id=event.id,
        object_id=event.object_id,
        object_version=event.object_version,
        recorded_at=ctx.recorded_at,
        **fields,
    )


def _move_cursor(consumer: str, end: Position, wall: datetime) -> None:
    ConsumerCursor.objects.filter(consumer=consumer).update(xid=str(end.xid), event_id=end.event_id, recorded_at=wall)
