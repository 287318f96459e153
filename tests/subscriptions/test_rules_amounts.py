import pytest

from core.money import AmountTooLarge
from subscriptions.rules.amounts import QuantityInvalid, UnknownBillingScheme, line_amount
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
