"""What a price asks, in the reader's words: per unit, by package, by tiers, a share. How often is said beside it."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import get_language, gettext

from catalog.models import Price
from core.money_format import format_money, format_percentage, format_quantity, format_unit_amount


def amount_words(price: Price) -> str:
    """Short: "CA$6.50 per 12", "from CA$24.50 per kg", "12% of the amount". Reads the price's product."""
    locale = _locale()
    if price.percentage is not None:
        return gettext("%(percentage)s of the amount") % {"percentage": format_percentage(price.percentage, locale)}
    unit = price.product.unit_label
    if price.billing_scheme == "tiered":
        units = [_of(tier, "unit_amount_decimal") for tier in price.tiers]
        least = min(
            (unit_amount for unit_amount in units if unit_amount), default=Decimal(0)
        )  # beyond what is included
        told = {"amount": format_unit_amount(least, price.currency, locale), "unit": unit or gettext("unit")}
        return gettext("from %(amount)s per %(unit)s") % told
    amount = format_unit_amount(price.unit_amount_decimal, price.currency, locale)
    if price.transform_quantity:
        told = {"amount": amount, "count": format_quantity(price.transform_quantity["divide_by"], locale)}
        return gettext("%(amount)s per %(count)s") % told
    if price.usage_type == "metered":
        return gettext("%(amount)s per %(unit)s") % {"amount": amount, "unit": unit or gettext("unit")}
    return amount


def terms(price: Price) -> list[str]:
    """What the short words leave out, a sentence each: tiers, packages, the meter, the least a period costs."""
    found = _tier_terms(price)
    if price.transform_quantity:
        found.append(
            gettext("Packages that are begun count whole.")
            if price.transform_quantity["round"] == "up"
            else gettext("Only full packages count.")
        )
    if price.meter is not None:
        found.append(gettext("Counted by the meter “%(meter)s” and billed after each period.") % {"meter": price.meter})
    if price.minimum_amount is not None:
        least = format_money(price.minimum_amount, price.currency, _locale())
        found.append(gettext("At least %(amount)s per period.") % {"amount": least})
    return found


def _tier_terms(price: Price) -> list[str]:
    if price.billing_scheme != "tiered":
        return []
    begin, found = 1, []
    for tier in price.tiers:
        found.append(_tier_words(price, tier, begin))
        begin = (tier["up_to"] or 0) + 1
    return [
        gettext("Volume: every unit at the price of the tier that the quantity reaches.")
        if price.tiers_mode == "volume"
        else gettext("Graduated: each unit at the price of its own tier."),
        *found,
    ]


def _tier_words(price: Price, tier: dict[str, str | int | None], begin: int) -> str:
    locale, flat = _locale(), _of(tier, "flat_amount_decimal")
    first, last = format_quantity(begin, locale), tier["up_to"]
    told = {
        "first": first,
        "last": "" if last is None else format_quantity(Decimal(last), locale),
        "amount": format_unit_amount(_of(tier, "unit_amount_decimal"), price.currency, locale),
        "flat": format_unit_amount(flat, price.currency, locale),
    }
    if last is None:
        return (
            gettext("%(first)s and more: %(amount)s each, plus %(flat)s")
            if flat
            else gettext("%(first)s and more: %(amount)s each")
        ) % told
    return (
        gettext("%(first)s to %(last)s: %(amount)s each, plus %(flat)s")
        if flat
        else gettext("%(first)s to %(last)s: %(amount)s each")
    ) % told


def _of(tier: dict[str, str | int | None], name: str) -> Decimal:
    return Decimal(tier.get(name) or 0)


def _locale() -> str:
    return get_language() or "en"
