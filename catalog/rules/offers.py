"""What a product, coupon, code or tax rate must be, before anything is written. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.descriptors import check_statement_descriptor
from core.errors import OstinatoError, gettext_noop
from core.money import check_amount, parse_currency

_CODE = re.compile(r"[A-Za-z0-9-]{1,100}")


class NameMissing(OstinatoError):
    code = "parameter_missing"
    param = "name"
    message_id = gettext_noop("Give it a name.")


class CouponNeedsOneReduction(OstinatoError):
    code = "parameter_missing"
    param = "percent_off"
    message_id = gettext_noop("Give either a percentage or an amount with its currency.")


class PercentOutOfRange(OstinatoError):
    code = "parameter_invalid"
    param = "percent_off"
    message_id = gettext_noop("A percentage is above 0 and at most 100.")


class AmountOffNotPositive(OstinatoError):
    code = "parameter_invalid_integer"
    param = "amount_off"
    message_id = gettext_noop("The amount off must be above 0.")


class CurrencyOptionsMisplaced(OstinatoError):
    code = "parameter_invalid"
    param = "currency_options"
    message_id = gettext_noop("Amounts in other currencies go with an amount off, each in a currency of its own.")


class MinimumInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "restrictions[minimum_amount]"
    message_id = gettext_noop("A minimum is above 0 and has a currency.")


class MinimumOptionsMisplaced(OstinatoError):
    code = "parameter_invalid"
    param = "restrictions[currency_options]"
    message_id = gettext_noop("Minimums in other currencies go with a minimum, each in a currency of its own.")


class DurationInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "duration"
    message_id = gettext_noop("A repeating coupon says for how many months; the others do not.")


class RedeemByPassed(OstinatoError):
    code = "parameter_invalid"
    param = "redeem_by"
    message_id = gettext_noop("The last day to redeem has already passed.")


class RedemptionLimitInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "max_redemptions"
    message_id = gettext_noop("The number of redemptions must be at least 1.")


class CodeInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "code"
    message_id = gettext_noop("A code has 1 to 100 letters, digits or dashes.")


class TaxPercentageInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "percentage"
    message_id = gettext_noop("A tax percentage is from 0 to 100, with at most 4 decimals.")


def check_product(fields: dict[str, Any]) -> None:
    """`name` is there and `statement_descriptor`, when given, is one that card networks print."""
    if not str(fields.get("name", "")).strip():
        raise NameMissing
    check_statement_descriptor(fields.get("statement_descriptor") or "")


def check_coupon(fields: dict[str, Any], *, as_of: datetime) -> dict[str, Any]:
    """The fields with the currency made canonical; exactly one of percent_off and amount_off."""
    percent, amount = fields.get("percent_off"), fields.get("amount_off")
    if (percent is None) == (amount is None):
        raise CouponNeedsOneReduction
    if amount is not None and not fields.get("currency"):
        raise CouponNeedsOneReduction(param="currency")
    if percent is not None and not 0 < Decimal(percent) <= 100:
        raise PercentOutOfRange
    if amount is not None and check_amount(amount) <= 0:
        raise AmountOffNotPositive
    if (fields["duration"] == "repeating") != bool(fields.get("duration_in_months")):
        raise DurationInvalid(param="duration_in_months")
    check_limits(fields.get("max_redemptions"), fields.get("redeem_by"), as_of=as_of)
    currency = parse_currency(fields["currency"]) if amount is not None else ""
    return fields | {
        "currency": currency,
        "currency_options": coupon_options(fields.get("currency_options") or {}, currency),
    }


def coupon_options(options: Mapping[str, int], currency: str) -> dict[str, int]:
    """What a coupon of a fixed amount takes in other currencies than its own `currency` (blank: it takes a percentage).

    Raises `CurrencyOptionsMisplaced`, `AmountOffNotPositive`, `UnknownCurrency`.
    """
    found: dict[str, int] = {}
    for code, amount in options.items():
        other = parse_currency(code)
        if not currency or other == currency or other in found:
            raise CurrencyOptionsMisplaced(param=f"currency_options[{code}]")
        if check_amount(amount) <= 0:
            raise AmountOffNotPositive(param=f"currency_options[{code}][amount_off]")
        found[other] = amount
    return found


def check_minimums(fields: dict[str, Any]) -> dict[str, Any]:
    """A promotion code's `minimum_amount` with `minimum_amount_currency` and `currency_options` made canonical.

    Raises `MinimumInvalid`, `MinimumOptionsMisplaced`, `UnknownCurrency`.
    """
    amount, currency = fields.get("minimum_amount"), fields.get("minimum_amount_currency") or ""
    if (amount is None) != (not currency) or (amount is not None and check_amount(amount) <= 0):
        raise MinimumInvalid
    currency = parse_currency(currency) if currency else ""
    options = minimum_options(fields.get("currency_options") or {}, currency)
    return fields | {"minimum_amount_currency": currency, "currency_options": options}


def minimum_options(options: Mapping[str, int], currency: str) -> dict[str, int]:
    """A code's minimums in other currencies than its own. Raises as `check_minimums`."""
    found: dict[str, int] = {}
    for code, amount in options.items():
        other = parse_currency(code)
        if not currency or other == currency or other in found:
            raise MinimumOptionsMisplaced(param=f"restrictions[currency_options][{code}]")
        if check_amount(amount) <= 0:
            raise MinimumInvalid(param=f"restrictions[currency_options][{code}][minimum_amount]")
        found[other] = amount
    return found


def check_limits(
    max_redemptions: int | None, until: datetime | None, *, as_of: datetime, name: str = "redeem_by"
) -> None:
    """At least one redemption, and a last day (`name` says whose) that is still to come."""
    if max_redemptions is not None and max_redemptions < 1:
        raise RedemptionLimitInvalid
    if until is not None and until <= as_of:
        raise RedeemByPassed(param=name)


def canonical_code(code: str) -> str:
    """A promotion code as it is compared, whatever its letter case: upper-case."""
    if not _CODE.fullmatch(code.strip()):
        raise CodeInvalid
    return code.strip().upper()


def check_tax_rate(fields: dict[str, Any]) -> None:
    """`display_name` is there; `percentage` is a Decimal from 0 to 100 with at most 4 places."""
    if not str(fields.get("display_name", "")).strip():
        raise NameMissing(param="display_name")
    percentage = Decimal(fields["percentage"])
    exponent = percentage.normalize().as_tuple().exponent
    if not 0 <= percentage <= 100 or not isinstance(exponent, int) or exponent < -4:
        raise TaxPercentageInvalid


def coupon_is_valid(
    *, max_redemptions: int | None, times_redeemed: int, redeem_by: datetime | None, deleted: bool, as_of: datetime
) -> bool:
    """Stripe's `valid`: it may still be given."""
    if deleted or (redeem_by is not None and redeem_by <= as_of):
        return False
    return max_redemptions is None or times_redeemed < max_redemptions
