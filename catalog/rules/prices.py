"""What a price must be, before anything is written: amounts, tiers, packages, meters, other currencies. Pure.

Amounts are minor units of the price's (or the option's) currency, decimals allowed to 12 places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.errors import OstinatoError, gettext_noop
from core.money import TooManyDecimals, UnknownCurrency, check_amount, parse_currency, parse_unit_amount
from core.periods import Interval

TRIAL_DAYS_MAX = 730  # Stripe's bound
INTERVAL_YEARS_MAX = 3  # Stripe's bound
TIERS_MAX = 100
QUANTITY_MAX = 10**15
_INTERVALS_PER_YEAR = {"day": 365, "week": 52, "month": 12, "year": 1}
_CYCLE_DAYS = {"week": 7, "month": 31, "year": 31}
_SCHEMES = ("per_unit", "tiered")


class NegativeUnitAmount(OstinatoError):
    code = "parameter_invalid_integer"
    param = "unit_amount"
    message_id = gettext_noop("A price cannot be negative. For a reduction use a coupon.")


class IntervalTooLong(OstinatoError):
    code = "parameter_invalid_integer"
    param = "recurring[interval_count]"
    message_id = gettext_noop("A price recurs at least every %(years)s years.")


class IntervalNotForOneTime(OstinatoError):
    code = "parameter_invalid"
    param = "recurring"
    message_id = gettext_noop("A one-time price has no interval, no trial and no cycle day.")


class TrialTooLong(OstinatoError):
    code = "parameter_invalid_integer"
    param = "recurring[trial_period_days]"
    message_id = gettext_noop("A trial lasts at most %(days)s days.")


class CycleDayInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "cycle_day"
    message_id = gettext_noop("The cycle day is 1 to %(most)s for this interval.")


class CycleDayNotForInterval(OstinatoError):
    code = "parameter_invalid"
    param = "cycle_day"
    message_id = gettext_noop("A price per day has no cycle day.")


class OptionNotKnown(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("“%(value)s” is not one of %(choices)s.")


class TiersMissing(OstinatoError):
    code = "parameter_missing"
    param = "tiers"
    message_id = gettext_noop("A tiered price has at least one tier and a tiers mode, graduated or volume.")


class TiersNotForPerUnit(OstinatoError):
    code = "parameter_invalid"
    param = "tiers"
    message_id = gettext_noop("A price per unit has no tiers: set the billing scheme to tiered.")


class UnitAmountNotForTiers(OstinatoError):
    code = "parameter_invalid"
    param = "unit_amount"
    message_id = gettext_noop("A tiered price has its amounts in its tiers.")


class UnitAmountMissing(OstinatoError):
    code = "parameter_missing"
    param = "unit_amount"
    message_id = gettext_noop("A price per unit has a unit amount.")


class TierEmpty(OstinatoError):
    code = "parameter_missing"
    message_id = gettext_noop("A tier has a unit amount or a flat amount.")


class TiersOverlap(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Each tier ends above the one before it: %(up_to)s does not come after %(before)s.")


class LastTierNotOpen(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("The last tier, and only the last, goes up to “inf”, so that any quantity has a price.")


class TierEndInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    message_id = gettext_noop("A tier goes up to a whole number above 0, or to “inf”.")


class TooManyTiers(OstinatoError):
    code = "parameter_invalid"
    param = "tiers"
    message_id = gettext_noop("A price has at most %(most)s tiers.")


class TransformNotForTiers(OstinatoError):
    code = "parameter_invalid"
    param = "transform_quantity"
    message_id = gettext_noop("Packages (transform_quantity) go with prices per unit only.")


class TransformInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "transform_quantity"
    message_id = gettext_noop("A package is a whole number of units above 0, and partial ones are rounded up or down.")


class MeterMissing(OstinatoError):
    code = "parameter_missing"
    param = "recurring[meter]"
    message_id = gettext_noop("A metered price says which meter counts its usage.")


class MeterNotForLicensed(OstinatoError):
    code = "parameter_invalid"
    param = "recurring[meter]"
    message_id = gettext_noop("Only a metered, recurring price has a meter.")


class PercentageInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "percentage"
    message_id = gettext_noop(
        "A percentage is above 0 and at most 100, with 4 decimals, of a metered amount; it has no amounts of its own."
    )


class MinimumAmountInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "minimum_amount"
    message_id = gettext_noop("A minimum is 0 or more, for each period of a recurring price.")


class CurrencyOptionRepeats(OstinatoError):
    code = "parameter_invalid"
    param = "currency_options"
    message_id = gettext_noop("%(currency)s is the price's own currency: its amounts stand on the price itself.")


class TaxBehaviorInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "tax_behavior"
    message_id = gettext_noop("The tax behaviour is inclusive, exclusive or unspecified.")


def check_price(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields made canonical: Stripe's `tiers` and `transform_quantity` as the columns hold them.

    `tiers` are dicts of `up_to` (int, or "inf" or None) and `unit_amount_decimal` and/or `flat_amount_decimal`;
    `currency_options` {currency: {unit_amount_decimal | tiers, tax_behavior, minimum_amount}}.
    Raises the errors above, `UnknownCurrency`, `AmountTooLarge`, `InvalidAmount`, `TooManyDecimals`.
    """
    fields = {"billing_scheme": "per_unit", "usage_type": "licensed"} | fields
    _one_of("billing_scheme", fields["billing_scheme"], _SCHEMES)
    _one_of("recurring[usage_type]", fields["usage_type"], ("licensed", "metered"))
    if fields["type"] == "one_time":
        if any(fields.get(name) for name in ("interval", "interval_count", "trial_period_days", "cycle_day")):
            raise IntervalNotForOneTime
    else:
        _check_recurring(fields)
    _check_meter(fields)
    _check_percentage(fields)
    fields |= _amounts(fields, fields) | _transform(fields)
    currency = parse_currency(fields["currency"])
    return fields | {"currency": currency, "currency_options": _options(fields, currency)}


def _amounts(given: Mapping[str, Any], price: Mapping[str, Any], param: str = "") -> dict[str, Any]:
    """Unit amount, tiers and minimum of the price itself, or of one of its currency options (`param` its prefix)."""
    minimum = given.get("minimum_amount")
    if minimum is not None and (minimum < 0 or price["type"] == "one_time"):
        raise MinimumAmountInvalid(param=f"{param}[minimum_amount]" if param else "")
    amounts: dict[str, Any] = {"minimum_amount": None if minimum is None else check_amount(minimum)}
    tiers, unit = given.get("tiers") or (), given.get("unit_amount_decimal")
    if price["billing_scheme"] == "tiered":
        if unit:
            raise UnitAmountNotForTiers
        modes = price.get("tiers_mode") in ("graduated", "volume")
        if not tiers or not modes:
            raise TiersMissing(param=f"{param}[tiers]" if param else "")
        return amounts | {"unit_amount_decimal": Decimal(0), "tiers": canonical_tiers(tiers, param)}
    if tiers or price.get("tiers_mode"):
        raise TiersNotForPerUnit
    if unit is None and price.get("percentage") is None:
        raise UnitAmountMissing
    return amounts | {"unit_amount_decimal": _unit_amount(unit or 0, param, "unit_amount"), "tiers": []}


def canonical_tiers(tiers: Sequence[Mapping[str, Any]], param: str = "") -> list[dict[str, Any]]:
    """Tiers as the column holds them: `up_to` an int, None for the last; amounts as plain decimal text.

    Raises `TiersOverlap`, `LastTierNotOpen`, `TierEndInvalid`, `TierEmpty`, `TooManyTiers`.
    """
    if len(tiers) > TIERS_MAX:
        raise TooManyTiers(most=TIERS_MAX)
    found: list[dict[str, Any]] = []
    before = 0
    for number, tier in enumerate(tiers):
        at = f"{param}[tiers][{number}]" if param else f"tiers[{number}]"
        up_to = _tier_end(tier.get("up_to"), at)
        if (up_to is None) != (number == len(tiers) - 1):
            raise LastTierNotOpen(param=f"{at}[up_to]")
        if up_to is not None and up_to <= before:
            raise TiersOverlap(param=f"{at}[up_to]", up_to=up_to, before=before)
        before = up_to or before
        unit, flat = tier.get("unit_amount_decimal"), tier.get("flat_amount_decimal")
        if unit is None and flat is None:
            raise TierEmpty(param=at)
        found.append(
            {
                "up_to": up_to,
                "unit_amount_decimal": None if unit is None else f"{_unit_amount(unit, at, 'unit_amount'):f}",
                "flat_amount_decimal": None if flat is None else f"{_unit_amount(flat, at, 'flat_amount'):f}",
            }
        )
    return found


def _tier_end(value: object, param: str) -> int | None:
    if value in ("inf", None):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= QUANTITY_MAX:
        raise TierEndInvalid(param=f"{param}[up_to]")
    return value


def _unit_amount(value: Decimal | str | int, parent: str, name: str) -> Decimal:
    """The amount, or the error that names where it stood: `name` inside `parent` (blank at the top)."""
    try:
        amount = parse_unit_amount(Decimal(value) if isinstance(value, int) else value)
        check_amount(int(amount))
    except OstinatoError as error:
        exact = f"{name}_decimal" if isinstance(error, TooManyDecimals) else name
        error.param = f"{parent}[{exact}]" if parent else exact
        raise
    if amount < 0:
        raise NegativeUnitAmount(param=f"{parent}[{name}]" if parent else name)
    return amount


def _transform(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The two columns of `transform_quantity`; the argument itself goes."""
    given = fields.get("transform_quantity")
    if not given:
        return {"transform_quantity": None}
    if fields["billing_scheme"] == "tiered" or fields.get("percentage") is not None:
        raise TransformNotForTiers
    divide_by, rounding = given.get("divide_by"), given.get("round")
    if not isinstance(divide_by, int) or not 0 < divide_by <= QUANTITY_MAX or rounding not in ("up", "down"):
        raise TransformInvalid
    return {"transform_quantity": {"divide_by": divide_by, "round": rounding}}


def added_options(price: Mapping[str, Any], own: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """`currency_options` that a price is given later; raises what `check_price` does of them."""
    return _options({**price, "currency_options": options}, own)


def _options(fields: Mapping[str, Any], own: str) -> dict[str, Any]:
    """`currency_options` with canonical codes and amounts; amounts as plain text, as JSON keeps them exact."""
    options = {}
    for code, given in (fields.get("currency_options") or {}).items():
        try:
            currency = parse_currency(code)
        except UnknownCurrency as error:
            error.param = f"currency_options[{code}]"
            raise
        if currency == own:
            raise CurrencyOptionRepeats(currency=currency.upper())
        behavior = given.get("tax_behavior") or "unspecified"
        if behavior not in ("inclusive", "exclusive", "unspecified"):
            raise TaxBehaviorInvalid(param=f"currency_options[{code}][tax_behavior]")
        amounts = _amounts(given, fields, f"currency_options[{code}]")
        options[currency] = amounts | {
            "unit_amount_decimal": f"{amounts['unit_amount_decimal']:f}",
            "tax_behavior": behavior,
        }
    return options


def _check_meter(fields: Mapping[str, Any]) -> None:
    metered = fields["usage_type"] == "metered"
    if metered and not fields.get("meter_id"):
        raise MeterMissing
    if fields.get("meter_id") and (not metered or fields["type"] == "one_time"):
        raise MeterNotForLicensed


def _check_percentage(fields: Mapping[str, Any]) -> None:
    percentage = fields.get("percentage")
    if percentage is None:
        return
    value = Decimal(percentage)
    exponent = value.normalize().as_tuple().exponent
    fits = value.is_finite() and 0 < value <= 100 and isinstance(exponent, int) and exponent >= -4
    plain = fields["billing_scheme"] == "per_unit" and not fields.get("unit_amount_decimal")
    if not fits or not plain or fields["usage_type"] != "metered":
        raise PercentageInvalid


def _one_of(param: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise OptionNotKnown(param=param, value=value, choices=", ".join(choices))


def _check_recurring(fields: dict[str, Any]) -> None:
    interval = Interval(fields["interval"], fields["interval_count"])
    if interval.count > INTERVAL_YEARS_MAX * _INTERVALS_PER_YEAR[interval.unit]:
        raise IntervalTooLong(years=INTERVAL_YEARS_MAX)
    trial = fields.get("trial_period_days")
    if trial is not None and not 0 <= trial <= TRIAL_DAYS_MAX:
        raise TrialTooLong(days=TRIAL_DAYS_MAX)
    cycle_day = fields.get("cycle_day")
    if cycle_day is None:
        return
    most = _CYCLE_DAYS.get(interval.unit)
    if most is None:
        raise CycleDayNotForInterval
    if not 1 <= cycle_day <= most:
        raise CycleDayInvalid(most=most)
