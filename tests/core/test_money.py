from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

import pytest

from core import money
from core.money import AllocationMode, allocate

LARGEST = AllocationMode.LARGEST_REMAINDER
TO_LAST = AllocationMode.FLOOR_REMAINDER_TO_LAST


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        pytest.param(Decimal("0.5"), 1, id="0.5 -> 1"),
        pytest.param(Decimal("-0.5"), -1, id="-0.5 -> -1"),
        pytest.param(Decimal("2.5"), 3, id="2.5 -> 3, not the even 2"),
        pytest.param(Decimal("-2.5"), -3, id="-2.5 -> -3"),
        pytest.param(Decimal("2.4999999999999999999999999999999999999"), 2, id="just under the half, 38 digits"),
        pytest.param(Decimal("1E+3"), 1000, id="1E+3 -> 1000"),
        pytest.param(Fraction(1, 2), 1, id="1/2 -> 1"),
        pytest.param(Fraction(-7, 3), -2, id="-7/3 -> -2"),
        pytest.param(10**30 + 1, 10**30 + 1, id="an int is itself"),
    ],
)
def test_rounding_goes_to_the_nearest_and_halves_away_from_zero(value, rounded):
    assert money.round_half_away(value) == rounded


def test_rounding_ignores_the_decimal_context_around_it():
    with localcontext() as context:
        context.prec = 3
        assert money.round_half_away(Decimal("123456.5")) == 123457
    assert getcontext().prec == 28


def test_rounding_refuses_a_float():
    with pytest.raises(TypeError):
        money.round_half_away(2.5)


@pytest.mark.parametrize(
    ("amount", "numerator", "denominator", "part"),
    [
        pytest.param(-1000, 445_540, 2_678_400, -166, id="-1000 * 445540 s / 2678400 s = -166.3"),
        pytest.param(3252, 445_540, 2_678_400, 541, id="3252 * 445540 s / 2678400 s = 541.0"),
        pytest.param(2000, 20, 30, 1333, id="2000 for 20 of 30 days = 1333.3"),
        pytest.param(-1333, 10, 20, -667, id="-1333 for 10 of its 20 days = -666.5, away from zero"),
        pytest.param(1000, 0, 30, 0, id="nothing left is nothing"),
        pytest.param(12_000, 182, 366, 5967, id="12000 a year, 1 Jan to 1 July 2024 = 182 / 366 days = 5967.2"),
    ],
)
def test_a_share_is_multiplied_first_and_rounded_once(amount, numerator, denominator, part):
    assert money.share(amount, numerator, denominator) == part


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_share_of_an_empty_period_is_refused(denominator):
    with pytest.raises(ValueError, match="denominator"):
        money.share(1000, 1, denominator)


@pytest.mark.parametrize(
    ("amount", "percentage", "part"),
    [
        pytest.param(10_000, "5", 500, id="GST 5 % of 10000 = 500"),
        pytest.param(10_000, "9.975", 998, id="QST 9.975 % of 10000 = 997.5 -> 998"),
        pytest.param(-10_000, "9.975", -998, id="the credit mirrors it: -998"),
        pytest.param(500, "25", 125, id="25 % exclusive on 500 = 125"),
        pytest.param(0, "20", 0, id="nothing of nothing"),
    ],
)
def test_a_percentage_of_an_amount(amount, percentage, part):
    assert money.percent_of(amount, Decimal(percentage)) == part


@pytest.mark.parametrize(
    ("amount", "percentage", "together", "part"),
    [
        pytest.param(500, "25", None, 100, id="500 * 25 / 125 = 100"),
        pytest.param(105_000, "10", None, 9545, id="105000 * 10 / 110 = 9545.5 down: 9545.45"),
        pytest.param(100_000, "10", None, 9091, id="100000 * 10 / 110 = 9090.9"),
        pytest.param(11_498, "5", "14.975", 500, id="GST inside GST + QST: 11498 * 5 / 114.975 = 500.02"),
        pytest.param(11_498, "9.975", "14.975", 998, id="QST inside GST + QST: 11498 * 9.975 / 114.975 = 997.54"),
    ],
)
def test_the_part_of_an_inclusive_percentage(amount, percentage, together, part):
    assert money.percent_inside(amount, Decimal(percentage), together and Decimal(together)) == part


def test_no_amount_holds_minus_a_hundred_per_cent():
    with pytest.raises(ValueError, match="inside"):
        money.percent_inside(100, Decimal(-100))


@pytest.mark.parametrize(
    ("unit_amount", "quantity", "amount"),
    [
        pytest.param(Decimal("0.05"), 10, 1, id="0.05 * 10 = 0.5 -> 1"),
        pytest.param(Decimal("0.049999999999"), 10, 0, id="0.049999999999 * 10 = 0.49999999999 -> 0"),
        pytest.param(1000, Decimal("1.5"), 1500, id="1000 * 1.5 = 1500"),
        pytest.param(Decimal("123456789.123456789012"), 10**9, 123456789123456789, id="more digits than a context"),
    ],
)
def test_a_unit_amount_times_a_quantity_is_rounded_once(unit_amount, quantity, amount):
    assert money.times(unit_amount, quantity) == amount


@pytest.mark.parametrize(
    ("mode", "total", "weights", "parts"),
    [
        pytest.param(TO_LAST, 500, [1000, 2000], [166, 334], id="last: 500 over 1000, 2000 = 166.7, 333.3"),
        pytest.param(LARGEST, 500, [1000, 2000], [167, 333], id="largest: 500 over 1000, 2000 = 166.7, 333.3"),
        pytest.param(LARGEST, 100, [1, 1, 1], [34, 33, 33], id="largest: a tie goes to the earlier"),
        pytest.param(TO_LAST, 100, [1, 1, 1], [33, 33, 34], id="last: 33 + 33 + 34"),
        pytest.param(TO_LAST, 4, [2, 2, 1], [1, 2, 1], id="last: the 1 holds no more than 1, the rest goes back"),
        pytest.param(TO_LAST, 500, [1000, 2000, 0], [166, 334, 0], id="last: a part without weight is not the last"),
        pytest.param(LARGEST, 1, [0, 5, 0], [0, 1, 0], id="largest: zero weights get zero"),
        pytest.param(TO_LAST, -500, [1000, 2000], [-166, -334], id="last: a negative total mirrors"),
        pytest.param(LARGEST, -100, [1, 1, 1], [-34, -33, -33], id="largest: a negative total mirrors"),
        pytest.param(LARGEST, 0, [0, 0], [0, 0], id="nothing over nothing"),
        pytest.param(TO_LAST, 0, [], [], id="nothing over nobody"),
        pytest.param(TO_LAST, 3000, [1000, 2000], [1000, 2000], id="all of it: every line to zero"),
    ],
)
def test_allocation(mode, total, weights, parts):
    assert allocate(total, weights, mode) == parts


@pytest.mark.parametrize("mode", AllocationMode)
def test_allocation_refuses_a_negative_weight(mode):
    with pytest.raises(money.NegativeWeight):
        allocate(100, [200, -100], mode)


@pytest.mark.parametrize("mode", AllocationMode)
@pytest.mark.parametrize("weights", [[], [0], [0, 0]])
def test_allocation_refuses_a_total_that_nothing_can_carry(mode, weights):
    with pytest.raises(money.NothingToAllocateOver):
        allocate(1, weights, mode)


@pytest.mark.parametrize(("currency", "exponent"), [("cad", 2), ("jpy", 0), ("kwd", 3), ("isk", 0), ("ugx", 0)])
def test_decimals_are_those_of_iso_4217(currency, exponent):
    assert money.currency_exponent(currency) == exponent


@pytest.mark.parametrize("currency", ["", "CAD", "zzz", "xau", "xxx", "cad ", "dollar"])
def test_an_unknown_currency_is_refused_by_name(currency):
    with pytest.raises(money.UnknownCurrency) as refusal:
        money.currency_exponent(currency)
    assert refusal.value.param == "currency"
    assert currency in refusal.value.message


def test_a_typed_currency_is_stored_in_lower_case():
    assert money.parse_currency(" CAD ") == "cad"


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.5", "cad", 1250),
        ("12.500", "cad", 1250),
        ("-0.01", "cad", -1),
        ("500", "jpy", 500),
        ("500.00", "jpy", 500),
        ("1.005", "kwd", 1005),
        (" 7. ", "eur", 700),
        (Decimal("1E+2"), "eur", 10_000),
        ("0.00", "eur", 0),
        ("9999999999999.99", "eur", 10**15 - 1),
    ],
)
def test_an_amount_becomes_minor_units(amount, currency, minor):
    assert money.to_minor(amount, currency) == minor


@pytest.mark.parametrize(("amount", "currency"), [("12.345", "cad"), ("0.5", "jpy"), ("1.0001", "kwd")])
def test_a_fraction_of_a_minor_unit_is_refused_not_rounded(amount, currency):
    with pytest.raises(money.FractionOfMinorUnit) as refusal:
        money.to_minor(amount, currency)
    assert amount in refusal.value.message
    assert currency.upper() in refusal.value.message


@pytest.mark.parametrize(
    "amount", ["", " ", "abc", "1e9", "1_000", "1,50", "NaN", "Infinity", "١٢", "--1", ".", "0" * 65, Decimal("NaN")]
)
def test_what_is_not_an_amount_is_refused(amount):
    with pytest.raises(money.InvalidAmount):
        money.to_minor(amount, "cad")


@pytest.mark.parametrize("amount", ["10000000000000.00", "1" * 60, Decimal("1E+999999"), Decimal("-1E+999999")])
def test_an_amount_beyond_the_limit_is_refused(amount):
    with pytest.raises(money.AmountTooLarge):
        money.to_minor(amount, "cad")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1250, "cad", "12.50"), (-5, "kwd", "-0.005"), (500, "jpy", "500"), (0, "eur", "0.00")],
)
def test_minor_units_become_an_amount_with_all_the_decimals(minor, currency, text):
    assert str(money.to_major(minor, currency)) == text


def test_a_unit_amount_has_up_to_twelve_decimals():
    assert money.parse_unit_amount("0.000000000001") == Decimal("0.000000000001")
    with pytest.raises(money.TooManyDecimals):
        money.parse_unit_amount("0.0000000000001")
    with pytest.raises(money.InvalidAmount):
        money.parse_unit_amount("ten")
    with pytest.raises(money.InvalidAmount):
        money.parse_unit_amount(Decimal("1E-999999"))
    with pytest.raises(money.AmountTooLarge):
        money.parse_unit_amount("1" * 16)
