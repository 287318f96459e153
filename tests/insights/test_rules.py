"""MRR and its movements as tables; the arithmetic is in the ids."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from insights.rules import arpu, churn_rate, convert, movement_type, mrr
from insights.types import RecurringDiscount, RecurringFacts, RecurringItem


def item(amount, quantity=1, interval="month", count=1, **fields) -> RecurringItem:
    return RecurringItem(Decimal(str(amount)), quantity, interval, count, **fields)


def percent(points, *products) -> RecurringDiscount:
    return RecurringDiscount(percent_off=Decimal(points), product_ids=frozenset(products))


def off(amount, *products) -> RecurringDiscount:
    return RecurringDiscount(amount_off=amount, product_ids=frozenset(products))


@pytest.mark.parametrize(
    ("items", "discounts", "expected"),
    [
        pytest.param([item(10000, 100), item(60000, 50, "year")], [], 1_250_000, id="100x10000 + 50x60000/12"),
        pytest.param([item(3000, 1, "month", 3)], [], 1000, id="3000 a quarter"),
        pytest.param([item(1000, 1, "week")], [], 4345, id="1000 a week: x 365/84 = 4345.24"),
        pytest.param([item(100, 1, "day")], [], 3042, id="100 a day: x 365/12 = 3041.67"),
        pytest.param([item(24000, 1, "year", 2)], [], 1000, id="24000 every two years"),
        pytest.param([item(1000), item(900, interval="")], [], 1000, id="a one-time price does not recur"),
        pytest.param([item(1000), item(900, metered=True)], [], 1000, id="a metered price is no promise"),
        pytest.param([item("0.5", 3)], [], 2, id="1.5 rounds away from zero"),
        pytest.param([item(10000)], [percent(20), off(500)], 7500, id="10000 with 20 % then 500"),
        pytest.param([item(10000)], [off(500), percent(20)], 7600, id="10000 with 500 then 20 %"),
        pytest.param([item(12000, 1, "year")], [off(1200)], 900, id="1200 off a yearly invoice is 100 a month"),
        pytest.param([item(1000)], [off(5000)], 0, id="never below zero"),
        pytest.param([item(1000)], [percent(100)], 0, id="free"),
        pytest.param(
            [item(1000, product_id="a"), item(1000, product_id="b")], [percent(50, "a")], 1500, id="one product only"
        ),
        pytest.param([item(1000, product_id="a")], [off(500, "b")], 1000, id="another product's coupon"),
        pytest.param(
            [item(1000, item_id="si_a"), item(2000, item_id="si_b")],
            [RecurringDiscount(percent_off=Decimal(50), item_id="si_a"), percent(10)],
            2250,
            id="(500 + 2000) less 10 %",
        ),
        pytest.param([], [], 0, id="nothing on it"),
    ],
)
def test_mrr(items, discounts, expected):
    assert mrr(RecurringFacts("active", tuple(items), tuple(discounts))) == expected


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("active", True),
        ("past_due", True),
        ("trialing", False),
        ("unpaid", False),
        ("paused", False),
        ("incomplete", False),
        ("canceled", False),
    ],
)
def test_which_statuses_count(status, counts):
    assert mrr(RecurringFacts(status, (item(1000),))) == (1000 if counts else 0)


@pytest.mark.parametrize(
    ("before", "after", "had", "expected"),
    [
        (0, 100, False, "new"),
        (0, 100, True, "reactivation"),
        (100, 150, True, "expansion"),
        (150, 100, True, "contraction"),
        (100, 0, True, "churn"),
        (100, 100, True, ""),
        (0, 0, False, ""),
    ],
)
def test_movement_type(before, after, had, expected):
    assert movement_type(before, after, had_mrr_before=had) == expected


def test_rates_of_the_figures():
    assert churn_rate(churned=5, at_start=90, new=10) == Decimal("0.05")
    assert churn_rate(churned=0, at_start=0, new=0) is None
    assert arpu(1001, 2) == 501
    assert arpu(1000, 0) is None


@pytest.mark.parametrize(
    ("amount", "rate", "exponents", "expected"),
    [(10000, "1.4", (2, 2), 14000), (1000, "0.0095", (0, 2), 950), (1000, "105", (2, 0), 1050)],
)
def test_conversion_minds_the_minor_units(amount, rate, exponents, expected):
    assert convert(amount, Decimal(rate), *exponents) == expected


@given(st.lists(st.integers(0, 10**6), max_size=20))
def test_start_and_movements_make_the_end(levels):
    level = total = 0
    for after in levels:
        if movement_type(level, after, had_mrr_before=True):
            total += after - level
        level = after
    assert total == level
