"""Facts for rules, without a database: a monthly plan in CAD unless told otherwise."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from core.periods import Interval
from engine.types import BillingSettings, ChangeSnapshot, RenewalSnapshot, SubscribeSnapshot
from invoicing.types import CustomerFacts, PlannedLine, TaxRateFacts
from subscriptions.types import (
    CouponFacts,
    DebitFacts,
    DiscountFacts,
    ItemFacts,
    PriceFacts,
    SubscriptionFacts,
)
from tests.factories.times import utc

MONTHLY = Interval("month")
YEARLY = Interval("year")

LONG_AGO = utc(2024, 1, 1)
APRIL = utc(2026, 4, 1)
MAY = utc(2026, 5, 1)

GST = TaxRateFacts("txr_gst", "GST", Decimal(5))
QST = TaxRateFacts("txr_qst", "QST", Decimal("9.975"))
RATES = {GST.id: GST, QST.id: QST}


def price(
    unit_amount: int | str = 1000,
    interval: Interval | None = MONTHLY,
    *,
    id: str = "",
    product: str = "Pro plan",
    **fields: object,
) -> PriceFacts:
    rhythm = f"{interval.count}{interval.unit}" if interval else "once"
    values: dict[str, object] = {"currency": "cad", "product_id": f"prod_{product.replace(' ', '_').lower()}"}
    values |= fields
    return PriceFacts(
        id=id or f"price_{unit_amount}_{rhythm}_{values['product_id']}",
        product_name=product,
        unit_amount_decimal=Decimal(unit_amount),
        interval=interval,
        **values,  # type: ignore[arg-type]
    )


def item(of: PriceFacts, start: datetime, end: datetime, *, id: str = "si_1", quantity: int = 1, **fields) -> ItemFacts:
    return ItemFacts(id, of, quantity, start, end, **fields)


def debit(of: PriceFacts, start: datetime, end: datetime, amount: int | None = None, **fields) -> DebitFacts:
    """A standing billed period of `si_1`, on a paid invoice, at the whole price unless `amount` is given."""
    charged = int(of.unit_amount_decimal) if amount is None else amount
    values = {"id": "bp_1", "subscription_item_id": "si_1", "quantity": 1, "sequence": 0, "kind": "advance"}
    values |= {"gross_amount": charged, "amount": charged, "invoice_id": "in_1", "invoice_status": "paid"} | fields
    return DebitFacts(start=start, end=end, price=of, **values)


def subscription(items: Iterable[ItemFacts], **fields) -> SubscriptionFacts:
    """An active subscription, anchored where its first item's period begins."""
    items = tuple(items)
    values: dict = {
        "id": "sub_1",
        "merchant_id": "acct_1",
        "customer_id": "cus_1",
        "billing_entity_id": "be_1",
        "status": "active",
        "currency": items[0].price.currency,
        "billing_cycle_anchor": items[0].current_period_start,
        "start_date": items[0].current_period_start,
    } | fields
    return SubscriptionFacts(items=items, **values)


def monthly_subscription(
    of: PriceFacts | None = None, start: datetime = APRIL, end: datetime = MAY, **fields
) -> SubscriptionFacts:
    """One item `si_1` in its April 2026."""
    quantity = fields.pop("quantity", 1)
    return subscription([item(of or price(), start, end, quantity=quantity)], **fields)


def renewal(of: SubscriptionFacts | None = None, **fields) -> RenewalSnapshot:
    values: dict = {"customer": CustomerFacts("cus_1"), "settings": BillingSettings()} | fields
    return RenewalSnapshot(subscription=of or monthly_subscription(), **values)


def change(of: RenewalSnapshot | None = None, *, debits=(), prices=(), coupons=()) -> ChangeSnapshot:
    return ChangeSnapshot(
        renewal=of or renewal(),
        debits=tuple(debits),
        prices={one.id: one for one in prices},
        coupons={one.id: one for one in coupons},
    )


def signup(prices: Iterable[PriceFacts], coupons: Iterable[CouponFacts] = (), **fields) -> SubscribeSnapshot:
    values: dict = {
        "customer": CustomerFacts("cus_1"),
        "settings": BillingSettings(),
        "billing_entity_id": "be_1",
        "timezone": "UTC",
    } | fields
    return SubscribeSnapshot(prices={one.id: one for one in prices}, coupons={one.id: one for one in coupons}, **values)


def percent_off(percent: int | str, duration: str = "forever", *, id: str = "", **fields) -> CouponFacts:
    return CouponFacts(id or f"{percent}pc", percent_off=Decimal(percent), duration=duration, **fields)


def amount_off(amount: int, duration: str = "forever", *, id: str = "", **fields) -> CouponFacts:
    values: dict = {"currency": "cad"} | fields
    return CouponFacts(id or f"{amount}off", amount_off=amount, duration=duration, **values)


def discount(coupon: CouponFacts, start: datetime = LONG_AGO, *, id: str = "", **fields) -> DiscountFacts:
    return DiscountFacts(id or f"di_{coupon.id}", coupon, start, **fields)


def line(amount: int, *rates: TaxRateFacts, **fields) -> PlannedLine:
    """A bare line of `amount` that carries these tax rates."""
    return PlannedLine(
        type="subscription",
        description="A line",
        currency="cad",
        amount=amount,
        period_start=APRIL,
        period_end=MAY,
        tax_rate_ids=tuple(rate.id for rate in rates),
        **fields,
    )
