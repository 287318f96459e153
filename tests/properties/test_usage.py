"""Whenever usage is reported and however often it is billed, it costs what all of it costs, once."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import example, given, strategies as st

from core.periods import Period
from engine.rules.arrears import as_billed, closing_dues, running_dues, stretches
from engine.rules.checks import check_plan
from engine.rules.renewal import plan_renewal
from engine.types import RenewalPlan
from engine.types.usage import UsageFacts
from subscriptions.rules.amounts import usage_amount
from subscriptions.types import PackageFacts, PriceLeft, TierFacts
from tests.factories.facts import item, price, renewal, subscription
from tests.factories.times import utc

APRIL, MAY, JUNE = utc(2026, 4, 1), utc(2026, 5, 1), utc(2026, 6, 1)
METERED = {"usage_type": "metered", "meter_id": "mtr_1"}
units = st.decimals(0, 50, places=2)
tiers = st.lists(st.tuples(st.integers(1, 30), units, units), max_size=3).map(
    lambda steps: (
        *(
            TierFacts(sum(width for width, _, _ in steps[: n + 1]), unit, flat)
            for n, (_, unit, flat) in enumerate(steps)
        ),
        TierFacts(None, Decimal(3), Decimal(7)),
    )
)
prices = st.one_of(
    st.builds(lambda amount: price(str(amount), **METERED), units),
    st.builds(lambda amount, least: price(str(amount), minimum_amount=least, **METERED), units, st.integers(0, 900)),
    st.builds(lambda size: price(100, package=PackageFacts(size, "up"), **METERED), st.integers(1, 9)),
    st.builds(
        lambda mode, found: price(0, billing_scheme="tiered", tiers_mode=mode, tiers=found, **METERED),
        st.sampled_from(["graduated", "volume"]),
        tiers,
    ),
    st.builds(lambda percent: price(0, percentage=percent, **METERED), st.decimals(1, 100, places=2)),
)
amounts = st.lists(st.decimals(0, 40, places=2), max_size=4)


def counted(one, period, total) -> UsageFacts:
    return UsageFacts({part.span: total for part in stretches(one, period)})


@given(prices, amounts, amounts, amounts)
@example(price("0", minimum_amount=1, **METERED), [], [], [Decimal(0)])
@example(price("0", minimum_amount=1, **METERED), [Decimal(1)], [], [Decimal(0)])
def test_what_is_billed_in_all_is_what_all_of_it_costs(of, early, regular, late):
    one = item(of, APRIL, MAY)
    running = subscription([one])
    april, may = Period(APRIL, MAY), Period(MAY, JUNE)
    billed, total = [], Decimal(0)
    for day, used in enumerate(early, start=2):  # thresholds, one after the other
        total += used
        dues = running_dues(running, one, counted(one, april, total), billed, APRIL.replace(day=day))
        billed += [as_billed(due) for due in dues]
        one = replace(one, sequence=one.sequence + len(dues))
    total += sum(regular)
    billed += [as_billed(due) for due in closing_dues(running, one, april, counted(one, april, total), billed)]
    assert sum(found.gross_amount for found in billed) == usage_amount(of, total)
    for used in late:  # the same later period is looked at again and again: only what changed is owed
        total += used
        facts = UsageFacts(counted(one, april, total).totals | counted(one, may, Decimal(0)).totals)
        billed += [as_billed(due) for due in closing_dues(running, one, may, facts, billed) if due.kind == "late"]
    assert sum(found.gross_amount for found in billed if found.span.start == APRIL) == usage_amount(of, total)
    keys = [(found.kind, found.start, found.sequence) for found in billed]
    assert len(set(keys)) == len(keys)  # the database's guard agrees


@given(prices, st.decimals(0, 90, places=2))
def test_planned_again_nothing_is_owed(of, total):
    one = item(of, APRIL, MAY)
    facts = counted(one, Period(APRIL, MAY), total)
    running = subscription([one])
    billed = [as_billed(due) for due in closing_dues(running, one, Period(APRIL, MAY), facts, [])]
    again = closing_dues(running, one, Period(APRIL, MAY), facts, billed)
    assert all(due.is_nothing for due in again)


@given(prices, st.decimals(0, 90, places=2))
def test_a_renewal_bills_the_closed_period_and_nothing_in_advance(of, total):
    one = item(of, APRIL, MAY)
    snapshot = renewal(subscription([one]), usage=counted(one, Period(APRIL, MAY), total))
    plan = plan_renewal(snapshot, MAY)
    assert isinstance(plan, RenewalPlan)
    check_plan(plan)
    [line] = plan.invoices[0].lines
    assert (line.amount, line.period_start, line.period_end) == (usage_amount(of, total), APRIL, MAY)
    assert line.debit.kind == "arrears"


@given(st.lists(st.tuples(st.integers(1, 28), st.booleans()), max_size=5), st.booleans())
def test_the_stretches_of_a_period_never_overlap_and_cover_its_metered_time(changes, ends_metered):
    kinds = {True: price(10, **METERED), False: price(1000)}
    left = tuple(
        PriceLeft(kinds[metered], number, APRIL.replace(day=day))
        for number, (day, metered) in enumerate(sorted(changes, key=lambda change: change[0]))
    )
    one = item(kinds[ends_metered], APRIL, MAY, prices_left=left, sequence=len(left))
    found = stretches(one, Period(APRIL, MAY))
    assert all(earlier.period.end <= later.period.start for earlier, later in pairwise(found))
    assert all(part.price.is_metered for part in found)
    if all(change.price.is_metered for change in left) and ends_metered:
        assert found[0].period.start == APRIL
        assert found[-1].period.end == MAY
        assert all(earlier.period.end == later.period.start for earlier, later in pairwise(found))
