"""The outbox's writer. It never opens a transaction: a fact and what it tells of are committed together."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from core.context import Context
from core.ids import new_ids
from events.copying import copy_rows
from events.models import Event, ObjectVersion
from events.types import EventRow

_EVENT_FIELDS = (
    "id",
    "merchant_id",
    "type",
    "object_type",
    "object_id",
    "object_version",
    "customer_id",
    "previous_attributes",
    "actor",
    "request_id",
    "idempotency_key",
    "test_clock_id",
    "created",
    "recorded_at",
)
_VERSION_FIELDS = ("id", "merchant_id", "object_id", "version", "body", "recorded_at")


def record_events(ctx: Context, rows: Sequence[EventRow]) -> list[str]:
    """Write `rows` to the outbox, in this order, and each object version's body once. Returns the events' ids.

    The caller bumped `object_version` under the row's lock and is inside the transaction that changed it.
    Raises `psycopg.Error` when a body of that version exists already: somebody forgot to bump it.
    """
    if not rows:
        return []
    assert connection.in_atomic_block, "a fact is committed with what it tells of"
    ids = new_ids("evt", len(rows))
    copy_rows(
        Event,
        _EVENT_FIELDS,
        [
            (
                event_id,
                row.merchant_id,
                row.type,
                row.object_type,
                row.object_id,
                row.object_version,
                row.customer_id,
                row.previous_attributes,
                ctx.actor,
                ctx.request_id,
                ctx.idempotency_key,
                row.test_clock_id,
                ctx.as_of,
                ctx.recorded_at,
            )
            for event_id, row in zip(ids, rows, strict=True)
        ],
    )
    _write_bodies(ctx, rows)
    return ids


def _write_bodies(ctx: Context, rows: Sequence[EventRow]) -> None:
    bodies = {(row.merchant_id, row.object_id, row.object_version): row.body for row in rows if row.body is not None}
    copy_rows(
        ObjectVersion,
        _VERSION_FIELDS,
        [
            (version_id, merchant_id, object_id, version, body, ctx.recorded_at)
            for version_id, ((merchant_id, object_id, version), body) in zip(
                new_ids("ov", len(bodies)), bodies.items(), strict=True
            )
        ],
    )
