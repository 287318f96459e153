"""What a line says, in the customer's language and in Stripe's manner.

Rules know no Django, hence no gettext: English and French are here side by side, any other language reads English.
Money and dates are in the customer's locale, dates on the subscription's wall clock. A description is stored with
its line and never made again.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date

from core.money_format import format_percentage, format_quantity, format_unit_amount, reader_locale
from core.periods import Interval, Period, time_zone
from subscriptions.types import PriceFacts

_WORDS = {
    "en": {
        "line": "%(quantity)s × %(product)s (at %(unit_amount)s / %(interval)s)",
        "line_every": "%(quantity)s × %(product)s (at %(unit_amount)s every %(interval)s)",
        "line_once": "%(quantity)s × %(product)s (at %(unit_amount)s each)",
        "several": "%(quantity)s × %(product)s",
        "tiered": "%(quantity)s × %(product)s (tiered prices)",
        "packages": "%(quantity)s × %(product)s (at %(unit_amount)s per %(package)s)",
        "percentage": "%(percentage)s of %(quantity)s: %(product)s",
        "late": "Reported late for %(from)s – %(to)s: %(line)s",
        "inside": "%(line)s: %(components)s",
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
        "tiered": "%(quantity)s × %(product)s (prix par paliers)",
        "packages": "%(quantity)s × %(product)s (à %(unit_amount)s par %(package)s)",
        "percentage": "%(percentage)s de %(quantity)s : %(product)s",
        "late": "Déclaré en retard pour %(from)s – %(to)s : %(line)s",
        "inside": "%(line)s : %(components)s",
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
    line = words[_scheme(price) or key] % (_holes(price, quantity, locale) | {"interval": interval})
    if not price.components:
        return line
    inside = ", ".join(
        words["several"] % {"quantity": format_quantity(count, locale), "product": name}
        for name, count in price.components
    )
    return words["inside"] % {"line": line, "components": inside}


def usage_line(price: PriceFacts, usage: Decimal, locale: str, period: Period, tz: str, *, late: bool) -> str:
    """ "1,234 × API calls (at CA$0.01 each)"; "Reported late for 1 Apr 2026 – 1 May 2026: …" for an adjustment."""
    words = _WORDS[_language(locale)]
    line = words[_scheme(price) or "line_once"] % _holes(price, usage, locale)
    if not late:
        return line
    first, last = (_day(moment, locale, tz) for moment in (period.start, period.end))
    return words["late"] % {"from": first, "to": last, "line": line}


def _scheme(price: PriceFacts) -> str:
    """Which sentence tells a price that is not a plain amount per unit."""
    if price.percentage is not None:
        return "percentage"
    if price.billing_scheme == "tiered":
        return "tiered"
    return "packages" if price.package is not None else ""


def _holes(price: PriceFacts, quantity: Decimal | int, locale: str) -> dict[str, str]:
    shown = format_quantity(quantity, locale)
    if price.percentage is not None:
        shown = format_unit_amount(Decimal(quantity), price.currency, locale)
    return {
        "quantity": shown,
        "product": _name(price),
        "unit_amount": format_unit_amount(price.unit_amount_decimal, price.currency, locale),
        "percentage": format_percentage(price.percentage, locale) if price.percentage is not None else "",
        "package": format_quantity(price.package.divide_by, locale) if price.package else "",
    }


def _day(moment: datetime, locale: str, tz: str) -> str:
    words = _WORDS[_language(locale)]
    return format_date(moment.astimezone(time_zone(tz)).date(), words["date"], locale=reader_locale(locale))


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
    return words[key] % {"product": product, "date": _day(after, locale, tz)}


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
