"""Products, prices, coupons, promotion codes, tax rates and payment links."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog.models import Coupon, PaymentLink, PaymentLinkItem, Price, Product, PromotionCode, TaxRate
from merchants.models import Merchant
from tests.factories.times import NEW_YEAR


def product(*, merchant: Merchant, name: str = "Coffee box", created: datetime = NEW_YEAR, **fields: Any) -> Product:
    return Product.objects.create(merchant=merchant, name=name, created=created, recorded_at=created, **fields)


new_product = product  # `price` has a parameter of the same name


def price(
    *,
    merchant: Merchant,
    amount: int | str | Decimal = 1000,
    interval: str = "month",
    interval_count: int = 1,
    currency: str = "",
    product: Product | None = None,
    created: datetime = NEW_YEAR,
    **fields: Any,
) -> Price:
    """A recurring price of `amount` minor units, 10.00 a month unless told; its product is made when not given."""
    return Price.objects.create(
        **{
            "merchant": merchant,
            "product": product or new_product(merchant=merchant, created=created),
            "type": "recurring",
            "currency": currency or merchant.default_currency,
            "unit_amount_decimal": Decimal(amount),
            "interval": interval,
            "interval_count": interval_count,
            "created": created,
            "recorded_at": created,
        }
        | fields
    )


def one_time_price(*, merchant: Merchant, amount: int = 500, **fields: Any) -> Price:
    return price(
        merchant=merchant, amount=amount, **{"type": "one_time", "interval": "", "interval_count": None} | fields
    )


def coupon(
    *,
    merchant: Merchant,
    percent_off: int | str | Decimal | None = None,
    amount_off: int | None = None,
    duration: str = "once",
    currency: str = "",
    created: datetime = NEW_YEAR,
    **fields: Any,
) -> Coupon:
    """20 % off once unless told."""
    if percent_off is None and amount_off is None:
        percent_off = 20
    return Coupon.objects.create(
        merchant=merchant,
        percent_off=None if percent_off is None else Decimal(percent_off),
        amount_off=amount_off,
        currency=(currency or merchant.default_currency) if amount_off is not None else "",
        duration=duration,
        created=created,
        recorded_at=created,
        **fields,
    )


def promotion_code(
    *, coupon: Coupon, code: str = "WELCOME", created: datetime = NEW_YEAR, **fields: Any
) -> PromotionCode:
    return PromotionCode.objects.create(
        merchant=coupon.merchant, coupon=coupon, code=code.upper(), created=created, recorded_at=created, **fields
    )


def tax_rate(
    *,
    merchant: Merchant,
    percentage: int | str | Decimal = "5",
    inclusive: bool = False,
    display_name: str = "GST",
    created: datetime = NEW_YEAR,
    **fields: Any,
) -> TaxRate:
    return TaxRate.objects.create(
        merchant=merchant,
        percentage=Decimal(percentage),
        inclusive=inclusive,
        display_name=display_name,
        created=created,
        recorded_at=created,
        **fields,
    )


def payment_link(
    *, merchant: Merchant, prices: list[Price], quantity: int = 1, created: datetime = NEW_YEAR, **fields: Any
) -> PaymentLink:
    link = PaymentLink.objects.create(
        **{"merchant": merchant, "currency": prices[0].currency, "created": created, "recorded_at": created} | fields
    )
    for position, sold in enumerate(prices):
        PaymentLinkItem.objects.create(
            merchant=merchant, payment_link=link, price=sold, quantity=quantity, position=position
        )
    return link
