"""What was used: totals for many windows in one query, and summaries of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core.errors import OstinatoError, gettext_noop
from usage.models import UsageEvent
from usage.types import UsageSummary, UsageWindow

SUMMARIES_MAX = 1000
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


class SummaryWindowInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "value_grouping_window"
    message_id = gettext_noop("A summary ends after it starts, by hour or day, in at most %(most)s parts.")


# What each formula makes of its parts: the events of a stretch that no bucket covers, and a bucket's own columns.
# Of events of one instant, as on a clock that stands, `last` is the one reported last; `unique` is never in buckets.
_LATEST = "(array_agg({value} ORDER BY {order}))[1]"
_FORMULAS = {
    # name: (of events, of a bucket, of the parts)
    "sum": ("sum(e.value), NULL::timestamptz", "b.total, NULL", "coalesce(sum(value), 0)"),
    "count": ("count(*)::numeric, NULL::timestamptz", "b.events, NULL", "coalesce(sum(value), 0)"),
    "max": ("max(e.value), NULL::timestamptz", "b.largest, NULL", "coalesce(max(value), 0)"),
    "unique": ("count(DISTINCT e.label)::numeric, NULL::timestamptz", "NULL, NULL", "coalesce(sum(value), 0)"),
    "last": (
        _LATEST.format(value="e.value", order='e."timestamp" DESC, e.recorded_at DESC, e.id DESC')
        + ', max(e."timestamp")',
        "b.latest, b.latest_at",
        "coalesce(" + _LATEST.format(value="value", order="at DESC") + ", 0)",
    ),
}
_REPORTED = """
      AND (w.reported_from IS NULL OR e.reported_at > w.reported_from
        OR (e.reported_at = w.reported_from AND e.recorded_at >= coalesce(w.recorded_from, '-infinity')))
      AND (w.reported_until IS NULL OR e.reported_at < w.reported_until
        OR (e.reported_at = w.reported_until AND e.recorded_at < coalesce(w.recorded_until, '-infinity')))
"""
_ARM = """
SELECT p.n, {whole} AS total FROM (
    SELECT w.n, u.value, u.at FROM gaps w CROSS JOIN LATERAL (
        SELECT {events} FROM usage_usageevent e
        WHERE e.merchant_id = w.merchant_id AND e.meter_id = w.meter_id AND e.customer_id = w.customer_id
          AND e."timestamp" >= w.starts AND e."timestamp" < w.ends AND e.canceled_at IS NULL {reported}
    ) AS u(value, at) WHERE w.formula = '{formula}' AND u.value IS NOT NULL
    UNION ALL
    SELECT b.n, {bucket} FROM b WHERE b.formula = '{formula}' AND b.counts
) AS p(n, value, at) GROUP BY p.n
"""
_ARMS = " UNION ALL ".join(
    _ARM.format(events=events, bucket=bucket, whole=whole, formula=name, reported=_REPORTED)
    for name, (events, bucket, whole) in _FORMULAS.items()
)
# A bucket stands for its hour when all of it was reported inside what is asked, or none; else its events are read.
# Where the reporting's bounds are met to the instant, the wall decides: that too is read event by event.
_TOTALS = f"""
WITH w AS MATERIALIZED (
    SELECT t.*, m.formula FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
        %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
        AS t(n, merchant_id, meter_id, customer_id, starts, ends, reported_from, reported_until,
            recorded_from, recorded_until)
    JOIN catalog_meter m ON m.id = t.meter_id AND m.merchant_id = t.merchant_id
), b AS MATERIALIZED (
    SELECT w.n, w.formula, k.hour, k.events, k.total, k.largest, k.latest, k.latest_at, k.events > 0
        AND (w.reported_from IS NULL OR k.first_reported_at > w.reported_from)
        AND (w.reported_until IS NULL OR k.last_reported_at < w.reported_until) AS counts
    FROM w JOIN usage_usagebucket k ON k.merchant_id = w.merchant_id AND k.meter_id = w.meter_id
        AND k.customer_id = w.customer_id AND k.hour >= w.starts AND k.hour <= w.ends - interval '1 hour'
    WHERE k.state = 'ready' AND w.formula <> 'unique' AND (k.events = 0
        OR k.last_reported_at < w.reported_from OR k.first_reported_at > w.reported_until
        OR ((w.reported_from IS NULL OR k.first_reported_at > w.reported_from)
            AND (w.reported_until IS NULL OR k.last_reported_at < w.reported_until)))
), edges AS (
    SELECT n, starts AS at, NULL::timestamptz AS hour FROM w UNION ALL SELECT n, hour + interval '1 hour', hour FROM b
), stretches AS (
    SELECT n, at, lead(hour) OVER (PARTITION BY n ORDER BY at) AS next_hour FROM edges
), gaps AS MATERIALIZED (
    SELECT w.n, w.formula, w.merchant_id, w.meter_id, w.customer_id, s.at AS starts,
        coalesce(s.next_hour, w.ends) AS ends, w.reported_from, w.reported_until, w.recorded_from, w.recorded_until
    FROM stretches s JOIN w USING (n) WHERE s.at < coalesce(s.next_hour, w.ends)
) {_ARMS}
"""  # noqa: S608 - only our own constants


def usage_totals(windows: Sequence[UsageWindow]) -> dict[UsageWindow, Decimal]:
    """What each window's meter counted, by its own formula; 0 where nothing was reported. One query.

    Whole hours come from their buckets where these are ready, everything else from the events themselves.
    """
    found = dict.fromkeys(windows, Decimal(0))
    asked = list(found)
    if not asked:
        return found
    columns: list[list[Any]] = [
        list(range(len(asked))),
        [window.merchant_id for window in asked],
        [window.meter_id for window in asked],
        [window.customer_id for window in asked],
        [window.start for window in asked],
        [window.end for window in asked],
        [window.reported_from for window in asked],
        [window.reported_until for window in asked],
        [window.recorded_from for window in asked],
        [window.recorded_until for window in asked],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, columns)
        for n, total in cursor.fetchall():
            found[asked[n]] = total
    return found


def meter_event_summaries(
    merchant_id: str, meter_id: str, customer_id: str, start: datetime, end: datetime, *, grouping: str = ""
) -> list[UsageSummary]:
    """The meter's total in [start, end), whole or by `hour` or `day` from `start` on. Raises `SummaryWindowInvalid`."""
    step = _STEPS.get(grouping, end - start)
    if end <= start or grouping not in ("", *_STEPS) or (end - start) > step * SUMMARIES_MAX:
        raise SummaryWindowInvalid(most=SUMMARIES_MAX)
    starts = [start]
    while starts[-1] + step < end:
        starts.append(starts[-1] + step)
    windows = [UsageWindow(merchant_id, meter_id, customer_id, at, min(at + step, end)) for at in starts]
    totals = usage_totals(windows)
    return [UsageSummary(window.start, window.end, totals[window]) for window in windows]


def usage_events(merchant_id: str, customer_id: str = "") -> QuerySet[UsageEvent]:
    """What was reported, the latest first."""
    events = UsageEvent.objects.filter(merchant_id=merchant_id).order_by("-timestamp", "-id")
    return events.filter(customer_id=customer_id) if customer_id else events
