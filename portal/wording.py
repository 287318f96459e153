"""Prices, periods and payment methods in a reader's words."""

from __future__ import annotations

from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop, ngettext, pgettext

from catalog.models import Price
from catalog.price_words import amount_words
from customers.models import PaymentMethod
from customers.rules import card_state

_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
_TYPES: dict[str, str | Promise] = {
    "sepa_debit": _("SEPA debit"),
    "acss_debit": _("Canadian bank debit"),
    "us_bank_account": _("US bank account"),
    "card": _("Card"),
}

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


def method_words(method: PaymentMethod) -> str:
    """ "Visa •••• 4242"."""
    name = _BRANDS.get(method.brand) or str(_TYPES.get(method.type, method.brand or method.type))
    return f"{name} •••• {method.last4}" if method.last4 else name


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
