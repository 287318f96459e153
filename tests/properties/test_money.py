from decimal import Decimal, localcontext
from fractions import Fraction

from hypothesis import given, strategies as st

from core import money
from core.money import AllocationMode, allocate

amounts = st.integers(-(10**15), 10**15)
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=12).filter(any)
small_weights = st.lists(st.integers(0, 5), min_size=1, max_size=8).filter(any)
modes = st.sampled_from(AllocationMode)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15)
values = st.one_of(decimals, st.fractions(), st.integers())
currencies = st.sampled_from(["cad", "jpy", "kwd", "clf", "eur"])


@given(values)
def test_rounding_is_odd_symmetric(value):
    assert money.round_half_away(-Fraction(value)) == -money.round_half_away(value)


@given(values)
def test_rounding_moves_by_at_most_a_half_and_by_a_half_only_away_from_zero(value):
    rounded = money.round_half_away(value)
    moved = abs(Fraction(rounded) - Fraction(value))
    assert moved <= Fraction(1, 2)
    if moved == Fraction(1, 2):
        assert abs(rounded) > abs(Fraction(value))


@given(st.integers())
def test_rounding_leaves_whole_numbers_alone(value):
    assert money.round_half_away(value) == money.round_half_away(Fraction(value)) == value


@given(values, values)
def test_rounding_keeps_order(one, other):
    lower, upper = sorted((Fraction(one), Fraction(other)))
    assert money.round_half_away(lower) <= money.round_half_away(upper)


@given(decimals, st.integers(1, 60))
def test_rounding_is_the_same_in_every_decimal_context(value, precision):
    expected = money.round_half_away(value)
    with localcontext(prec=precision):
        assert money.round_half_away(value) == expected


@given(amounts, st.one_of(weights, small_weights), modes)
def test_allocated_parts_sum_to_the_total(total, over, mode):
    parts = allocate(total, over, mode)
    assert sum(parts) == total
    assert len(parts) == len(over)
    assert all(part == 0 for part, weight in zip(parts, over, strict=True) if weight == 0)
    assert all(part * total >= 0 for part in parts)


@given(amounts, st.one_of(weights, small_weights))
def test_largest_remainder_stays_within_a_unit_of_the_exact_share(total, over):
    for part, weight in zip(allocate(total, over, AllocationMode.LARGEST_REMAINDER), over, strict=True):
        assert abs(part - Fraction(total * weight, sum(over))) < 1


@given(amounts, st.one_of(weights, small_weights), modes)
def test_a_negative_total_is_the_mirror_image(total, over, mode):
    assert allocate(-total, over, mode) == [-part for part in allocate(total, over, mode)]


@given(st.data(), st.one_of(weights, small_weights), modes)
def test_a_discount_that_fits_the_lines_takes_no_line_below_zero(data, lines, mode):
    discount = data.draw(st.integers(0, sum(lines)))
    assert all(part <= line for part, line in zip(allocate(discount, lines, mode), lines, strict=True))


@given(st.integers(0, 10**15), st.one_of(weights, small_weights))
def test_remainder_to_last_floors_every_part_but_those_at_the_end(total, over):
    parts = allocate(total, over, AllocationMode.FLOOR_REMAINDER_TO_LAST)
    floors = [total * weight // sum(over) for weight in over]
    assert all(part >= floor for part, floor in zip(parts, floors, strict=True))
    # The remainder goes backwards from the end: what lies after the first raised part is full.
    raised = [i for i, (part, floor) in enumerate(zip(parts, floors, strict=True)) if part > floor]
    if raised:
        assert all(parts[i] == over[i] for i in range(raised[0] + 1, len(over)))


@given(amounts, st.integers(0, 10**8), st.integers(1, 10**8))
def test_what_is_left_and_what_is_used_miss_the_whole_by_at_most_a_unit(amount, left, used):
    whole = left + used
    assert abs(money.share(amount, left, whole) + money.share(amount, used, whole) - amount) <= 1


@given(amounts, st.decimals(0, 100, places=4))
def test_a_percentage_is_odd_symmetric_and_within_the_amount(amount, percentage):
    part = money.percent_of(amount, percentage)
    assert money.percent_of(-amount, percentage) == -part
    assert abs(part) <= abs(amount)


@given(st.integers(0, 10**12), st.decimals(0, 100, places=4))
def test_tax_taken_out_of_an_inclusive_amount_is_the_tax_on_the_net_within_a_unit(gross, percentage):
    tax = money.percent_inside(gross, percentage)
    assert abs(money.percent_of(gross - tax, percentage) - tax) <= 1


@given(st.integers(-money.MAX_AMOUNT, money.MAX_AMOUNT), currencies)
def test_minor_units_survive_the_way_to_major_and_back(minor, currency):
    major = money.to_major(minor, currency)
    assert money.to_minor(major, currency) == minor
    assert money.to_minor(str(major), currency) == minor


@given(decimals)
def test_a_unit_amount_of_twelve_decimals_is_kept_exactly(value):
    if abs(value) < money.MAX_AMOUNT:
        assert money.parse_unit_amount(value) == value
        assert money.parse_unit_amount(f"{value:f}") == value


@given(st.text(max_size=20))
def test_any_text_is_an_amount_or_refused_by_name(text):
    try:
        assert isinstance(money.to_minor(text, "cad"), int)
    except (money.InvalidAmount, money.FractionOfMinorUnit, money.AmountTooLarge):
        pass


@given(st.decimals())
def test_any_decimal_is_an_amount_or_refused_by_name(value):
    try:
        minor = money.to_minor(value, "cad")
        assert Decimal(minor).scaleb(-2) == value
    except (money.InvalidAmount, money.FractionOfMinorUnit, money.AmountTooLarge):
        pass
