"""What recurs in a month, and what kind of change it was. Pure."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from core.money import round_half_away
from insights.types import RECURRING_STATUSES, RecurringDiscount, RecurringFacts, RecurringItem

# A month is a twelfth of a year of 365 days.
MONTHS = {"day": Fraction(12, 365), "week": Fraction(84, 365), "month": Fraction(1), "year": Fraction(12)}

Shares = list[Fraction]


def mrr(facts: RecurringFacts) -> int:
    """The subscription's monthly recurring revenue in minor units, rounded once.

    Active and past due count; trials, unpaid, paused and ended do not. Recurring licensed prices only, normalised
    to a month, after recurring discounts, without tax. 100 @ 10000 a month + 50 @ 60000 a year = 1,250,000.
    """
    if facts.status not in RECURRING_STATUSES:
        return 0
    items = [item for item in facts.items if item.interval and not item.metered]
    if not items:
        return 0
    monthly = [_per_month(item) for item in items]
    per_invoice = min(_months(item) for item in items)  # an invoice is made for the shortest interval
    for discount in facts.discounts:
        monthly = _after(discount, items, monthly, per_invoice)
    return round_half_away(sum(monthly, Fraction(0)))


def movement_type(before: int, after: int, *, had_mrr_before: bool) -> str:
    """What a change from `before` to `after` is called; "" when nothing changed."""
    if before == after:
        return ""
    if before == 0:
        return "reactivation" if had_mrr_before else "new"
    if after == 0:
        return "churn"
    return "expansion" if after > before else "contraction"


def churn_rate(churned: int, at_start: int, new: int) -> Decimal | None:
    """churned / (at start + new) to six decimals; None without anybody who could have left."""
    exposed = at_start + new
    return Decimal(round_half_away(Fraction(churned * 10**6, exposed))).scaleb(-6) if exposed else None


def arpu(mrr_total: int, subscribers: int) -> int | None:
    """MRR per subscriber, in minor units; None without any."""
    return round_half_away(Fraction(mrr_total, subscribers)) if subscribers else None


def convert(amount: int, rate: Decimal, exponent_from: int, exponent_to: int) -> int:
    """Minor units of one currency in minor units of another; `rate` is of whole units."""
    return round_half_away(Fraction(amount) * Fraction(rate) * Fraction(10) ** (exponent_to - exponent_from))


def _months(item: RecurringItem) -> Fraction:
    return MONTHS[item.interval] * item.interval_count


def _per_month(item: RecurringItem) -> Fraction:
    return Fraction(item.unit_amount_decimal) * item.quantity / _months(item)


def _after(discount: RecurringDiscount, items: list[RecurringItem], monthly: Shares, per_invoice: Fraction) -> Shares:
    """`monthly` with one discount taken: a percentage off each item, or an amount off in proportion, never below 0."""
    applies = [
        (not discount.product_ids or item.product_id in discount.product_ids) and discount.item_id in ("", item.item_id)
        for item in items
    ]
    if discount.percent_off is not None:
        keeps = 1 - Fraction(discount.percent_off) / 100
        return [share * keeps if hit else share for share, hit in zip(monthly, applies, strict=True)]
    base = sum((share for share, hit in zip(monthly, applies, strict=True) if hit), Fraction(0))
    if not base:
        return monthly
    keeps = 1 - min(Fraction(discount.amount_off) / per_invoice, base) / base
    return [share * keeps if hit else share for share, hit in zip(monthly, applies, strict=True)]
