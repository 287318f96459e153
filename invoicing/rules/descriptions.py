"""What a line says, in the customer's language and in Stripe's manner.

Rules know no Django, hence no gettext: English and French are here side by side, any other language reads English.
Money and dates are in the customer's locale, dates on the subscription's wall clock. A description is stored with
its line and never made again.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from babel.dates import format_date

from core.money_format import format_quantity, format_unit_amount, reader_locale
from core.periods import Interval, time_zone
from subscriptions.types import PriceFacts

_WORDS = {
    "en": {
        "line": "%(quantity)s × %(product)s (at %(unit_amount)s / %(interval)s)",
        "line_every": "%(quantity)s × %(product)s (at %(unit_amount)s every %(interval)s)",
        "line_once": "%(quantity)s × %(product)s (at %(unit_amount)s each)",
        "several": "%(quantity)s × %(product)s",
        "trial": "Trial period for %(product)s",
        "unused": "Unused time on %(product)s after %(date)s",
        "remaining": "Remaining time on %(product)s after %(date)s",
        "date": "d MMM yyyy",
    },
    "fr": {
        "line": "%(quantity)s × %(product)s (à %(unit_amount)s / %(interval)s)",
        "line_every": "%(quantity)s × %(product)s (à %(unit_amount)s tous les %(interval)s)",
        "line_every_feminine": "%(quantity)s × %(product)s (à %(unit_amount)s toutes les %(interval)s)",
        "line_once": "%(quantity)s × %(product)s (à %(unit_amount)s l’unité)",
        "several": "%(quantity)s × %(product)s",
        "trial": "Période d’essai de %(product)s",
        "unused": "Temps non utilisé pour %(product)s après le %(date)s",
        "remaining": "Temps restant pour %(product)s après le %(date)s",
        "date": "d MMM yyyy",
    },
}

# One and several of each interval.
_INTERVALS = {
    "en": {
        "day": ("day", "days"),
        "week": ("week", "weeks"),
        "month": ("month", "months"),
        "year": ("year", "years"),
    },
    "fr": {
        "day": ("jour", "jours"),
        "week": ("semaine", "semaines"),
        "month": ("mois", "mois"),
        "year": ("an", "ans"),
    },
}


@lru_cache(maxsize=8192)
def recurring_line(price: PriceFacts, quantity: int, locale: str) -> str:
    """ "2 × Pro plan (at CA$20.00 / month)"; "… (at CA$50.00 every 3 months)"; "… each" for a one-time price.

    Kept: a run meets the same prices over and over, and formatting one costs more than planning its line.
    """
    language = _language(locale)
    words = _WORDS[language]
    key, interval = _rhythm(language, price.interval)
    return words[key] % {
        "quantity": format_quantity(quantity, locale),
        "product": _name(price),
        "unit_amount": format_unit_amount(price.unit_amount_decimal, price.currency, locale),
        "interval": interval,
    }


def trial_line(price: PriceFacts, locale: str) -> str:
    """ "Trial period for Pro plan"."""
    return _WORDS[_language(locale)]["trial"] % {"product": _name(price)}


def unused_time(price: PriceFacts, quantity: int, after: datetime, locale: str, tz: str) -> str:
    """ "Unused time on 2 × Pro plan after 11 Apr 2026": a credit."""
    return _part_of_time("unused", price, quantity, after, locale, tz)


def remaining_time(price: PriceFacts, quantity: int, after: datetime, locale: str, tz: str) -> str:
    """ "Remaining time on 2 × Pro plan after 11 Apr 2026": the debit of a change."""
    return _part_of_time("remaining", price, quantity, after, locale, tz)


def _part_of_time(key: str, price: PriceFacts, quantity: int, after: datetime, locale: str, tz: str) -> str:
    words = _WORDS[_language(locale)]
    product = _name(price)
    if quantity != 1:
        product = words["several"] % {"quantity": format_quantity(quantity, locale), "product": product}
    day = after.astimezone(time_zone(tz)).date()
    return words[key] % {"product": product, "date": format_date(day, words["date"], locale=reader_locale(locale))}


def _name(price: PriceFacts) -> str:
    return price.product_name or price.nickname or price.id


def _language(locale: str) -> str:
    language = locale[:2].lower()
    return language if language in _WORDS else "en"


def _rhythm(language: str, interval: Interval | None) -> tuple[str, str]:
    """Which sentence tells the interval, and the interval in words."""
    if interval is None:
        return "line_once", ""
    one, several = _INTERVALS[language][interval.unit]
    if interval.count == 1:
        return "line", one
    key = "line_every_feminine" if language == "fr" and interval.unit == "week" else "line_every"
    return key, f"{interval.count} {several}"
