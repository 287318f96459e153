"""The merchant's figures: MRR over time and the overview's KPIs. Six queries at most, whatever the size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.money import currency_exponent
from core.periods import Interval, boundary, time_zone
from insights import buckets
from insights.rates import exchange_rate
from insights.rules import arpu, churn_rate, convert
from insights.types import Kpi, MrrPoint, MrrSeries, MrrStep, OverviewKpis
from merchants.models import Merchant

KPI_POINTS = 12
MOST_POINTS = 800
# A figure "as of" an instant holds what happened at that very instant.
INCLUSIVE = timedelta(microseconds=1)


def mrr_series(merchant_id: str, start: datetime, end: datetime, step: str = "month") -> MrrSeries:
    """MRR at `start`, every `step` ("day", "week", "month") on the merchant's calendar after it, and at `end`.

    Between points the movements by type; converted ones hold `fx`, so that start + movements = end, always.
    Raises `UnknownIntervalUnit`; `ValueError` for an empty span or one of too many points.
    """
    merchant = Merchant.objects.get(id=merchant_id)
    points = _points(start, end, step, merchant.timezone)
    return _series(merchant, points, buckets.movements(merchant_id, points))


def overview_kpis(merchant_id: str, as_of: datetime) -> OverviewKpis:
    """The overview's figures, with twelve monthly points for sparklines; months are the merchant's calendar's."""
    merchant = Merchant.objects.get(id=merchant_id)
    points = _month_points(as_of, merchant.timezone)
    series = _series(merchant, points, buckets.movements(merchant_id, points))
    came, left = buckets.subscriber_changes(merchant_id, points)
    money = _Converter(merchant)
    paid = buckets.collected(merchant_id, points)
    late = buckets.past_due(merchant_id, as_of)
    at = _running(came, left)
    totals = [point.total for point in series.points]
    rates = [churn_rate(left[i], at[i - 1], came[i]) for i in range(1, len(points))]
    arpus = [None if total is None else arpu(total, count) for total, count in zip(totals, at, strict=True)]
    collected = [
        money.total({currency: amounts[i] for currency, amounts in paid.items()}, points[i])
        for i in range(1, len(points))
    ]
    return OverviewKpis(
        currency=merchant.default_currency,
        as_of=as_of,
        points=tuple(points[1:]),
        mrr=_kpi(totals[1:]),
        subscribers=_kpi(at[1:]),
        new_this_month=_kpi(came[1:]),
        churned_this_month=_kpi(left[1:]),
        churn_rate=_kpi(rates),
        arpu=_kpi(arpus[1:]),
        trials=_kpi(buckets.trials(merchant_id, points)[1:]),
        collected=_kpi(collected),
        past_due=Kpi(money.total(late, as_of)),
        mrr_by_currency=series.points[-1].by_currency,
        collected_by_currency={currency: amounts[-1] for currency, amounts in paid.items() if amounts[-1]},
        past_due_by_currency=late,
        missing_rates=series.missing_rates | money.missing,
    )


class _Converter:
    """Sums of several currencies in the merchant's own, at a day's rates; remembers what has no rate."""

    def __init__(self, merchant: Merchant) -> None:
        self.into = merchant.default_currency
        self.zone: ZoneInfo = time_zone(merchant.timezone)
        self.missing: frozenset[str] = frozenset()

    def total(self, by_currency: Mapping[str, int], at: datetime) -> int | None:
        day = (at - INCLUSIVE).astimezone(self.zone).date()
        amounts = []
        for currency, amount in by_currency.items():
            rate = exchange_rate(currency, self.into, day) if amount else Decimal(1)
            if rate is None:
                self.missing |= {currency}
                return None
            amounts.append(convert(amount, rate, currency_exponent(currency), currency_exponent(self.into)))
        return sum(amounts)


def _series(merchant: Merchant, points: Sequence[datetime], moved: buckets.Movements) -> MrrSeries:
    money = _Converter(merchant)
    levels = {currency: _running([sum(types.values()) for types in of_bucket]) for currency, of_bucket in moved.items()}
    made = []
    for i, at in enumerate(points):
        by_currency = {currency: level[i] for currency, level in levels.items() if level[i]}
        made.append(MrrPoint(at, by_currency, money.total(by_currency, at)))
    steps = [
        _step(made[i - 1], made[i], {currency: dict(moved[currency][i]) for currency in moved}, money)
        for i in range(1, len(points))
    ]
    return MrrSeries(merchant.default_currency, tuple(made), tuple(steps), money.missing)


def _step(start: MrrPoint, end: MrrPoint, by_currency: dict[str, dict[str, int]], money: _Converter) -> MrrStep:
    by_currency = {currency: types for currency, types in by_currency.items() if types}
    if start.total is None or end.total is None:
        return MrrStep(start, end, by_currency, None)
    of_type: dict[str, dict[str, int]] = defaultdict(dict)
    for currency, types in by_currency.items():
        for kind, amount in types.items():
            of_type[kind][currency] = amount
    converted = {kind: money.total(amounts, end.at) for kind, amounts in of_type.items()}
    if None in converted.values():
        return MrrStep(start, end, by_currency, None)
    movements = {kind: amount for kind, amount in converted.items() if amount is not None}
    # What the movements do not explain is what the rates (and their rounding) did.
    if fx := end.total - start.total - sum(movements.values()):
        movements["fx"] = fx
    return MrrStep(start, end, by_currency, movements)


def _running(came: Sequence[int], left: Sequence[int] | None = None) -> list[int]:
    level, levels = 0, []
    for i, amount in enumerate(came):
        level += amount - (left[i] if left else 0)
        levels.append(level)
    return levels


def _kpi(series: Sequence[int | Decimal | None]) -> Kpi:
    return Kpi(series[-1], tuple(series))


def _points(start: datetime, end: datetime, step: str, tz: str) -> list[datetime]:
    if start >= end:
        raise ValueError("an MRR series needs a span of time")
    points, n = [start], 1
    while (at := boundary(start, Interval(step), n, tz)) < end:
        points.append(at)
        n += 1
        if n > MOST_POINTS:
            raise ValueError(f"an MRR series has at most {MOST_POINTS} points")
    return [*points, end + INCLUSIVE]


def _month_points(as_of: datetime, tz: str) -> list[datetime]:
    """Thirteen instants: the starts of this month and the eleven before it, preceded by one more, then now."""
    local = as_of.astimezone(time_zone(tz))
    month = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    starts = [boundary(month, Interval("month"), -n, tz) for n in range(KPI_POINTS - 1, -1, -1)]
    return [*starts, as_of + INCLUSIVE]
