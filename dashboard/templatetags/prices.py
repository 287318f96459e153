"""Prices in words."""

from decimal import Decimal

from django import template
from django.utils.translation import get_language, gettext

from catalog import price_words
from catalog.models import Price
from core.money_format import format_unit_amount

register = template.Library()


@register.filter
def price_amount(price: Price) -> str:
    """What a price asks, without how often: its amount, "from" its lowest tier, its share."""
    return price_words.amount_words(price)


@register.filter
def price_terms(price: Price) -> list[str]:
    """What the short words leave out, a sentence each."""
    return price_words.terms(price)


@register.filter
def price_options(price: Price) -> list[str]:
    """What it costs in its other currencies; tiers are only named."""
    locale, found = get_language() or "en", []
    for currency, option in price.currency_options.items():
        if option.get("tiers"):
            found.append(gettext("tiers in %(currency)s") % {"currency": currency.upper()})
        else:
            found.append(format_unit_amount(Decimal(option["unit_amount_decimal"]), currency, locale))
    return found
