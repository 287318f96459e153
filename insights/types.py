"""What the metric rules take and give. Amounts are whole minor units of their currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

RECURRING_STATUSES = frozenset({"active", "past_due"})


@dataclass(frozen=True, slots=True)
class RecurringItem:
    """One price on a subscription. `interval` is "" for a one-time price."""

    unit_amount_decimal: Decimal
    quantity: int
    interval: str
    interval_count: int = 1
    metered: bool = False
    product_id: str = ""
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class RecurringDiscount:
    """A coupon that goes on: `forever`, or `repeating` and still inside its months. `once` is left out by the caller.

    `amount_off` is per invoice. `product_ids` empty: every product; `item_id` blank: every item.
    """

    percent_off: Decimal | None = None
    amount_off: int = 0
    product_ids: frozenset[str] = frozenset()
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class RecurringFacts:
    """A subscription as far as MRR goes; `discounts` in the order they stack."""

    status: str
    items: tuple[RecurringItem, ...] = ()
    discounts: tuple[RecurringDiscount, ...] = ()


@dataclass(frozen=True, slots=True)
class MrrPoint:
    """MRR at an instant: by currency, and together in the merchant's currency (None: a rate is missing)."""

    at: datetime
    by_currency: dict[str, int]
    total: int | None


@dataclass(frozen=True, slots=True)
class MrrStep:
    """From one point to the next. `movements` by type, in the merchant's currency, `fx` among them when converted.

    start.total + sum(movements) = end.total, always; None where a rate is missing.
    """

    start: MrrPoint
    end: MrrPoint
    by_currency: dict[str, dict[str, int]]  # currency -> type -> amount
    movements: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class MrrSeries:
    currency: str
    points: tuple[MrrPoint, ...]
    steps: tuple[MrrStep, ...]
    missing_rates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure as of now, and its 12 points, month by month, the last one now. None: cannot be said.

    Money is in minor units of the report's currency; rates are shares of one.
    """

    value: int | Decimal | None
    series: tuple[int | Decimal | None, ...] = ()

    @property
    def previous(self) -> int | Decimal | None:
        """The point before: at the end of last month."""
        return self.series[-2] if len(self.series) > 1 else None


@dataclass(frozen=True, slots=True)
class OverviewKpis:
    currency: str
    as_of: datetime
    points: tuple[datetime, ...]  # the instants of the series
    mrr: Kpi
    subscribers: Kpi
    new_this_month: Kpi
    churned_this_month: Kpi
    churn_rate: Kpi
    arpu: Kpi
    trials: Kpi
    collected: Kpi
    past_due: Kpi
    mrr_by_currency: dict[str, int] = field(default_factory=dict)
    collected_by_currency: dict[str, int] = field(default_factory=dict)
    past_due_by_currency: dict[str, int] = field(default_factory=dict)
    missing_rates: frozenset[str] = frozenset()
