"""Hours of usage, counted once: how buckets are made, and why one that is ready always says what its events say.

  1. New events are noticed in (xid, id) order, as the outbox is read: how many fell into each hour of a meter and
     customer. A row with a number of them is an `open` bucket; nobody reads it.
  2. An hour that had many and has been quiet for a while becomes `closing`, committed. From then on whoever writes or
     cancels an event of that hour opens its bucket again, in the same transaction, after the event.
  3. A transaction that wrote its event before it could see `closing` is waited for: it has an id below the one
     that is taken now, so it has ended when the oldest that still runs is above. (A transaction gets its id with its
     first write, and looks for buckets only after that.)
  4. The buckets that are still `closing` are locked, counted from their events in a later statement, and `ready`. A
     late event waits for that lock, and opens what was just counted.

Killed anywhere, the next waking goes on. Rows are locked in the order of their keys, or passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

# Bounds of hours are of UTC, whatever the session's zone.
_HOUR = "date_bin('1 hour', {column}, '2000-01-01 00:00+00')"
_KEYS = "merchant_id, meter_id, customer_id, hour"

_NOTICE = f"""
WITH new AS MATERIALIZED (
    SELECT merchant_id, meter_id, customer_id, {_HOUR.format(column='"timestamp"')} AS hour, xid, id
    FROM usage_usageevent
    WHERE (xid, id) > (%(xid)s::text::xid8, %(event_id)s) AND xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY xid, id LIMIT %(limit)s
), noticed AS (
    INSERT INTO usage_usagebucket AS b ({_KEYS}, state, seen, touched_at, events, total)
    SELECT {_KEYS}, 'open', count(*), %(wall)s, 0, 0 FROM new GROUP BY {_KEYS} ORDER BY {_KEYS}
    ON CONFLICT ({_KEYS}) DO UPDATE SET seen = b.seen + excluded.seen, touched_at = excluded.touched_at
)
SELECT xid::text, id, count(*) OVER () FROM new ORDER BY xid DESC, id DESC LIMIT 1
"""  # noqa: S608 - only our own constants, here and below

_FORGET_SMALL = """
DELETE FROM usage_usagebucket WHERE id IN (
    SELECT id FROM usage_usagebucket WHERE state = 'open' AND touched_at <= %s AND seen < %s
    ORDER BY touched_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_CLOSE = """
UPDATE usage_usagebucket SET state = 'closing' WHERE id IN (
    SELECT id FROM usage_usagebucket WHERE state = 'open' AND touched_at <= %s AND seen >= %s
    ORDER BY touched_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)
"""
# The ids and, in the same transaction, an id above that of whoever may not have seen them close.
_CLOSING = """
SELECT pg_current_xact_id()::text, array(SELECT id FROM usage_usagebucket WHERE state = 'closing' ORDER BY id LIMIT %s)
"""
_HAS_ENDED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::text::xid8"

_LOCK = """
SELECT id FROM usage_usagebucket WHERE id = ANY(%s) AND state = 'closing' ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
_COUNT = """
UPDATE usage_usagebucket b SET state = 'ready', events = u.events, total = u.total, largest = u.largest,
    latest = u.latest, latest_at = u.latest_at, first_reported_at = u.first_reported_at,
    last_reported_at = u.last_reported_at
FROM (
    SELECT k.id, counted.* FROM usage_usagebucket k CROSS JOIN LATERAL (
        SELECT count(*) AS events, coalesce(sum(e.value), 0) AS total, max(e.value) AS largest,
            (array_agg(e.value ORDER BY e."timestamp" DESC, e.recorded_at DESC, e.id DESC))[1] AS latest,
            max(e."timestamp") AS latest_at, min(e.reported_at) AS first_reported_at,
            max(e.reported_at) AS last_reported_at
        FROM usage_usageevent e
        WHERE e.merchant_id = k.merchant_id AND e.meter_id = k.meter_id AND e.customer_id = k.customer_id
            AND e."timestamp" >= k.hour AND e."timestamp" < k.hour + interval '1 hour' AND e.canceled_at IS NULL
    ) counted WHERE k.id = ANY(%s)
) u WHERE u.id = b.id
"""
_OPEN = f"""
WITH wrong AS (
    SELECT b.id FROM usage_usagebucket b JOIN (
        SELECT DISTINCT merchant_id, meter_id, customer_id, {_HOUR.format(column="at")} AS hour
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])
            AS t(merchant_id, meter_id, customer_id, at)
    ) t USING ({_KEYS})
    WHERE b.state <> 'open' ORDER BY {", ".join(f"b.{key}" for key in _KEYS.split(", "))} FOR NO KEY UPDATE OF b
)
UPDATE usage_usagebucket b SET state = 'open' FROM wrong WHERE b.id = wrong.id
"""  # noqa: S608


def notice_events(after: tuple[str, str], wall: datetime, *, limit: int) -> tuple[tuple[str, str], int]:
    """Count the next events into their hours. Returns the place of the last one and how many they were."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTICE, {"xid": after[0], "event_id": after[1], "limit": limit, "wall": wall})
        row = cursor.fetchone()
    return ((row[0], row[1]), row[2]) if row else (after, 0)


def forget_small_hours(quiet_since: datetime, *, at_least: int, limit: int) -> int:
    """Hours that are read faster than kept. Returns how many."""
    return _changed(_FORGET_SMALL, [quiet_since, at_least, limit])


def close_hours(quiet_since: datetime, *, at_least: int, limit: int) -> int:
    """Quiet hours with at least so many events begin to close. Returns how many."""
    return _changed(_CLOSE, [quiet_since, at_least, limit])


def closing_hours(*, limit: int) -> tuple[str, list[int]]:
    """(a new transaction's id, the buckets whose closing was committed before it)."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSING, [limit])
        xid, ids = cursor.fetchone()
    return xid, ids


def has_ended(xid: str) -> bool:
    """Whether every transaction up to `xid` has ended."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_ENDED, [xid])
        return bool(cursor.fetchone()[0])


def count_hours(ids: Sequence[int]) -> int:
    """Count those that nobody opened again, of buckets whose older transactions have ended. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [list(ids)])
        locked = [row[0] for row in cursor.fetchall()]
        if locked:
            # A statement of its own: it sees what was committed before the locks were had.
            cursor.execute(_COUNT, [locked])
    return len(locked)


def open_hours(merchant_id: str, uses: Sequence[tuple[str, str, datetime]]) -> None:
    """The buckets of these (meter, customer, timestamp) are to be counted anew. After the events were written."""
    if not uses:
        return
    meters, customers, moments = zip(*uses, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [[merchant_id] * len(uses), list(meters), list(customers), list(moments)])


def _changed(statement: str, values: list[datetime | int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount
