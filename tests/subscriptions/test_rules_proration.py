from datetime import timedelta
from decimal import Decimal

import pytest

from core.periods import Period
from subscriptions.rules.proration import closing, is_creditable, proration_credit, proration_debit
from subscriptions.types import DebitClosing, DiscountAmount, PlannedTax
from tests.factories.facts import debit, price
from tests.factories.times import utc

APRIL_1, APRIL_11, APRIL_21, MAY_1 = utc(2026, 4, 1), utc(2026, 4, 11), utc(2026, 4, 21), utc(2026, 5, 1)
APRIL = Period(APRIL_1, MAY_1)

# A month of 2,678,400 seconds (31 days) with 445,540 left.
MARCH = Period(utc(2026, 3, 1), utc(2026, 4, 1))
SECONDS_LEFT = MARCH.end - timedelta(seconds=445_540)


@pytest.mark.parametrize(
    ("charged", "start", "end", "at", "credit"),
    [
        pytest.param(1000, APRIL_1, MAY_1, APRIL_11, -667, id="1000 x 20/30 days = 666.67 -> -667"),
        pytest.param(1333, APRIL_11, MAY_1, APRIL_21, -667, id="1333 of the 11th x 10/20 of its days = 666.5 -> -667"),
        pytest.param(1000, MARCH.start, MARCH.end, SECONDS_LEFT, -166, id="1000 x 445,540/2,678,400 = 166.35 -> -166"),
        pytest.param(1000, APRIL_1, MAY_1, APRIL_1, -1000, id="credited from its own start: all of it"),
        pytest.param(1000, APRIL_21, MAY_1, APRIL_11, -1000, id="not begun yet: all of it"),
        pytest.param(0, APRIL_1, MAY_1, APRIL_11, 0, id="nothing was charged"),
        pytest.param(12000, utc(2024, 1, 1), utc(2025, 1, 1), utc(2024, 7, 1), -6033, id="12000 x 184/366 -> -6033"),
    ],
)
def test_a_credit_is_what_was_charged_for_the_seconds_left_of_the_debits_own_period(charged, start, end, at, credit):
    assert proration_credit(debit(price(), start, end, charged), at).amount == credit


@pytest.mark.parametrize(
    ("amount", "discounts", "at", "whole", "gross", "net"),
    [
        pytest.param(2000, (), APRIL_11, APRIL, 1333, 1333, id="2000 x 20/30 = 1333.33 -> 1333"),
        pytest.param(1000, (), APRIL_21, APRIL, 333, 333, id="1000 x 10/30 = 333.33 -> 333"),
        pytest.param(3252, (), SECONDS_LEFT, MARCH, 541, 541, id="3252 x 445,540/2,678,400 = 540.95 -> 541"),
        pytest.param(2000, (DiscountAmount("di", 400),), APRIL_11, APRIL, 1333, 1067, id="2000 - 20 % = 1600 x 20/30"),
        pytest.param(2000, (), APRIL_1, APRIL, 2000, 2000, id="the whole period, the whole amount"),
    ],
)
def test_a_debit_is_the_net_amount_for_the_seconds_left(amount, discounts, at, whole, gross, net):
    part = proration_debit(amount, discounts, Period(at, whole.end), whole)
    assert (part.gross, part.amount) == (gross, net)
    assert part.gross - part.amount == sum(taken.amount for taken in part.discount_amounts)


def test_what_a_prorated_debit_was_discounted_is_shared_among_its_discounts():
    both = (DiscountAmount("di_a", 400), DiscountAmount("di_b", 100))
    part = proration_debit(2000, both, Period(APRIL_11, MAY_1), APRIL)
    # gross 1333, net 1500 x 20/30 = 1000; the 333 between them go 4 : 1.
    assert part.discount_amounts == (DiscountAmount("di_a", 266), DiscountAmount("di_b", 67))


def test_a_credit_gives_back_the_net_and_shows_the_gross():
    part = proration_credit(debit(price(2000), APRIL_1, MAY_1, 1600, gross_amount=2000), APRIL_11)
    assert (part.gross, part.amount) == (-1333, -1067)
    assert part.discount_amounts == (DiscountAmount("", -266),)


def test_a_credit_brings_the_taxes_of_its_debit_in_the_same_proportion():
    gst = PlannedTax("txr_gst", "GST", Decimal(5), False, 1000, 50)
    qst = PlannedTax("txr_qst", "QST", Decimal("9.975"), False, 1000, 100)
    part = proration_credit(debit(price(), APRIL_1, MAY_1, taxes=(gst, qst)), APRIL_11)
    # 20 of 30 days: 50 -> 33.33, 100 -> 66.67.
    assert part.taxes is not None
    assert [(tax.taxable_amount, tax.amount) for tax in part.taxes] == [(-667, -33), (-667, -67)]


def test_a_credit_of_a_debit_that_is_still_pending_has_no_taxes_yet():
    assert proration_credit(debit(price(), APRIL_1, MAY_1, invoice_id="", taxes=None), APRIL_11).taxes is None


def test_the_rest_of_a_debit_that_a_scheduled_end_credits_already_is_all_that_is_given_back():
    scheduled = debit(price(3000), APRIL_1, MAY_1, credited_from=APRIL_21)
    part = proration_credit(scheduled, APRIL_11)
    assert (part.amount, part.period) == (-1000, Period(APRIL_11, APRIL_21))


@pytest.mark.parametrize(
    ("fields", "creditable"),
    [
        pytest.param({}, True, id="it runs"),
        pytest.param({"end": APRIL_11}, False, id="it is over"),
        pytest.param({"credited_from": APRIL_11}, False, id="it is credited from then on"),
        pytest.param({"credited_from": APRIL_1}, False, id="it is reversed"),
        pytest.param({"kind": "arrears"}, False, id="usage is not prorated"),
    ],
)
def test_only_time_that_is_still_charged_can_be_credited(fields, creditable):
    standing = debit(price(), APRIL_1, **({"end": MAY_1} | fields))
    assert is_creditable(standing, APRIL_11) is creditable
    if not creditable:
        with pytest.raises(ValueError, match="nothing left to credit"):
            proration_credit(standing, APRIL_11)


@pytest.mark.parametrize(
    ("at", "closed"),
    [
        pytest.param(APRIL_11, DebitClosing("bp_1", APRIL_11, reversed=False), id="closed inside"),
        pytest.param(APRIL_1, DebitClosing("bp_1", APRIL_1, reversed=True), id="reversed at its own start"),
    ],
)
def test_a_credited_debit_is_closed_and_reversed_only_when_nothing_is_left_of_it(at, closed):
    assert closing(debit(price(), APRIL_1, MAY_1), at) == closed
