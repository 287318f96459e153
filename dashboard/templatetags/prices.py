"""Prices in words."""

from django import template

from catalog import price_words
from catalog.models import Price

register = template.Library()


@register.filter
def price_amount(price: Price) -> str:
    """What a price asks, without how often: its amount, "from" its lowest tier, its share."""
    return price_words.amount_words(price)


@register.filter
def price_terms(price: Price) -> list[str]:
    """What the short words leave out, a sentence each."""
    return price_words.terms(price)
