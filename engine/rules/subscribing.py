"""What a request to subscribe means: its prices, its discounts. Shared by subscribing and changing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from subscriptions.rules.amounts import CurrencyNotOffered, in_currency
from subscriptions.rules.discounts import CouponNotFound, CouponTwice, check_redeemable, discount_end
from subscriptions.rules.prices import PriceInactive
from subscriptions.types import CouponFacts, DiscountFacts, NewDiscount, PriceFacts, new_ref


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


def coupons_to_give(
    coupons: Mapping[str, CouponFacts], coupon_ids: Sequence[str], currency: str, as_of: datetime
) -> list[CouponFacts]:
    """The coupons that were asked for, in their order.

    Raises `CouponNotFound`, `CouponTwice`, `CouponExpired`, `CouponUsedUp`, `CouponCurrencyMismatch`.
    """
    found: list[CouponFacts] = []
    for coupon_id in coupon_ids:
        coupon = coupons.get(coupon_id)
        if coupon is None:
            raise CouponNotFound(coupon=coupon_id)
        if coupon in found:
            raise CouponTwice(coupon=coupon.name or coupon.id)
        check_redeemable(coupon, currency, as_of)
        found.append(coupon)
    return found


def new_discount(
    coupon: CouponFacts, number: int, position: int, start: datetime, tz: str, promotion_code_id: str = ""
) -> tuple[NewDiscount, DiscountFacts]:
    """A discount to create as the plan's "#number", and the same as the rules see it."""
    end = discount_end(coupon, start, tz)
    row = NewDiscount(coupon.id, promotion_code_id, position, start, end)
    facts = DiscountFacts(
        id=new_ref(number),
        coupon=coupon,
        start=start,
        end=end,
        position=position,
        promotion_code_id=promotion_code_id,
    )
    return row, facts
