"""Money, unit prices and percentages in the reader's locale: the only place that formats them.

A locale is Django's language code ("fr-ca") or a POSIX one ("fr_CA"). One that Babel does not know falls
back to its language, then to English: a customer's odd locale must not stop an invoice from being printed.
Amounts carry ISO 4217's decimals, where Babel by itself would use its display digits. Nothing is rounded.
"""

from __future__ import annotations

from copy import copy
from decimal import Decimal, localcontext
from functools import lru_cache

from babel import Locale
from babel.core import UnknownLocaleError
from babel.numbers import NumberPattern

from core.money import UNIT_AMOUNT_PLACES, currency_exponent, to_major

# More digits than any amount and unit price together: formatting never cuts one.
_DIGITS = 60

_MOST_PLACES = 30


def format_money(minor: int, currency: str, locale: str) -> str:
    """1250 cad -> "CA$12.50" (en), "12,50 $" (fr-ca), "12,50 $CA" (fr). Raises `UnknownCurrency`."""
    exponent = currency_exponent(currency)
    pattern = _pattern("currency", reader_locale(locale), exponent, exponent)
    return _apply(pattern, to_major(minor, currency), locale, currency)


def format_unit_amount(unit_amount: Decimal, currency: str, locale: str) -> str:
    """A unit price in minor units, with what it has of its 12 further decimals: 0.05 cad -> "CA$0.0005".

    Never fewer decimals than the currency has. Raises `UnknownCurrency`.
    """
    exponent = currency_exponent(currency)
    pattern = _pattern("currency", reader_locale(locale), exponent, exponent + UNIT_AMOUNT_PLACES)
    return _apply(pattern, _shift(unit_amount, -exponent), locale, currency)


def format_percentage(percentage: Decimal, locale: str) -> str:
    """A percentage in per cent, with all its decimals: 9.975 -> "9.975%" (en), "9,975 %" (fr-ca)."""
    pattern = _pattern("percent", reader_locale(locale), 0, _MOST_PLACES)
    return _apply(pattern, _shift(percentage, -2), locale, None)


def format_quantity(quantity: Decimal | int, locale: str) -> str:
    """A plain number, grouped, with all its decimals: 1234.5 -> "1,234.5" (en), "1 234,5" (fr-ca)."""
    pattern = _pattern("decimal", reader_locale(locale), 0, _MOST_PLACES)
    return _apply(pattern, Decimal(quantity), locale, None)


@lru_cache(maxsize=256)
def reader_locale(locale: str) -> Locale:
    """Babel's locale for a language code: itself, else its language, else English."""
    code = locale.replace("-", "_")
    for candidate in (code, code.partition("_")[0]):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=512)
def _pattern(kind: str, locale: Locale, fewest_places: int, most_places: int) -> NumberPattern:
    """The locale's own pattern with our number of decimals."""
    if kind == "currency":
        found = locale.currency_formats["standard"]
    elif kind == "percent":
        found = locale.percent_formats[None]
    else:
        found = locale.decimal_formats[None]
    pattern: NumberPattern = copy(found)
    pattern.frac_prec = (fewest_places, most_places)
    return pattern


def _apply(pattern: NumberPattern, value: Decimal, locale: str, currency: str | None) -> str:
    code = currency.upper() if currency else None
    with localcontext(prec=_DIGITS):
        return str(pattern.apply(value, reader_locale(locale), currency=code, currency_digits=False))


def _shift(value: Decimal, places: int) -> Decimal:
    with localcontext(prec=_DIGITS):
        return value.scaleb(places)
