"""Deliver the outbox to its consumers."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.context import Context
from events.held import retry_held
from events.relay import ensure_cursor, relay_batch
from events.selectors import nothing_to_do
from events.types import Consumer, RelayReport

BATCH_SIZE = 500


def relay(
    *, ctx: Context, consumer: Consumer, batch_size: int = BATCH_SIZE, max_seconds: float | None = None
) -> RelayReport:
    """Hand the consumer what it has not seen, batch by batch, each in a transaction of its own.

    Returns when nothing is left that can be read (events of transactions that still run, and what was written
    after them, wait for the next waking), or between two batches when `max_seconds` are over.
    """
    deadline = time.monotonic() + max_seconds if max_seconds else None
    if nothing_to_do(consumer, ctx.recorded_at):
        return RelayReport(consumer.name)
    ensure_cursor(consumer.name, ctx.recorded_at)
    delivered = held = batches = 0
    while True:
        batch = relay_batch(ctx=ctx, consumer=consumer, size=batch_size)
        if batch is None:
            return RelayReport(consumer.name, batches, delivered, held, busy=True)
        batches += 1
        delivered += batch.delivered
        held += batch.held
        if batch.read < batch_size or (deadline and time.monotonic() > deadline):
            break
    delivered += retry_held(ctx=ctx, consumer=consumer)
    return RelayReport(consumer.name, batches, delivered, held)


def relay_all(*, ctx: Context, consumers: Sequence[Consumer], max_seconds: float | None = None) -> list[RelayReport]:
    """Every consumer in turn, each for `max_seconds` at most. They know nothing of each other."""
    return [relay(ctx=ctx, consumer=consumer, max_seconds=max_seconds) for consumer in consumers]
