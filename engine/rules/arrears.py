"""Usage is billed when its period is over, at the price in force when it was reported (SEMANTICS, Usage).

1. A period of an item falls into stretches, one for each price it had in it; each has its span of usage.
2. What a stretch owes is its whole usage priced, less what was billed of that span before. So usage that comes late,
   a threshold that billed early and a tier that is crossed afterwards all come out of one subtraction, and planning
   again finds nothing.
3. Spans of periods that were billed before are looked at again as long as events for them may still be accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.json_values import plain_decimal
from core.money import share
from core.periods import Period
from engine.types.usage import UsageFacts
from invoicing.rules.descriptions import usage_line as usage_words
from invoicing.types import PlannedLine
from subscriptions.rules.amounts import amount_told, usage_amount
from subscriptions.rules.periods import next_period
from subscriptions.types import (
    BilledUsage,
    ItemFacts,
    PlannedDebit,
    PriceFacts,
    PriceLeft,
    SubscriptionFacts,
    UsageSpan,
)

# How long after its period's end usage may still be accepted (usage.rules.LATEST_PAST).
LATE_FOR = timedelta(days=35)
MAX_PERIODS_AHEAD = 60
# What is used in the very instant in which its item goes counts for it: nothing comes after.
AN_INSTANT = timedelta(microseconds=1)
USAGE_DISCARDED = "customer.subscription.usage_discarded"
_BILLING = frozenset({"active", "past_due", "unpaid"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an item's period under one metered price. `whole` is the period that its minimum is for."""

    item_id: str
    price: PriceFacts
    sequence: int
    period: Period
    whole: Period
    span: UsageSpan
    tax_rate_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageDue:
    """What a stretch owes beyond what was billed of it: `amount` before discounts, below 0 when too much was."""

    stretch: Stretch
    kind: str  # arrears, late
    period: Period
    sequence: int
    total: Decimal
    quantity: int
    amount: int
    billed_before: int

    @property
    def is_nothing(self) -> bool:
        return self.amount == 0 and self.quantity == 0


def stretches(item: ItemFacts, period: Period) -> list[Stretch]:
    """The parts of `period` in which the item had a metered price, in order. `period` begins where the item's does."""
    found: list[Stretch] = []
    begin = period.start
    since: PriceLeft | None = None

    def add(price: PriceFacts, sequence: int, end: datetime, until: PriceLeft | None) -> None:
        if price.is_metered:
            span = UsageSpan(
                price.meter_id,
                period.start,
                period.end,
                since.at if since else None,
                until.at if until else None,
                since.recorded_at if since else None,
                until.recorded_at if until else None,
            )
            part = Period(begin, end)
            found.append(Stretch(item.id, price, sequence, part, period, span, item.tax_rate_ids))

    for left in item.prices_left:
        # A price that stood for no time has no stretch: what was reported meanwhile is the next one's.
        if left.at >= period.end:
            # Left at the very end (a change and a cancellation of one instant): it was the price of what there is.
            add(left.price, left.sequence, period.end, None)
            return found
        if begin < left.at:
            add(left.price, left.sequence, left.at, left)
            begin, since = left.at, left
    add(item.price, item.sequence, period.end, None)
    return found


def due_of(stretch: Stretch, usage: UsageFacts, billed: Sequence[BilledUsage]) -> UsageDue:
    """What the stretch owes now, its first billing or what a threshold left of it."""
    before = [one for one in billed if _same(one, stretch)]
    begin = max([stretch.period.start, *(one.end for one in before if one.kind == "arrears")])
    if begin >= stretch.period.end:
        return _late(stretch, usage, before)
    return _due(stretch, usage, before, "arrears", Period(begin, stretch.period.end), stretch.sequence)


def reckoned_again(one: BilledUsage, stretch: Stretch, usage: UsageFacts, others: Sequence[BilledUsage]) -> UsageDue:
    """What a billing that is still a draft comes to now, in the place of what it was."""
    before = [other for other in others if _same(other, stretch)]
    return _due(stretch, usage, before, one.kind, Period(one.start, one.end), one.sequence)


def running_dues(
    subscription: SubscriptionFacts, item: ItemFacts, usage: UsageFacts, billed: Sequence[BilledUsage], until: datetime
) -> list[UsageDue]:
    """What the item's present price has cost so far in its running period and is not billed: for a threshold.

    No minimum counts before the period is over.
    """
    if subscription.status not in _BILLING:
        return []
    period = Period(item.current_period_start, item.current_period_end)
    found = []
    for part in stretches(item, period)[-1:]:
        if part.span.reported_until is not None:
            continue
        due = due_of(replace(part, price=replace(part.price, minimum_amount=None)), usage, billed)
        if due.kind == "arrears" and due.period.start < until and (due.amount > 0 or due.quantity > 0):
            found.append(replace(due, period=Period(due.period.start, until)))
    return found


def late_dues(item: ItemFacts, closed: Period, usage: UsageFacts, billed: Sequence[BilledUsage]) -> list[UsageDue]:
    """What usage that came late changes about the item's earlier periods, when `closed` is billed."""
    dues: list[UsageDue] = []
    mine = [one for one in billed if one.subscription_item_id == item.id]
    for key in dict.fromkeys(_key(one.span) for one in mine):
        of_span = [one for one in mine if _key(one.span) == key]
        # The billing at the period's end: one at a threshold counted no minimum.
        last = max(of_span, key=lambda one: (one.end, one.start))
        span = last.span
        if span.reported_until is not None or not closed.start - LATE_FOR < span.end <= closed.start:
            continue
        due = _late(_stretch_of(of_span, last, item.tax_rate_ids), usage, of_span)
        if due.amount:
            dues.append(due)
    return dues


def gone_dues(item_id: str, usage: UsageFacts, billed: Sequence[BilledUsage]) -> list[UsageDue]:
    """What usage that came late changes about an item that is no longer there, whose last usage was billed."""
    mine = [one for one in billed if one.subscription_item_id == item_id and one.span.reported_until is None]
    dues: list[UsageDue] = []
    for key in dict.fromkeys(_key(one.span) for one in mine):
        of_span = [one for one in mine if _key(one.span) == key]
        last = max(of_span, key=lambda one: (one.end, one.start))
        due = _late(_stretch_of(of_span, last, ()), usage, of_span)
        if due.amount:
            dues.append(due)
    return dues


def _stretch_of(of_span: Sequence[BilledUsage], last: BilledUsage, tax_rate_ids: tuple[str, ...]) -> Stretch:
    """The billed span as one stretch again."""
    period = Period(min(one.start for one in of_span), max(one.end for one in of_span))
    whole = Period(last.span.start, last.span.end)
    return Stretch(last.subscription_item_id, last.price, last.sequence, period, whole, last.span, tax_rate_ids)


def closing_dues(
    subscription: SubscriptionFacts, item: ItemFacts, period: Period, usage: UsageFacts, billed: Sequence[BilledUsage]
) -> list[UsageDue]:
    """All that is owed for the item when `period` is over: its stretches, then what came late for earlier ones.

    Usage during a trial is free, and a subscription that is not billed owes nothing.
    """
    if subscription.status not in _BILLING:
        return []
    return [due_of(part, usage, billed) for part in stretches(item, period)] + late_dues(item, period, usage, billed)


def as_billed(due: UsageDue) -> BilledUsage:
    """The due as the next reckoning finds it."""
    part = due.stretch
    return BilledUsage(
        part.item_id,
        due.kind,
        due.period.start,
        due.period.end,
        due.sequence,
        part.price,
        due.quantity,
        due.amount,
        part.span,
    )


def due_line(
    due: UsageDue, subscription: SubscriptionFacts, locale: str, default_tax_rate_ids: tuple[str, ...]
) -> PlannedLine:
    """The line that bills it. Its discounts are those of the invoice it is on."""
    price = due.stretch.price
    return PlannedLine(
        type="subscription",
        description=usage_words(price, due.total, locale, due.period, subscription.timezone, late=due.kind == "late"),
        currency=price.currency,
        amount=due.amount,
        period_start=due.period.start,
        period_end=due.period.end,
        quantity=due.quantity,
        unit_amount_decimal=price.unit_amount_decimal if price.billing_scheme == "per_unit" else None,
        price_id=price.id,
        product_id=price.product_id,
        subscription_id=subscription.id,
        subscription_item_id=due.stretch.item_id,
        debit=due_debit(due),
        discountable=due.amount >= 0,
        tax_rate_ids=due.stretch.tax_rate_ids or default_tax_rate_ids,
        explanation=due_told(due),
    )


def due_debit(due: UsageDue) -> PlannedDebit:
    return PlannedDebit(
        subscription_item_id=due.stretch.item_id,
        kind=due.kind,
        start=due.period.start,
        end=due.period.end,
        sequence=due.sequence,
        price_id=due.stretch.price.id,
        quantity=due.quantity,
        currency=due.stretch.price.currency,
        gross_amount=due.amount,
        amount=due.amount,
        span=due.stretch.span,
    )


def due_told(due: UsageDue) -> dict[str, object]:
    """How the amount came about: the meter, what it counted, how that is priced, what was billed before."""
    part = due.stretch
    price = _with_its_minimum(part)
    return {
        "kind": "usage" if due.kind == "arrears" else "usage_late",
        "price": price.id,
        "billing_scheme": price.billing_scheme,
        "unit_amount_decimal": f"{price.unit_amount_decimal:f}",
        "meter": part.span.meter_id,
        "usage": f"{due.total:f}",
        "whole_amount": due.amount + due.billed_before,
        "billed_before": due.billed_before,
        "amount": due.amount,
        "used_from": part.span.start.isoformat(),
        "used_to": part.span.end.isoformat(),
        "reported_from": part.span.reported_from.isoformat() if part.span.reported_from else None,
        "reported_until": part.span.reported_until.isoformat() if part.span.reported_until else None,
    } | amount_told(price, due.total)


def usage_told(due: UsageDue) -> dict[str, object]:
    """Usage that is not billed, as its event tells it: how much, and what it would have cost before discounts."""
    return {
        "subscription_item": due.stretch.item_id,
        "price": due.stretch.price.id,
        "meter": due.stretch.span.meter_id,
        "usage": plain_decimal(due.total),
        "amount": due.amount,
    }


def spans_to_read(
    subscription: SubscriptionFacts, billed: Iterable[BilledUsage], as_of: datetime
) -> dict[UsageSpan, None]:
    """Every span that planning up to `as_of` may ask for: running, closed and earlier ones, once each."""
    spans: dict[UsageSpan, None] = {}
    for item in subscription.items:
        for period in _periods_until(subscription, item, as_of):
            spans |= dict.fromkeys(part.span for part in stretches(item, period))
    spans |= dict.fromkeys(one.span for one in billed if one.span.reported_until is None)
    return spans


def _periods_until(subscription: SubscriptionFacts, item: ItemFacts, as_of: datetime) -> list[Period]:
    """The item's current period, those after it that have begun by `as_of`, and each cut where things may end."""
    if item.price.interval is None:
        return []
    cuts = [as_of, as_of + AN_INSTANT]
    found: list[Period] = []
    period = Period(item.current_period_start, item.current_period_end)
    for _ in range(MAX_PERIODS_AHEAD + 1):
        found.append(period)
        found += [Period(period.start, cut) for cut in cuts if period.start < cut < period.end]
        for end in (subscription.cancel_at, period.end if subscription.cancel_at_period_end else None):
            if end is not None and period.start < end <= period.end:
                found += [Period(period.start, end), Period(period.start, end + AN_INSTANT)]
        if period.end > as_of:
            break
        period = next_period(
            subscription.billing_cycle_anchor,
            item.price.interval,
            subscription.timezone,
            period.end,
            day_of_month=subscription.anchor_day_of_month,
        ).period
    return found


def _same(one: BilledUsage, stretch: Stretch) -> bool:
    return one.subscription_item_id == stretch.item_id and _key(one.span) == _key(stretch.span)


def _key(span: UsageSpan) -> tuple[object, ...]:
    """What a span keeps when a change ends it before its time: an item has one that begins there."""
    return span.meter_id, span.start, span.reported_from


def _late(stretch: Stretch, usage: UsageFacts, before: Sequence[BilledUsage]) -> UsageDue:
    number = sum(1 for one in before if one.kind == "late")
    return _due(stretch, usage, before, "late", stretch.period, number)


def _due(
    stretch: Stretch, usage: UsageFacts, before: Sequence[BilledUsage], kind: str, period: Period, sequence: int
) -> UsageDue:
    total = usage.total(stretch.span)
    billed = sum(one.gross_amount for one in before)
    return UsageDue(
        stretch=stretch,
        kind=kind,
        period=period,
        sequence=sequence,
        total=total,
        quantity=int(total) - sum(one.quantity for one in before),
        amount=usage_amount(_with_its_minimum(stretch), total) - billed,
        billed_before=billed,
    )


def _with_its_minimum(stretch: Stretch) -> PriceFacts:
    """A price that was in force for a part of the period asks for that part of its minimum."""
    price = stretch.price
    starts = stretch.span.reported_from or stretch.span.start
    ends = stretch.span.reported_until or stretch.span.end
    if price.minimum_amount is None or (starts, ends) == (stretch.whole.start, stretch.whole.end):
        return price
    part = Period(starts, ends).seconds
    return replace(price, minimum_amount=share(price.minimum_amount, part, stretch.whole.seconds))
