"""Which prices may stand together on one subscription (SEMANTICS, Prices: one currency, multiples of the shortest)."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import OstinatoError, gettext_noop
from core.periods import Interval
from subscriptions.types import PriceFacts

# For ordering only: 28 days never make a month, but every month has at least 28.
_SHORTEST_DAYS = {"day": 1, "week": 7, "month": 28, "year": 365}


class QuantityOfMetered(OstinatoError):
    code = "parameter_invalid"
    param = "quantity"
    message_id = gettext_noop("A metered price takes no quantity: its meter counts.")


class MixedCurrencies(OstinatoError):
    code = "currency_mismatch"
    param = "items"
    message_id = gettext_noop("A subscription has one currency; %(other)s does not go with %(currency)s.")


class CustomerCurrencyMismatch(OstinatoError):
    code = "customer_currency_mismatch"
    param = "customer"
    message_id = gettext_noop("The customer is billed in %(customer_currency)s; the price is in %(currency)s.")


class PriceIntervalNotMultiple(OstinatoError):
    code = "price_interval_not_multiple"
    param = "items"
    message_id = gettext_noop("Every price's interval must be a multiple of the shortest; %(price)s does not fit.")


class PriceNotRecurring(OstinatoError):
    code = "price_not_recurring"
    param = "items"
    message_id = gettext_noop("The price %(price)s is paid once: it cannot recur on a subscription.")


class PriceNotOneTime(OstinatoError):
    code = "price_not_one_time"
    param = "add_invoice_items"
    message_id = gettext_noop("The price %(price)s recurs: it cannot be added to one invoice.")


class PriceInactive(OstinatoError):
    code = "price_inactive"
    param = "items"
    message_id = gettext_noop("The price %(price)s is archived and can no longer be sold.")


class PriceTwice(OstinatoError):
    code = "price_duplicate"
    param = "items"
    message_id = gettext_noop("The price %(price)s is already on the subscription: raise its quantity instead.")


class NoItems(OstinatoError):
    code = "parameter_missing"
    param = "items"
    message_id = gettext_noop("A subscription needs at least one price.")


def check_prices_fit(prices: Sequence[PriceFacts], customer_currency: str = "") -> None:
    """Whether these may be the items of one subscription.

    Raises `NoItems`, `PriceNotRecurring`, `PriceTwice`, `MixedCurrencies`, `CustomerCurrencyMismatch` or
    `PriceIntervalNotMultiple`.
    """
    if not prices:
        raise NoItems
    for price in prices:
        if price.interval is None:
            raise PriceNotRecurring(price=price.id)
    ids = [price.id for price in prices]
    for price_id in ids:
        if ids.count(price_id) > 1:
            raise PriceTwice(price=price_id)
    check_one_currency(prices, customer_currency)
    _check_intervals(prices)


def check_one_currency(prices: Sequence[PriceFacts], customer_currency: str = "") -> None:
    """Raises `MixedCurrencies`, or `CustomerCurrencyMismatch` when the customer has another currency."""
    currency = prices[0].currency
    for price in prices:
        if price.currency != currency:
            raise MixedCurrencies(currency=currency.upper(), other=price.currency.upper())
    if customer_currency not in ("", currency):
        raise CustomerCurrencyMismatch(currency=currency.upper(), customer_currency=customer_currency.upper())


def shortest_interval(intervals: Sequence[Interval]) -> Interval:
    return min(intervals, key=lambda interval: interval.count * _SHORTEST_DAYS[interval.unit])


def longest_interval(intervals: Sequence[Interval]) -> Interval:
    return max(intervals, key=lambda interval: interval.count * _SHORTEST_DAYS[interval.unit])


def _check_intervals(prices: Sequence[PriceFacts]) -> None:
    shortest = shortest_interval([price.interval for price in prices if price.interval is not None])
    for price in prices:
        if price.interval is not None and not _is_multiple(price.interval, shortest):
            raise PriceIntervalNotMultiple(price=price.id)


def _is_multiple(interval: Interval, shortest: Interval) -> bool:
    """Days and weeks count days, months and years months; every month is a whole number of single days."""
    by_days, shortest_by_days = interval.unit in ("day", "week"), shortest.unit in ("day", "week")
    if by_days == shortest_by_days:
        return _length(interval) % _length(shortest) == 0
    return shortest_by_days and _length(shortest) == 1


def _length(interval: Interval) -> int:
    return interval.count * {"day": 1, "week": 7, "month": 1, "year": 12}[interval.unit]
