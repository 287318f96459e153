"""The overview's cards: each figure of `insights` with the words and the line that belong to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from insights.types import Kpi, OverviewKpis


@dataclass(frozen=True, slots=True)
class Card:
    """`kind` says how the value is written: money, number or share. `rising_is_good` colours the change."""

    label: str | Promise
    kind: str
    value: int | Decimal | None
    series: tuple[int, ...]
    change: Decimal | None = None  # a share of the value before
    rising_is_good: bool = True
    hint: str | Promise = ""

    @property
    def tone(self) -> str:
        if not self.change:
            return ""
        return "up" if (self.change > 0) == self.rising_is_good else "down"


def overview_cards(kpis: OverviewKpis) -> list[Card]:
    return [
        _card(_("MRR"), "money", kpis.mrr, hint=_("monthly recurring revenue")),
        _card(_("Active subscribers"), "number", kpis.subscribers),
        _card(_("New this month"), "number", kpis.new_this_month, compared=False),
        _card(_("Churn this month"), "share", kpis.churn_rate, compared=False, rising_is_good=False),
        _card(_("Collected this month"), "money", kpis.collected, compared=False),
        _card(_("Past due"), "money", kpis.past_due, compared=False, rising_is_good=False),
    ]


def _card(
    label: str | Promise,
    kind: str,
    kpi: Kpi,
    *,
    compared: bool = True,
    rising_is_good: bool = True,
    hint: str | Promise = "",
) -> Card:
    change = share_of_change(kpi.previous, kpi.value) if compared else None
    return Card(label, kind, kpi.value, line_of(kpi.series), change, rising_is_good, hint)


def line_of(series: Sequence[int | Decimal | None]) -> tuple[int, ...]:
    """A sparkline's whole numbers: shares in hundredths of a per cent, gaps left out."""
    return tuple(int(value * 10_000) if isinstance(value, Decimal) else value for value in series if value is not None)


def share_of_change(before: int | Decimal | None, now: int | Decimal | None) -> Decimal | None:
    """How much more (or less) than before, as a share of before; None where there was nothing."""
    if not before or now is None:
        return None
    return (Decimal(now) - Decimal(before)) / Decimal(before)
