"""Events that a consumer could not take: tried again with growing waits, in order per object, or given up."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.models import HeldEvent
from events.relay import Batch, deliver, events_by_id, lock_cursor
from events.rules import retry_wait
from events.types import Consumer, DeliveredEvent

OBJECTS_AT_ONCE = 50


class NoSuchHeldEvent(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("No such event is being held: %(event_id)s.")


def retry_held(*, ctx: Context, consumer: Consumer) -> int:
    """Try the held events that are due, and what waits behind them. Returns how many were taken."""
    with transaction.atomic(durable=True):
        due = list(
            HeldEvent.objects.filter(consumer=consumer.name, retry_at__lte=ctx.recorded_at)
            .order_by("retry_at", "id")
            .values_list("object_id", flat=True)[:OBJECTS_AT_ONCE]
        )
        if not due or lock_cursor(consumer.name) is None:
            return 0
        held = {row.event_id: row for row in HeldEvent.objects.filter(consumer=consumer.name, object_id__in=due)}
        of_object: dict[tuple[str, str], list[DeliveredEvent]] = defaultdict(list)
        for event in events_by_id(list(held)):
            of_object[event.object_key].append(event)
        return sum(_retry_object(ctx, consumer, events, held) for events in of_object.values())


def give_up(*, ctx: Context, merchant_id: str, consumer: str, event_id: str) -> None:
    """Stop trying one event; what waits behind it is tried at once. Raises `NoSuchHeldEvent`."""
    with transaction.atomic(durable=True):
        held = HeldEvent.objects.filter(merchant_id=merchant_id, consumer=consumer, event_id=event_id).first()
        if held is None:
            raise NoSuchHeldEvent(event_id=event_id)
        held.delete()
        behind = HeldEvent.objects.filter(merchant_id=merchant_id, consumer=consumer, object_id=held.object_id)
        next_one = behind.order_by("object_version", "id").first()
        if next_one:
            HeldEvent.objects.filter(id=next_one.id).update(retry_at=ctx.recorded_at)


def _retry_object(ctx: Context, consumer: Consumer, events: list[DeliveredEvent], held: dict[str, HeldEvent]) -> int:
    """One event after the other, up to the first that fails again."""
    taken = 0
    for event in sorted(events, key=lambda event: (event.object_version, event.xid, event.id)):
        batch = Batch()
        deliver(ctx, consumer, [event], batch)
        row = held[event.id]
        if batch.failed:
            attempts = row.attempts + 1
            HeldEvent.objects.filter(id=row.id).update(
                attempts=attempts, error=batch.failed[0][1], retry_at=ctx.recorded_at + retry_wait(attempts)
            )
            break
        row.delete()
        taken += 1
    return taken
