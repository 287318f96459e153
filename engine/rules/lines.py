"""Lines of an invoice, before discounts and tax: what is billed and how that came about."""

from __future__ import annotations

from datetime import datetime

from core.money import share
from engine.types import ItemRequest
from invoicing.rules.descriptions import recurring_line, trial_line
from invoicing.types import PendingItemFacts, PlannedLine
from subscriptions.rules.amounts import amount_told, line_amount
from subscriptions.rules.periods import ItemPeriod
from subscriptions.types import DiscountFacts, ItemFacts, PlannedDebit, PriceFacts


def period_line(
    subscription_id: str,
    item: ItemFacts,
    item_period: ItemPeriod,
    *,
    default_tax_rate_ids: tuple[str, ...],
    locale: str,
) -> PlannedLine:
    """One item for one period: the whole price, or its share by seconds when the period is a stub.

    An item's own tax rates win over the subscription's. The debit that the line makes is gross until discounts
    are spread.
    """
    amount = line_amount(item.price, item.quantity)
    explanation = price_told(item.price, item.quantity, amount)
    if not item_period.is_whole:
        seconds, of_seconds = item_period.period.seconds, item_period.whole.seconds
        whole, amount = amount, share(amount, seconds, of_seconds)
        told = {"kind": "stub", "seconds": seconds, "of_seconds": of_seconds, "amount": amount}
        explanation |= told | {"whole_amount": whole}
    return _subscription_line(
        subscription_id,
        item,
        item_period,
        amount=amount,
        description=recurring_line(item.price, item.quantity, locale),
        default_tax_rate_ids=default_tax_rate_ids,
        explanation=explanation,
    )


def trial_period_line(
    subscription_id: str,
    item: ItemFacts,
    item_period: ItemPeriod,
    *,
    default_tax_rate_ids: tuple[str, ...],
    locale: str,
) -> PlannedLine:
    """The line of a trial: 0, so that the time is seen to be billed."""
    return _subscription_line(
        subscription_id,
        item,
        item_period,
        amount=0,
        description=trial_line(item.price, locale),
        default_tax_rate_ids=default_tax_rate_ids,
        explanation=price_told(item.price, item.quantity, 0) | {"kind": "trial"},
        # Usage is billed when it has been used, and in a trial it is free.
        bills=not item.price.is_metered,
    )


def one_time_line(
    price: PriceFacts,
    asked: ItemRequest,
    at: datetime,
    tax_rate_ids: tuple[str, ...],
    locale: str,
    discounts: tuple[DiscountFacts, ...] = (),
) -> PlannedLine:
    """A one-time price sold together with a subscription, at one instant."""
    quantity = asked.quantity
    amount = line_amount(price, quantity)
    return PlannedLine(
        type="invoiceitem",
        description=recurring_line(price, quantity, locale),
        currency=price.currency,
        amount=amount,
        period_start=at,
        period_end=at,
        quantity=quantity,
        unit_amount_decimal=price.unit_amount_decimal,
        price_id=price.id,
        product_id=price.product_id,
        discounts=discounts,
        discountable=asked.discountable,
        tax_rate_ids=tax_rate_ids,
        explanation=price_told(price, quantity, amount) | {"kind": "one_time"},
        metadata=asked.metadata,
    )


def pending_line(item: PendingItemFacts, default_tax_rate_ids: tuple[str, ...]) -> PlannedLine:
    """A pending item swept onto an invoice. A line is gross of its discounts where the item is net of them."""
    given = item.taxes is not None
    taxes = item.taxes or ()
    gross = item.amount + sum(discount.amount for discount in item.discount_amounts)
    backed_out = 0
    if given and taxes and taxes[0].taxability_reason != "standard_rated" and any(tax.inclusive for tax in taxes):
        # The debit was lowered by its inclusive tax, so the credit gives back that much less.
        backed_out = item.amount - taxes[0].taxable_amount
    return PlannedLine(
        type="invoiceitem",
        description=item.description,
        currency=item.currency,
        amount=gross,
        period_start=item.period_start,
        period_end=item.period_end,
        quantity=item.quantity,
        unit_amount_decimal=item.unit_amount_decimal,
        discounts=item.discounts,
        discount_amounts=item.discount_amounts,
        taxes=taxes,
        backed_out=backed_out,
        price_id=item.price_id,
        product_id=item.product_id,
        subscription_id=item.subscription_id,
        subscription_item_id=item.subscription_item_id,
        invoice_item_id=item.id,
        billed_period_id=item.billed_period_id,
        credited_billed_period_id=item.credited_billed_period_id,
        proration=item.proration,
        discountable=item.discountable,
        tax_rate_ids=() if given else item.tax_rate_ids or default_tax_rate_ids,
        taxes_are_given=given,
        explanation=item.explanation,
        metadata=item.metadata,
    )


def _subscription_line(
    subscription_id: str,
    item: ItemFacts,
    item_period: ItemPeriod,
    *,
    amount: int,
    description: str,
    default_tax_rate_ids: tuple[str, ...],
    explanation: dict[str, object],
    bills: bool = True,
) -> PlannedLine:
    period, price = item_period.period, item.price
    debit = PlannedDebit(
        subscription_item_id=item.id,
        kind="advance",
        start=period.start,
        end=period.end,
        sequence=item.sequence,
        price_id=price.id,
        quantity=item.quantity,
        currency=price.currency,
        gross_amount=amount,
        amount=amount,
    )
    return PlannedLine(
        type="subscription",
        description=description,
        currency=price.currency,
        amount=amount,
        period_start=period.start,
        period_end=period.end,
        quantity=item.quantity,
        unit_amount_decimal=price.unit_amount_decimal,
        price_id=price.id,
        product_id=price.product_id,
        subscription_id=subscription_id,
        subscription_item_id=item.id,
        debit=debit if bills else None,
        tax_rate_ids=item.tax_rate_ids or default_tax_rate_ids,
        explanation=explanation,
    )


def price_told(price: PriceFacts, quantity: int, amount: int) -> dict[str, object]:
    """How `amount` comes of a whole period's, or a one-time, price: for the line's explanation."""
    explained: dict[str, object] = {
        "kind": "period",
        "price": price.id,
        "billing_scheme": price.billing_scheme,
        "unit_amount_decimal": f"{price.unit_amount_decimal:f}",
        "quantity": quantity,
        "amount": amount,
    }
    explained |= amount_told(price, quantity)
    if price.interval is not None:
        explained |= {"interval": price.interval.unit, "interval_count": price.interval.count}
    return explained
