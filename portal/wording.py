"""Prices, periods and payment methods in a reader's words."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import get_language, gettext, gettext_noop, ngettext, pgettext

from catalog.models import Coupon, Price
from catalog.price_words import amount_words
from core.money_format import format_money, format_percentage
from customers.method_words import method_words
from customers.models import PaymentMethod
from customers.rules import card_state

# What the sandbox's bank says in English when it declines; a subscriber reads it in French.
BANK_SAYINGS = (
    gettext_noop("An error occurred while processing your card."),
    gettext_noop("The account has insufficient funds."),
    gettext_noop("Your card has expired."),
    gettext_noop("Your card has insufficient funds."),
    gettext_noop("Your card's security code is incorrect."),
)


def every(unit: str, count: int) -> str:
    """How often, in a sentence: "every month", "every 3 months"."""
    words = {
        "day": ngettext("every day", "every %(count)s days", count),
        "week": ngettext("every week", "every %(count)s weeks", count),
        "month": ngettext("every month", "every %(count)s months", count),
        "year": ngettext("every year", "every %(count)s years", count),
    }
    return words[unit] % {"count": count}


def per(unit: str, count: int) -> str:
    """How often, beside a price: "per month", "every 3 months"."""
    if count != 1:
        return every(unit, count)
    return {
        "day": pgettext("beside a price", "per day"),
        "week": pgettext("beside a price", "per week"),
        "month": pgettext("beside a price", "per month"),
        "year": pgettext("beside a price", "per year"),
    }[unit]


def price_words(price: Price) -> str:
    """ "CA$19.00 per month", in the reader's locale."""
    amount = amount_words(price)
    if price.type == "one_time":
        return amount
    return f"{amount} {per(price.interval, price.interval_count or 1)}"


def trial_words(days: int) -> str:
    return ngettext("%(count)s day free", "%(count)s days free", days) % {"count": days}


def offer_words(coupon: Coupon) -> str:
    """ "20% off on every invoice": what a coupon takes off, and for how long."""
    language = get_language() or "en"
    if coupon.percent_off is not None:
        off = format_percentage(coupon.percent_off, language)
    else:
        off = format_money(coupon.amount_off or 0, coupon.currency, language)
    return f"{gettext('%(off)s off') % {'off': off}} {_how_long(coupon)}"


def _how_long(coupon: Coupon) -> str:
    if coupon.duration == "forever":
        return gettext("on every invoice")
    if coupon.duration == "repeating":
        return gettext("for %(months)s months") % {"months": coupon.duration_in_months}
    return gettext("on the next invoice")


def look_of(method: PaymentMethod) -> str:
    """Whose little picture stands beside it: a card's network, else its kind."""
    return (method.brand or "card") if method.type == "card" else method.type


def expiry_words(method: PaymentMethod, as_of: datetime | None = None) -> str:
    """When a card ends, and, told the customer's time, whether it has."""
    if not method.exp_month or not method.exp_year:
        return ""
    words = {
        "": gettext("expires %(month)02d/%(year)s"),
        "expiring": gettext("expires this month, %(month)02d/%(year)s"),
        "expired": gettext("expired %(month)02d/%(year)s"),
    }
    state = card_state(method.exp_month, method.exp_year, as_of) if as_of else ""
    return words[state] % {"month": method.exp_month, "year": method.exp_year}


__all__ = ["BANK_SAYINGS", "every", "expiry_words", "look_of", "method_words", "per", "price_words", "trial_words"]
