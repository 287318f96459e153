"""Usage into its tables: a batch by COPY, partitions as they are needed. Writers never open a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.db import connection

from core.context import Context
from core.ids import new_ids
from usage.buckets import open_hours
from usage.models import UsageCursor, UsageEvent, UsageIdentifier
from usage.types import AcceptedUsage

_LANDING = """
CREATE TEMP TABLE usage_landing (
    id text, merchant_id text, meter_id text, customer_id text, identifier text, "timestamp" timestamptz,
    reported_at timestamptz, value numeric(30, 12), label text, recorded_at timestamptz, place integer
) ON COMMIT DROP
"""
_COPY = """
COPY usage_landing (id, merchant_id, meter_id, customer_id, identifier, "timestamp", reported_at, value, label,
    recorded_at, place) FROM STDIN
"""
# In the order of identifiers, so that two batches with the same ones never wait for each other in a circle.
_LAND = """
WITH fresh AS (
    INSERT INTO usage_usageidentifier (id, merchant_id, identifier, recorded_at)
    SELECT id, merchant_id, identifier, recorded_at FROM usage_landing
    ORDER BY merchant_id, identifier COLLATE "C", place
    ON CONFLICT (merchant_id, identifier) DO NOTHING RETURNING id
), landed AS (
    INSERT INTO usage_usageevent (id, merchant_id, meter_id, customer_id, identifier, "timestamp", reported_at, value,
        label, recorded_at)
    SELECT l.id, l.merchant_id, l.meter_id, l.customer_id, l.identifier, l."timestamp", l.reported_at, l.value,
        l.label, l.recorded_at
    FROM usage_landing l JOIN fresh USING (id)
)
SELECT id FROM fresh
"""
# Made beside the table and then attached: CREATE … PARTITION OF would lock the whole table against readers.
_PARTITION = """
CREATE TABLE {name} (LIKE usage_usageevent INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE usage_usageevent ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}');
"""


def insert_usage(ctx: Context, merchant_id: str, rows: Sequence[AcceptedUsage]) -> list[str | None]:
    """Each row's new id, or None where its identifier was accepted before (or earlier in `rows`)."""
    if not rows:
        return []
    ensure_partitions(row.timestamp for row in rows)
    ids = new_ids("mevt", len(rows))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.usage_landing")
        cursor.execute(_LANDING)
        with cursor.copy(_COPY) as copy:
            for place, (row_id, row) in enumerate(zip(ids, rows, strict=True)):
                copy.write_row(
                    (
                        row_id,
                        merchant_id,
                        row.meter_id,
                        row.customer_id,
                        row.identifier,
                        row.timestamp,
                        row.reported_at,
                        row.value,
                        row.label,
                        ctx.recorded_at,
                        place,
                    )
                )
        cursor.execute(_LAND)
        landed = {row[0] for row in cursor.fetchall()}
    fresh = [row for row_id, row in zip(ids, rows, strict=True) if row_id in landed]
    open_hours(merchant_id, [(row.meter_id, row.customer_id, row.timestamp) for row in fresh])
    return [row_id if row_id in landed else None for row_id in ids]


def lock_event(merchant_id: str, meter_id: str, identifier: str) -> UsageEvent | None:
    """The event that took this identifier, when it is of this meter."""
    taken = UsageIdentifier.objects.filter(merchant_id=merchant_id, identifier=identifier).values_list("id", flat=True)
    rows = UsageEvent.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, meter_id=meter_id)
    return rows.filter(id__in=list(taken)).first()


def mark_canceled(event: UsageEvent, at: datetime) -> None:
    UsageEvent.objects.filter(id=event.id, timestamp=event.timestamp).update(canceled_at=at)
    open_hours(event.merchant_id, [(event.meter_id, event.customer_id, event.timestamp)])


def lock_cursor(ctx: Context, reader: str) -> tuple[str, str] | None:
    """The reader's place, its row locked to the end of the transaction; None when another worker has it."""
    UsageCursor.objects.bulk_create([UsageCursor(reader=reader, recorded_at=ctx.recorded_at)], ignore_conflicts=True)
    rows = UsageCursor.objects.select_for_update(no_key=True, skip_locked=True).filter(reader=reader)
    return rows.values_list("xid", "event_id").first()


def move_cursor(ctx: Context, reader: str, place: tuple[str, str]) -> None:
    UsageCursor.objects.filter(reader=reader).update(xid=place[0], event_id=place[1], recorded_at=ctx.recorded_at)


def ensure_partitions(moments: Iterable[datetime]) -> int:
    """A partition for the month of each moment. Returns how many had to be made."""
    months = sorted({(moment.astimezone(UTC).year, moment.astimezone(UTC).month) for moment in moments})
    missing = _missing(months)
    if not missing:
        return 0
    with connection.cursor() as cursor:
        # One maker at a time: the others find the partition when their turn comes.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('usage_partitions'))")
        for year, month in (made := _missing(missing)):
            following = (year + month // 12, month % 12 + 1)
            cursor.execute(
                _PARTITION.format(
                    name=_name(year, month),
                    start=f"{year:04}-{month:02}-01 00:00:00+00",
                    end=f"{following[0]:04}-{following[1]:02}-01 00:00:00+00",
                )
            )
    return len(made)


def forget_identifiers(before: datetime, *, limit: int) -> int:
    """Delete identifiers that were recorded before `before`, at most `limit`. Returns how many."""
    old = UsageIdentifier.objects.filter(recorded_at__lt=before).order_by("recorded_at").values("id")[:limit]
    return UsageIdentifier.objects.filter(id__in=list(old.values_list("id", flat=True))).delete()[0]


def _name(year: int, month: int) -> str:
    return f"usage_usageevent_{year:04}_{month:02}"


def _missing(months: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(name) IS NOT NULL FROM unnest(%s::text[]) WITH ORDINALITY AS t(name, n) ORDER BY n",
            [[_name(*month) for month in months]],
        )
        there = [row[0] for row in cursor.fetchall()]
    return [month for month, exists in zip(months, there, strict=True) if not exists]
