"""Sums by bucket of time, in SQL: each function is one query, whatever the number of subscriptions.

`points` are instants p0 < p1 < … < pn. Bucket 0 is all time before p0, bucket i is [p(i-1), pi); what is later than
pn is left out. Running sums over the buckets give the figure at each point.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connections, router

from insights.models import MrrMovement

# currency -> bucket -> type -> amount
Movements = dict[str, list[dict[str, int]]]


def movements(merchant_id: str, points: Sequence[datetime]) -> Movements:
    """MRR movements by currency, bucket and type; those before the first point are summed in bucket 0."""
    found: Movements = defaultdict(lambda: [defaultdict(int) for _ in points])
    for currency, bucket, kind, amount in _rows(
        "SELECT currency, width_bucket(created, %(points)s::timestamptz[]) AS bucket, type, sum(amount)::bigint"
        " FROM insights_mrrmovement WHERE merchant_id = %(merchant)s AND created < %(end)s GROUP BY 1, 2, 3",
        merchant_id,
        points,
    ):
        found[currency][bucket][kind] += amount
    return dict(found)


def subscriber_changes(merchant_id: str, points: Sequence[datetime]) -> tuple[list[int], list[int]]:
    """How many customers came to pay something (MRR above 0) and how many ceased to, per bucket.

    Compared at the buckets' ends: who left and came back within one bucket did neither.
    """
    came, left = [0] * len(points), [0] * len(points)
    for bucket, gained, lost in _rows(
        "WITH change AS (SELECT customer_id, width_bucket(created, %(points)s::timestamptz[]) AS bucket,"
        " sum(amount) AS amount FROM insights_mrrmovement WHERE merchant_id = %(merchant)s AND created < %(end)s"
        " GROUP BY 1, 2), running AS (SELECT bucket, amount, sum(amount) OVER (PARTITION BY customer_id"
        " ORDER BY bucket) AS after FROM change)"
        " SELECT bucket, count(*) FILTER (WHERE after > 0 AND after = amount),"
        " count(*) FILTER (WHERE after = 0 AND amount < 0) FROM running GROUP BY 1",
        merchant_id,
        points,
    ):
        came[bucket], left[bucket] = gained, lost
    return came, left


def collected(merchant_id: str, points: Sequence[datetime]) -> dict[str, list[int]]:
    """What was paid on invoices, by currency and bucket; refunds are not taken off. Bucket 0 is not read."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(points))
    for currency, bucket, amount in _rows(
        "SELECT p.currency, width_bucket(p.created, %(points)s::timestamptz[]), sum(p.amount_paid)::bigint"
        " FROM payments_invoicepayment p JOIN invoicing_invoice i ON i.id = p.invoice_id AND i.test_clock_id IS NULL"
        " WHERE p.merchant_id = %(merchant)s AND p.created >= %(start)s AND p.created < %(end)s GROUP BY 1, 2",
        merchant_id,
        points,
    ):
        found[currency][bucket] = amount
    return dict(found)


def trials(merchant_id: str, points: Sequence[datetime]) -> list[int]:
    """How many subscriptions were in their trial at each point."""
    found = [0] * len(points)
    for place, count in _rows(
        "SELECT p.place, count(*) FROM unnest(%(points)s::timestamptz[]) WITH ORDINALITY AS p (at, place)"
        " JOIN subscriptions_subscription s ON s.merchant_id = %(merchant)s AND s.trial_start < p.at"
        " AND p.at <= least(s.trial_end, coalesce(s.ended_at, s.trial_end)) WHERE s.test_clock_id IS NULL"
        " AND s.trial_end >= %(start)s GROUP BY 1",
        merchant_id,
        points,
    ):
        found[place - 1] = count
    return found


def past_due(merchant_id: str, as_of: datetime) -> dict[str, int]:
    """What is open and late, by currency: its payment failed, or its due date passed."""
    rows = _rows(
        "SELECT currency, sum(amount_remaining)::bigint FROM invoicing_invoice WHERE merchant_id = %(merchant)s"
        " AND status = 'open' AND amount_remaining > 0 AND test_clock_id IS NULL"
        " AND (attempt_count > 0 OR due_date < %(end)s) GROUP BY 1",
        merchant_id,
        [as_of],
    )
    return dict(rows)


def _rows(sql: str, merchant_id: str, points: Sequence[datetime]) -> list[Any]:
    params: dict[str, Any] = {"merchant": merchant_id, "points": list(points), "start": points[0], "end": points[-1]}
    with connections[router.db_for_read(MrrMovement)].cursor() as cursor:  # a replica's, for reports
        cursor.execute(sql, params)
        return list(cursor.fetchall())
