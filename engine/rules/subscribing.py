"""What a request to subscribe means: its prices. Shared by subscribing and changing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.errors import OstinatoError, gettext_noop
from subscriptions.rules.amounts import CurrencyNotOffered, in_currency
from subscriptions.rules.prices import PriceInactive, PriceNotRecurring, QuantityOfMetered
from subscriptions.types import PriceFacts


class PriceNotFound(OstinatoError):
    code = "resource_missing"
    param = "price"
    message_id = gettext_noop("There is no price %(price)s.")


def price_to_sell(prices: Mapping[str, PriceFacts], price_id: str, param: str) -> PriceFacts:
    """The price that was asked for. Raises `PriceNotFound` or `PriceInactive`."""
    price = prices.get(price_id)
    if price is None:
        raise PriceNotFound(param=param, price=price_id)
    if not price.active:
        raise PriceInactive(param=param, price=price.nickname or price.id)
    return price


def recurring_price_to_sell(prices: Mapping[str, PriceFacts], price_id: str, param: str) -> PriceFacts:
    """The same of an item's price. Raises `PriceNotRecurring` for one that is paid once."""
    price = price_to_sell(prices, price_id, param)
    if price.interval is None:
        raise PriceNotRecurring(param=param, price=price.id)
    return price


def check_quantities(prices: Sequence[PriceFacts], quantities: Sequence[int]) -> None:
    """Raises `QuantityOfMetered` where a metered price is asked for with a quantity of its own."""
    for number, (price, quantity) in enumerate(zip(prices, quantities, strict=True)):
        if price.is_metered and quantity != 1:
            raise QuantityOfMetered(param=f"items[{number}][quantity]")


def prices_sold(prices: Sequence[PriceFacts], currency: str, customer_currency: str) -> list[PriceFacts]:
    """The prices in the currency that was asked for, else in the customer's where all of them are sold in it.

    Raises `CurrencyNotOffered` for a currency that was asked for.
    """
    if currency:
        return [in_currency(price, currency) for price in prices]
    try:
        return [in_currency(price, customer_currency) for price in prices]
    except CurrencyNotOffered:
        return list(prices)  # what does not fit is named by `check_prices_fit`
