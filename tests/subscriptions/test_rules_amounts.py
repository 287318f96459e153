from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from core.money import AmountTooLarge
from subscriptions.rules.amounts import (
    CurrencyNotOffered,
    QuantityInvalid,
    UnknownBillingScheme,
    amount_told,
    in_currency,
    line_amount,
    tiers_used,
    usage_amount,
)
from subscriptions.types import CurrencyOptionFacts, PackageFacts, TierFacts
from tests.factories.facts import price


@pytest.mark.parametrize(
    ("unit_amount", "quantity", "amount"),
    [
        pytest.param("2000", 2, 4000, id="2 x 2000 = 4000"),
        pytest.param("0.5", 3, 2, id="3 x 0.5 = 1.5 -> 2, rounded once"),
        pytest.param("0.05", 9, 0, id="9 x 0.05 = 0.45 -> 0"),
        pytest.param("0.05", 10, 1, id="10 x 0.05 = 0.5 -> 1, away from zero"),
        pytest.param("333.333333333333", 3, 1000, id="3 x 333.333333333333 -> 1000"),
        pytest.param("1000", 0, 0, id="nothing of it costs nothing"),
        pytest.param("0", 7, 0, id="a free price"),
    ],
)
def test_a_line_multiplies_first_and_rounds_once(unit_amount, quantity, amount):
    assert line_amount(price(unit_amount), quantity) == amount


@pytest.mark.parametrize("quantity", [-1, 2**31])
def test_a_quantity_below_zero_or_beyond_the_column_is_refused(quantity):
    with pytest.raises(QuantityInvalid):
        line_amount(price(), quantity)


def test_an_amount_beyond_bounds_is_refused():
    with pytest.raises(AmountTooLarge):
        line_amount(price(10**14), 11)


def test_a_scheme_that_is_not_understood_is_never_billed_as_something_else():
    with pytest.raises(UnknownBillingScheme):
        line_amount(price(billing_scheme="tiered"), 1)


SEVEN_SIX_FIFTY_SIX = (TierFacts(5, Decimal(700)), TierFacts(10, Decimal(650)), TierFacts(None, Decimal(600)))
WITH_FLAT = (TierFacts(5, Decimal(100), Decimal(1000)), TierFacts(None, Decimal(50), Decimal(2000)))


def tiered(mode: str, tiers=SEVEN_SIX_FIFTY_SIX, **fields):
    return price(0, billing_scheme="tiered", tiers_mode=mode, tiers=tiers, **fields)


@pytest.mark.parametrize(
    ("mode", "quantity", "amount"),
    [
        pytest.param("volume", 1, 700, id="volume 1 x 700"),
        pytest.param("volume", 5, 3500, id="volume 5 x 700"),
        pytest.param("volume", 6, 3900, id="volume 6 x 650"),
        pytest.param("volume", 10, 6500, id="volume 10 x 650"),
        pytest.param("volume", 11, 6600, id="volume 11 x 600"),
        pytest.param("graduated", 1, 700, id="graduated 1 x 700"),
        pytest.param("graduated", 5, 3500, id="graduated 5 x 700"),
        pytest.param("graduated", 6, 4150, id="graduated 5 x 700 + 650"),
        pytest.param("graduated", 11, 7350, id="graduated 5 x 700 + 5 x 650 + 600"),
        pytest.param("graduated", 0, 0, id="graduated nothing"),
    ],
)
def test_tiers(mode, quantity, amount):
    assert line_amount(tiered(mode), quantity) == amount


@pytest.mark.parametrize(
    ("mode", "quantity", "amount"),
    [
        pytest.param("volume", 0, 1000, id="volume 0 pays the first flat fee"),
        pytest.param("graduated", 0, 1000, id="graduated 0 pays the first flat fee"),
        pytest.param("volume", 6, 2300, id="volume 2000 + 6 x 50"),
        pytest.param("graduated", 5, 1500, id="graduated 1000 + 5 x 100"),
        pytest.param("graduated", 6, 3550, id="graduated 1000 + 5 x 100 + 2000 + 50"),
    ],
)
def test_flat_fees_of_tiers(mode, quantity, amount):
    assert line_amount(tiered(mode, WITH_FLAT), quantity) == amount


def test_graduated_tiers_are_summed_before_they_are_rounded():
    halves = (TierFacts(1, Decimal("0.5")), TierFacts(None, Decimal("0.5")))
    assert line_amount(tiered("graduated", halves), 2) == 1  # 0.5 + 0.5, not 1 + 1


@pytest.mark.parametrize(
    ("rounding", "quantity", "amount"),
    [
        *(pytest.param("up", n, 1000, id=f"{n} of 5, rounded up -> 1 package") for n in range(1, 6)),
        pytest.param("up", 6, 2000, id="6 of 5, rounded up -> 2 packages"),
        pytest.param("up", 0, 0, id="nothing needs no package"),
        pytest.param("down", 4, 0, id="4 of 5, rounded down -> none"),
        pytest.param("down", 9, 1000, id="9 of 5, rounded down -> 1"),
    ],
)
def test_packages(rounding, quantity, amount):
    assert line_amount(price(1000, package=PackageFacts(5, rounding)), quantity) == amount


@pytest.mark.parametrize(
    ("usage", "amount"),
    [
        pytest.param("100000", 2900, id="2.9 % of 100000"),
        pytest.param("50", 1, id="2.9 % of 50 = 1.45 -> 1"),
        pytest.param("-50", 0, id="less than nothing costs nothing"),
    ],
)
def test_a_percentage_of_a_metered_amount(usage, amount):
    of = price(0, usage_type="metered", percentage=Decimal("2.9"))
    assert usage_amount(of, Decimal(usage)) == amount


def test_usage_may_be_a_fraction_and_lies_in_the_tier_it_has_reached():
    assert usage_amount(tiered("graduated"), Decimal("5.5")) == 3825  # 5 x 700 + 0.5 x 650
    assert usage_amount(tiered("volume"), Decimal("5.5")) == 3575  # 5.5 x 650


def test_a_minimum_tops_the_line_up():
    committed = price(10, usage_type="metered", minimum_amount=1000)
    assert usage_amount(committed, 30) == 1000
    assert usage_amount(committed, 130) == 1300
    assert amount_told(committed, 30)["topped_up"] == 700


def test_a_price_in_another_currency_has_that_currencys_amounts():
    euro = CurrencyOptionFacts("eur", Decimal(900), tax_behavior="inclusive")
    sold = in_currency(price(1000, currency_options=(euro,)), "eur")
    assert (sold.currency, line_amount(sold, 2), sold.tax_behavior) == ("eur", 1800, "inclusive")
    with pytest.raises(CurrencyNotOffered):
        in_currency(price(1000), "eur")


def test_the_tiers_used_are_told():
    told = amount_told(tiered("graduated"), 6)
    assert [(tier["quantity"], tier["unit_amount_decimal"]) for tier in told["tiers"]] == [("5", "700"), ("1", "650")]


amounts_of_tiers = st.decimals(0, 1000, places=3)
ladders = st.lists(st.tuples(st.integers(1, 50), amounts_of_tiers, amounts_of_tiers), max_size=4)


@given(ladders, amounts_of_tiers, st.integers(0, 300))
def test_graduated_tiers_take_every_unit_once(steps, last, quantity):
    tiers, end = [], 0
    for width, unit, flat in steps:
        end += width
        tiers.append(TierFacts(end, unit, flat))
    used = tiers_used(tiered("graduated", (*tiers, TierFacts(None, last))), Fraction(quantity))
    assert sum(use.units for use in used) == quantity
    assert all(use.units > 0 for use in used[1:])


@given(amounts_of_tiers, st.integers(0, 300), st.integers(1, 299))
def test_tiers_of_one_price_cost_what_the_price_costs(unit, quantity, end):
    same = (TierFacts(end, unit), TierFacts(None, unit))
    assert line_amount(tiered("graduated", same), quantity) == line_amount(price(str(unit)), quantity)
    assert line_amount(tiered("volume", same), quantity) == line_amount(price(str(unit)), quantity)
