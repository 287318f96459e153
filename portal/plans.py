"""Which plans a subscriber may move to: the merchant's active recurring prices in the subscription's currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.models import Price
from catalog.selectors import active_prices
from portal.wording import price_words
from subscriptions.models import SubscriptionItem


@dataclass(frozen=True, slots=True)
class Plan:
    """One choice."""

    price_id: str
    name: str
    note: str
    words: str
    is_current: bool


def plans_for(merchant_id: str, item: SubscriptionItem, taken: set[str]) -> list[Plan]:
    """The choices for one item, its own product's first; what another item has already is left out."""
    prices = (
        active_prices(merchant_id, currency=item.price.currency)
        .filter(type="recurring", usage_type="licensed")
        .exclude(id__in=taken - {item.price_id})
        .order_by("interval", "interval_count", "unit_amount_decimal", "id")
    )
    ordered = sorted(prices, key=lambda price: price.product_id != item.price.product_id)
    found = [plan_of(price, item) for price in ordered]
    if all(not plan.is_current for plan in found):  # no longer sold, but it is what they have
        found.insert(0, plan_of(item.price, item))
    return found


def offered_plans(plans: list[Plan], update: Mapping[str, Any]) -> list[Plan]:
    """Those that the portal's configuration lets subscribers move to, and the one they have."""
    if "price" not in update["default_allowed_updates"]:
        return [plan for plan in plans if plan.is_current]
    if update["products"] is None:
        return plans
    listed = {price for product in update["products"] for price in product["prices"]}
    return [plan for plan in plans if plan.is_current or plan.price_id in listed]


def plan_of(price: Price, item: SubscriptionItem) -> Plan:
    """A price as a choice for this item."""
    return Plan(price.id, price.product.name, price.nickname, price_words(price), price.id == item.price_id)
