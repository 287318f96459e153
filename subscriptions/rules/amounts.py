"""What a quantity of a price costs: multiply first, then round once, half away from zero (SEMANTICS, Prices)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from core.errors import OstinatoError, gettext_noop
from core.money import check_amount, round_half_away, share
from subscriptions.types import ItemFacts, PriceFacts, TierFacts


class UnknownBillingScheme(OstinatoError):
    code = "billing_scheme_invalid"
    param = "billing_scheme"
    message_id = gettext_noop("Prices billed by “%(billing_scheme)s” are not understood.")


class QuantityInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "quantity"
    message_id = gettext_noop("A quantity is a whole number from 0 to 2,147,483,647, not %(quantity)s.")


class CurrencyNotOffered(OstinatoError):
    code = "price_currency_not_supported"
    param = "currency"
    message_id = gettext_noop("The price %(price)s is not sold in %(currency)s.")


_MAX_QUANTITY = 2**31 - 1  # what the column holds


@dataclass(frozen=True, slots=True)
class TierUse:
    """What one tier took of a quantity: its units, each at the tier's price, and its flat amount."""

    tier: TierFacts
    units: Fraction

    @property
    def exact(self) -> Fraction:
        return Fraction(self.tier.unit_amount_decimal) * self.units + Fraction(self.tier.flat_amount_decimal)


def line_amount(price: PriceFacts, quantity: int) -> int:
    """Minor units of `quantity` units for one whole period: 3 at 0.5 -> 2 (1.5 rounded once).

    Never less than the price's minimum. Raises `QuantityInvalid`, `UnknownBillingScheme`, `AmountTooLarge`.
    """
    if not 0 <= quantity <= _MAX_QUANTITY:
        raise QuantityInvalid(quantity=quantity)
    if price.billing_scheme == "per_unit" and price.package is None and price.minimum_amount is None:
        # The common price, and the run's hot path.
        numerator, denominator = price.unit_amount_decimal.as_integer_ratio()
        return check_amount(share(numerator, quantity, denominator))
    return usage_amount(price, quantity)


def usage_amount(price: PriceFacts, usage: Decimal | int) -> int:
    """Minor units of what a meter counted in a period, fractions of a unit too. Usage below 0 costs as 0 does.

    Never less than the price's minimum. Raises `UnknownBillingScheme`, `AmountTooLarge`.
    """
    amount = check_amount(round_half_away(exact_amount(price, max(Fraction(usage), Fraction(0)))))
    return amount if price.minimum_amount is None else max(amount, price.minimum_amount)


def exact_amount(price: PriceFacts, quantity: Fraction) -> Fraction:
    """The amount before it is rounded, and before any minimum. Raises `UnknownBillingScheme`."""
    if price.percentage is not None:
        return quantity * Fraction(price.percentage) / Fraction(100)
    if price.billing_scheme == "tiered" and price.tiers:
        return sum((use.exact for use in tiers_used(price, quantity)), Fraction(0))
    if price.billing_scheme != "per_unit":
        raise UnknownBillingScheme(billing_scheme=price.billing_scheme)
    return Fraction(price.unit_amount_decimal) * packages(price, quantity)


def packages(price: PriceFacts, quantity: Fraction) -> Fraction:
    """How many units are billed: the packages that hold `quantity`, or `quantity` itself without packages."""
    if price.package is None:
        return quantity
    whole = quantity // price.package.divide_by
    partial = quantity % price.package.divide_by > 0 and price.package.round == "up"
    return Fraction(whole + partial)


def tiers_used(price: PriceFacts, quantity: Fraction) -> list[TierUse]:
    """The tiers that price `quantity`: under volume the one it falls into, under graduated each up to its end.

    A quantity of 0 is in the first tier, and pays its flat amount.
    """
    if price.tiers_mode == "volume":
        tier = next(tier for tier in price.tiers if tier.up_to is None or quantity <= tier.up_to)
        return [TierUse(tier, quantity)]
    used: list[TierUse] = []
    below = Fraction(0)
    for tier in price.tiers:
        if used and quantity <= below:
            break
        end = quantity if tier.up_to is None else min(quantity, Fraction(tier.up_to))
        used.append(TierUse(tier, end - below))
        below = end
    return used


def in_currency(price: PriceFacts, currency: str) -> PriceFacts:
    """The price as it is sold in `currency`. Raises `CurrencyNotOffered`."""
    if currency in ("", price.currency):
        return price
    for option in price.currency_options:
        if option.currency == currency:
            return replace(
                price,
                currency=currency,
                unit_amount_decimal=option.unit_amount_decimal,
                tiers=option.tiers,
                minimum_amount=option.minimum_amount,
                tax_behavior=option.tax_behavior,
            )
    raise CurrencyNotOffered(price=price.nickname or price.id, currency=currency.upper())


def item_in_currency(item: ItemFacts, currency: str) -> ItemFacts:
    """The item with all its prices as they are sold in `currency`. Raises `CurrencyNotOffered`."""
    if item.price.currency == currency and not item.prices_left:
        return item
    left = tuple(replace(one, price=in_currency(one.price, currency)) for one in item.prices_left)
    return replace(item, price=in_currency(item.price, currency), prices_left=left)


def amount_told(price: PriceFacts, quantity: Decimal | int) -> dict[str, object]:
    """How the amount of `quantity` comes about, for a line's explanation: tiers, packages, percentage, minimum."""
    exact = max(Fraction(quantity), Fraction(0))
    told: dict[str, object] = {}
    if price.percentage is not None:
        told["percentage"] = f"{price.percentage:f}"
    elif price.billing_scheme == "tiered":
        told["tiers_mode"] = price.tiers_mode
        told["tiers"] = [_tier_told(use) for use in tiers_used(price, exact)]
    elif price.package is not None:
        told["package"] = {"divide_by": price.package.divide_by, "round": price.package.round}
        told["packages"] = int(packages(price, exact))
    if price.minimum_amount is not None:
        before = round_half_away(exact_amount(price, exact))
        told["minimum_amount"] = price.minimum_amount
        told["topped_up"] = max(price.minimum_amount - before, 0)
    if price.components:
        told["components"] = [{"product": name, "quantity": count} for name, count in price.components]
    return told


def _tier_told(use: TierUse) -> dict[str, object]:
    units = decimal_of(use.units)
    return {
        "up_to": use.tier.up_to,
        "unit_amount_decimal": f"{use.tier.unit_amount_decimal:f}",
        "flat_amount_decimal": f"{use.tier.flat_amount_decimal:f}",
        "quantity": f"{units:f}",
    }


def decimal_of(units: Fraction) -> Decimal:
    """Units as a decimal: usage has at most 12 places, so nothing is lost."""
    return Decimal(int(units * 10**12)).scaleb(-12).normalize()
