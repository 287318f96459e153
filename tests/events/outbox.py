"""Facts for relay tests, and a relay that waits until what is committed can be read."""

import time
from datetime import datetime

from django.db import transaction

from core.context import Context
from events.selectors import unread_count
from events.services import relay
from events.types import Consumer, DeliveredEvent, EventRow
from events.writes import record_events
from tests.factories.times import WALL, context

PATIENCE = 20.0  # for a step of our own
HORIZON_PATIENCE = 180.0  # for the longest transaction of any test that runs beside us


def fact(object_id: str = "in_1", version: int = 1, type: str = "invoice.updated", **fields) -> EventRow:
    return EventRow(
        **{
            "merchant_id": "acct_1",
            "type": type,
            "object_type": "invoice",
            "object_id": object_id,
            "object_version": version,
        }
        | fields
    )


def tell(*rows: EventRow, ctx: Context | None = None) -> list[str]:
    """Commit these facts in one transaction."""
    with transaction.atomic():
        return record_events(ctx or context(), list(rows))


def drain(consumer: Consumer, *, wall: datetime = WALL, batch_size: int = 500) -> None:
    """Relay until the consumer has passed everything. A transaction of somebody else on the same server (another
    test process) may keep events unreadable for a while."""
    deadline = time.monotonic() + HORIZON_PATIENCE
    ctx = Context(as_of=wall, recorded_at=wall)
    while True:
        relay(ctx=ctx, consumer=consumer, batch_size=batch_size)
        if not unread_count(consumer):
            return
        assert time.monotonic() < deadline, "the outbox cannot be read: some transaction runs for ever"
        time.sleep(0.02)


class Recorder:
    """A handler that remembers what it was handed; `poison` are the ids of events it chokes on."""

    def __init__(self, poison: set[str] | None = None) -> None:
        self.seen: list[DeliveredEvent] = []
        self.batches: list[int] = []
        self.poison = poison if poison is not None else set()

    def __call__(self, ctx: Context, events) -> None:
        if self.poison & {event.id for event in events}:
            raise ValueError("cannot read this")
        self.batches.append(len(events))
        self.seen += events

    @property
    def versions(self) -> list[tuple[str, int]]:
        return [(event.object_id, event.object_version) for event in self.seen]
