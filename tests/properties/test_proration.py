"""Proration never makes or loses a cent: what is given back and what is kept are what was charged."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given, strategies as st

from core.money import share
from core.periods import Period
from subscriptions.rules.proration import proration_credit, proration_debit
from subscriptions.types import DiscountAmount, PlannedTax
from tests.factories.facts import debit, price
from tests.factories.times import utc

START = utc(2026, 1, 1)

amounts = st.integers(0, 10**9)
lengths = st.integers(2, 400 * 86400)


@st.composite
def periods_and_instants(draw):
    """A period and two instants inside it, in order; ends included."""
    seconds = draw(lengths)
    first, second = sorted(draw(st.tuples(st.integers(0, seconds - 1), st.integers(0, seconds - 1))))
    return Period(START, START + timedelta(seconds=seconds)), *(START + timedelta(seconds=n) for n in (first, second))


@given(amounts, periods_and_instants())
def test_what_is_credited_and_what_is_used_are_what_was_billed(charged, where):
    period, at, _ = where
    given_back = -proration_credit(debit(price(), period.start, period.end, charged), at).amount
    used = (at - period.start) // timedelta(seconds=1)
    assert 0 <= given_back <= charged
    assert charged - given_back in (share(charged, used, period.seconds), share(charged, used, period.seconds) - 1)


@given(amounts, periods_and_instants())
def test_an_end_scheduled_first_and_a_change_before_it_give_back_as_much_as_the_change_alone(charged, where):
    period, earlier, later = where
    standing = debit(price(), period.start, period.end, charged)
    at_once = proration_credit(standing, earlier).amount
    scheduled = proration_credit(standing, later).amount
    if earlier < later and later > period.start:
        rest = proration_credit(debit(price(), period.start, period.end, charged, credited_from=later), earlier).amount
        assert scheduled + rest == at_once


@given(amounts, st.integers(0, 100), periods_and_instants())
def test_a_discounted_credit_shows_gross_less_discount(gross, percent, where):
    period, at, _ = where
    taken = gross * percent // 100
    part = proration_credit(debit(price(), period.start, period.end, gross - taken, gross_amount=gross), at)
    assert part.gross - sum(one.amount for one in part.discount_amounts) == part.amount
    assert part.gross <= part.amount <= 0


@given(amounts, st.lists(st.integers(0, 10**6), max_size=4), periods_and_instants())
def test_the_discounts_of_a_prorated_debit_make_up_the_difference(gross, taken, where):
    period, at, _ = where
    gross += sum(taken)
    discounts = [DiscountAmount(f"di_{n}", amount) for n, amount in enumerate(taken)]
    part = proration_debit(gross, discounts, Period(at, period.end), period)
    assert part.gross - sum(one.amount for one in part.discount_amounts) == part.amount
    assert all(one.amount > 0 for one in part.discount_amounts)


@given(amounts, periods_and_instants())
def test_a_debit_and_its_credit_at_once_net_0_with_their_taxes(charged, where):
    period, at, _ = where
    tax = PlannedTax("txr", "VAT", Decimal(20), False, charged, share(charged, 20, 100))
    part = proration_debit(charged, (), Period(at, period.end), period)
    taxed = debit(price(), at, period.end, part.amount, taxes=(tax,))
    credit = proration_credit(taxed, at)
    assert credit.taxes is not None
    assert (part.amount + credit.amount, tax.amount + credit.taxes[0].amount) == (0, 0)
