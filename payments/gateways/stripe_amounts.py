"""Stripe's own idea of minor units, where it differs from ISO 4217's. Pure.

https://docs.stripe.com/currencies#special-cases: ISK and UGX are written with two decimals that must be 00, MGA
without any, and the last digit of three-decimal currencies must be 0.
"""

from __future__ import annotations

from core.money import currency_exponent
from payments.gateways.base import CurrencyNotSupported

# Stripe's exponent where ISO's is another.
_STRIPE_EXPONENTS = {"isk": 2, "ugx": 2, "mga": 0}


def to_stripe(amount: int, currency: str) -> int:
    """Our minor units as Stripe writes them: 1000 isk -> 100000. Raises `CurrencyNotSupported` where it cannot be."""
    ours = currency_exponent(currency)
    theirs = _STRIPE_EXPONENTS.get(currency, ours)
    if theirs >= ours:
        written = amount * 10 ** (theirs - ours)
    else:
        written, rest = divmod(amount, 10 ** (ours - theirs))
        if rest:
            raise CurrencyNotSupported(currency=currency.upper())
    if ours == 3 and written % 10:
        raise CurrencyNotSupported(currency=currency.upper())
    return written


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's amount in our minor units. What it takes in part of a unit that does not exist is not hidden."""
    ours = currency_exponent(currency)
    theirs = _STRIPE_EXPONENTS.get(currency, ours)
    if theirs <= ours:
        return amount * 10 ** (ours - theirs)
    whole, rest = divmod(amount, 10 ** (theirs - ours))
    if rest:
        raise CurrencyNotSupported(currency=currency.upper())
    return whole
