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


# What each formula makes of the events of a window. `last` goes by content, so that the order of arrival is nothing.
_FORMULAS = {
    "sum": "coalesce(sum(e.value), 0)",
    "count": "count(*)::numeric",
    "max": "coalesce(max(e.value), 0)",
    "unique": "count(DISTINCT e.label)::numeric",
    "last": 'coalesce((array_agg(e.value ORDER BY e."timestamp" DESC, e.value DESC))[1], 0)',
}
_ARM = """
SELECT w.n, u.total FROM w JOIN LATERAL (
    SELECT {aggregate} AS total FROM usage_usageevent e
    WHERE e.merchant_id = w.merchant_id AND e.meter_id = w.meter_id AND e.customer_id = w.customer_id
      AND e."timestamp" >= w.starts AND e."timestamp" < w.ends AND e.canceled_at IS NULL
      AND (w.reported_from IS NULL OR e.reported_at > w.reported_from
        OR (e.reported_at = w.reported_from AND e.recorded_at >= coalesce(w.recorded_from, '-infinity')))
      AND (w.reported_until IS NULL OR e.reported_at < w.reported_until
        OR (e.reported_at = w.reported_until AND e.recorded_at < coalesce(w.recorded_until, '-infinity')))
) u ON true WHERE w.formula = '{formula}'
"""
_ARMS = " UNION ALL ".join(_ARM.format(aggregate=aggregate, formula=name) for name, aggregate in _FORMULAS.items())
_TOTALS = f"""
WITH w AS MATERIALIZED (
    SELECT t.*, m.formula FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
        %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
        AS t(n, merchant_id, meter_id, customer_id, starts, ends, reported_from, reported_until,
            recorded_from, recorded_until)
    JOIN catalog_meter m ON m.id = t.meter_id AND m.merchant_id = t.merchant_id
) {_ARMS}
"""  # noqa: S608 - only our own constants


def usage_totals(windows: Sequence[UsageWindow]) -> dict[UsageWindow, Decimal]:
    """What each window's meter counted, by its own formula; 0 where nothing was reported. One query."""
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
