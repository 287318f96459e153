"""Money as whole numbers of a currency's minor unit: one rounding, one allocation, no float.

Amounts are `int` in minor units (cents, yen, fils) and may be negative (credits). Percentages are `Decimal`
in per cent: 9.975 means 9.975 %. Multiply first, then round once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import iso4217

from core.errors import OstinatoError, gettext_noop

# The most that an amount may be, either sign: far above any invoice and exact in every JSON reader (2**53).
MAX_AMOUNT = 10**15 - 1

# Decimal places of `unit_amount_decimal`, as in Stripe.
UNIT_AMOUNT_PLACES = 12

# ISO 4217's minor units, not Babel's display digits (they differ for a dozen currencies). Entries without a
# minor unit (gold, special drawing rights, the test code) cannot be billed in.
_EXPONENTS: dict[str, int] = {
    code.lower(): int(digits)
    for code, entry in iso4217.raw_table.items()
    if code and (digits := str(entry["CcyMnrUnts"])).isdigit()
}

_PLAIN_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


class UnknownCurrency(OstinatoError):
    code = "currency_invalid"
    param = "currency"
    message_id = gettext_noop("“%(currency)s” is not a currency that can be billed in.")


class InvalidAmount(OstinatoError):
    code = "amount_invalid"
    param = "amount"
    message_id = gettext_noop("“%(amount)s” is not an amount.")


class FractionOfMinorUnit(OstinatoError):
    code = "parameter_invalid_integer"
    param = "amount"
    message_id = gettext_noop("%(amount)s has more decimals than %(currency)s has (%(exponent)s).")


class TooManyDecimals(OstinatoError):
    code = "amount_invalid"
    param = "unit_amount_decimal"
    message_id = gettext_noop("%(amount)s has more than %(places)s decimals.")


class AmountTooLarge(OstinatoError):
    code = "amount_too_large"
    param = "amount"
    message_id = gettext_noop("%(amount)s is too large an amount.")


class NegativeWeight(ValueError):
    """A part of an allocation was weighed below zero: the caller has to leave it out first."""


class NothingToAllocateOver(ValueError):
    """There is something to allocate but no weight above zero to carry it."""


class AllocationMode(StrEnum):
    """What happens to the minor units that floors leave over."""

    LARGEST_REMAINDER = "largest_remainder"
    FLOOR_REMAINDER_TO_LAST = "floor_remainder_to_last"


def round_half_away(value: Decimal | Fraction | int) -> int:
    """The nearest whole number, halves away from zero (2.5 -> 3, -2.5 -> -3): the only rounding of money.

    Exact at any precision: it works on the value's integer ratio, so no decimal context takes part.
    """
    if isinstance(value, float):
        raise TypeError("money is never a float")
    numerator, denominator = value.as_integer_ratio()
    return _divide_half_away(numerator, denominator)


def _divide_half_away(numerator: int, denominator: int) -> int:
    """numerator / denominator, rounded half away from zero; the denominator is above zero."""
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def share(amount: int, numerator: int, denominator: int) -> int:
    """amount * numerator / denominator, rounded once: the primitive of proration (seconds left / seconds).

    Raises `ValueError` when the denominator is not above zero.
    """
    if denominator <= 0:
        raise ValueError(f"a share is of something: denominator {denominator}")
    return _divide_half_away(amount * numerator, denominator)


def percent_of(amount: int, percentage: Decimal) -> int:
    """`percentage` per cent of `amount`, rounded once: 9.975 % of 10000 is 998."""
    numerator, denominator = percentage.as_integer_ratio()
    return _divide_half_away(amount * numerator, 100 * denominator)


def percent_inside(amount: int, percentage: Decimal, together: Decimal | None = None) -> int:
    """The part of `amount` that an inclusive `percentage` makes up: 25 % inside 500 is 100.

    With several inclusive rates on one amount, `together` is their sum: each part is
    amount * percentage / (100 + together). Raises `ValueError` when 100 + together is not above zero.
    """
    whole = Fraction(100) + Fraction(percentage if together is None else together)
    if whole <= 0:
        raise ValueError(f"no amount has {together or percentage} % inside it")
    return round_half_away(Fraction(amount * Fraction(percentage), whole))


def times(unit_amount: Decimal | int, quantity: Decimal | int) -> int:
    """unit_amount * quantity, rounded once. The unit amount may be a fraction of a minor unit."""
    return round_half_away(Fraction(unit_amount) * Fraction(quantity))


def allocate(total: int, weights: Sequence[int], mode: AllocationMode) -> list[int]:
    """Split `total` over parts in proportion to `weights`; the parts always sum to `total`.

    LARGEST_REMAINDER: every part is floored and the units left over go to the parts that lost most (the
    earlier one on a tie), so no part is a whole unit from its exact share.
    FLOOR_REMAINDER_TO_LAST: every part is floored and the last takes what is left over (500 over 1000 and
    2000 -> 166, 334), as Stripe spreads a fixed discount. "Last" is the last part with a weight. A total that
    fits into the weights never gives a part more than its weight (4 over 2, 2, 1 -> 1, 2, 1): a discount
    cannot turn a line negative, so what the last cannot hold goes to the one before it.

    A part of weight 0 gets 0. A negative total is the mirror image of its opposite.
    Raises `NegativeWeight`, or `NothingToAllocateOver` when a total other than 0 meets no weight above 0.
    """
    if any(weight < 0 for weight in weights):
        raise NegativeWeight(f"weights {list(weights)}")
    whole = sum(weights)
    if whole == 0:
        if total != 0:
            raise NothingToAllocateOver(f"{total} over {list(weights)}")
        return [0] * len(weights)
    parts = [abs(total) * weight // whole for weight in weights]
    left_over = abs(total) - sum(parts)
    if mode is AllocationMode.LARGEST_REMAINDER:
        _give_to_largest_remainders(parts, abs(total), weights, whole, left_over)
    else:
        _give_to_last(parts, weights, left_over, capped=abs(total) <= whole)
    return parts if total >= 0 else [-part for part in parts]


def _give_to_largest_remainders(
    parts: list[int], total: int, weights: Sequence[int], whole: int, left_over: int
) -> None:
    """Add one unit to each of the `left_over` parts whose floor cut most; changes `parts`."""
    by_loss = sorted(range(len(parts)), key=lambda i: -(total * weights[i] % whole))
    for index in by_loss[:left_over]:
        parts[index] += 1


def _give_to_last(parts: list[int], weights: Sequence[int], left_over: int, *, capped: bool) -> None:
    """Add `left_over` to the last weighted part, going back when `capped` parts are full; changes `parts`."""
    for index in range(len(parts) - 1, -1, -1):
        if weights[index] == 0:
            continue
        given = min(left_over, weights[index] - parts[index]) if capped else left_over
        parts[index] += given
        left_over -= given
        if left_over == 0:
            return


def parse_currency(text: str) -> str:
    """The currency code as it is stored: three lower-case letters, as in Stripe. Raises `UnknownCurrency`."""
    currency = text.strip().lower()
    currency_exponent(currency)
    return currency


def currency_exponent(currency: str) -> int:
    """How many decimals the lower-case ISO 4217 code has: cad 2, jpy 0, kwd 3. Raises `UnknownCurrency`."""
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency=currency) from None


def to_minor(amount: Decimal | str, currency: str) -> int:
    """Minor units of an amount in major units: "12.5" cad -> 1250; trailing zeros are no fraction.

    A string is plain ASCII digits with a point. Raises `UnknownCurrency`, `InvalidAmount`, `AmountTooLarge`,
    or `FractionOfMinorUnit` ("12.345" cad): nothing is rounded here.
    """
    exponent = currency_exponent(currency)
    value = _finite_decimal(amount)
    minor = Fraction(value) * 10**exponent
    if minor.denominator != 1:
        raise FractionOfMinorUnit(amount=amount, currency=currency.upper(), exponent=exponent)
    return check_amount(minor.numerator)


def to_major(minor: int, currency: str) -> Decimal:
    """The amount in major units with all of the currency's decimals: 1250 cad -> Decimal("12.50"), exact."""
    exponent = currency_exponent(currency)
    digits = tuple(int(digit) for digit in str(abs(minor)))
    return Decimal((int(minor < 0), digits, -exponent))


def check_amount(minor: int) -> int:
    """The amount itself, or `AmountTooLarge` beyond `MAX_AMOUNT`, either sign."""
    if abs(minor) > MAX_AMOUNT:
        raise AmountTooLarge(amount=minor)
    return minor


def parse_unit_amount(amount: Decimal | str) -> Decimal:
    """A unit price in minor units with at most 12 decimals ("0.05" is a twentieth of a cent).

    Raises `InvalidAmount`, `AmountTooLarge` or `TooManyDecimals`.
    """
    value = _finite_decimal(amount)
    if (Fraction(value) * 10**UNIT_AMOUNT_PLACES).denominator != 1:
        raise TooManyDecimals(amount=amount, places=UNIT_AMOUNT_PLACES)
    return value


def _finite_decimal(amount: Decimal | str) -> Decimal:
    """A number of a sane size, or a refusal. Decimal() alone would take "1e9", "1_000", "NaN" and "١٢"."""
    if isinstance(amount, str):
        text = amount.strip()
        if len(text) > 64 or not _PLAIN_DECIMAL.fullmatch(text):
            raise InvalidAmount(amount=text[:64])
        value = Decimal(text)
    else:
        value = amount
    if not value.is_finite():
        raise InvalidAmount(amount=amount)
    if value == 0:
        return Decimal(0)
    # Both ends of the exponent are bounded before anything turns it into digits: 1E+999999999 is short.
    if value.adjusted() >= len(str(MAX_AMOUNT)):
        raise AmountTooLarge(amount=amount)
    if value.adjusted() < -100:
        raise InvalidAmount(amount=amount)
    return value
