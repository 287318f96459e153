"""Rows (or model instances) read as the facts that rules take. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from invoicing.rules.credit_notes import LineLeft, PlannedCreditLine
from invoicing.types import CustomerFacts, InvoiceFacts, PendingItemFacts, TaxRateFacts
from subscriptions.facts import discount_amounts_from_json, taxes_from_json
from subscriptions.types import DiscountFacts, PlannedTax


def tax_rate_facts(rate: Any) -> TaxRateFacts:
    return TaxRateFacts(rate.id, rate.display_name, rate.percentage, rate.inclusive)


def customer_facts(customer: Any, merchant_locale: str) -> CustomerFacts:
    return CustomerFacts(
        id=customer.id,
        balance=customer.balance,
        currency=customer.currency,
        tax_exempt=customer.tax_exempt,
        default_payment_method_id=customer.default_payment_method_id,
        locale=customer.preferred_locale or merchant_locale,
    )


def pending_item_facts(item: Any, discounts: Iterable[DiscountFacts] = ()) -> PendingItemFacts:
    """A pending item with the live discounts of its own."""
    return PendingItemFacts(
        id=item.id,
        currency=item.currency,
        amount=item.amount,
        period_start=item.period_start,
        period_end=item.period_end,
        description=item.description,
        subscription_id=item.subscription_id or "",
        subscription_item_id=item.subscription_item_id,
        discount_amounts=discount_amounts_from_json(item.discount_amounts),
        discounts=tuple(discounts),
        quantity=item.quantity,
        unit_amount_decimal=item.unit_amount_decimal,
        price_id=item.price_id,
        product_id=item.product_id,
        proration=item.proration,
        discountable=item.discountable,
        tax_rate_ids=tuple(item.tax_rate_ids),
        taxes=None if item.taxes is None else taxes_from_json(item.taxes),
        billed_period_id=item.billed_period_id,
        credited_billed_period_id=item.credited_billed_period_id,
        held_for_invoice_id=item.held_for_invoice_id,
        explanation=item.explanation,
        metadata=item.metadata,
    )


def line_to_credit(line: Any, taxes: Iterable[Any]) -> LineLeft:
    """An invoice's line as credit notes find it, nothing of it credited yet."""
    kept = tuple(
        PlannedTax(
            tax.tax_rate_id,
            tax.display_name,
            tax.percentage,
            tax.inclusive,
            tax.taxable_amount,
            tax.amount,
            tax.taxability_reason,
        )
        for tax in taxes
    )
    taken = line.discount_amount + sum(given["amount"] for given in line.credit_amounts)
    if any(tax.inclusive for tax in kept) and kept[0].taxability_reason != "standard_rated":
        # What an exempt customer does not pay of an inclusive price came off before tax as well.
        taken = line.amount - kept[0].taxable_amount
    return LineLeft(line.id, line.description, line.amount, taken, kept, max(line.quantity, 1), line.amount)


def credited_line(row: Any) -> PlannedCreditLine:
    """A stored line of a credit note."""
    return PlannedCreditLine(
        row.invoice_line_id, row.description, row.amount, row.taken, taxes_from_json(row.taxes), row.quantity
    )


def invoice_facts(invoice: Any) -> InvoiceFacts:
    return InvoiceFacts(
        id=invoice.id,
        merchant_id=invoice.merchant_id,
        customer_id=invoice.customer_id,
        billing_entity_id=invoice.billing_entity_id,
        status=invoice.status,
        billing_reason=invoice.billing_reason,
        collection_method=invoice.collection_method,
        currency=invoice.currency,
        total=invoice.total,
        subscription_id=invoice.subscription_id or "",
        auto_advance=invoice.auto_advance,
        automatically_finalizes_at=invoice.automatically_finalizes_at,
        next_payment_attempt=invoice.next_payment_attempt,
        due_date=invoice.due_date,
        overdue_since=invoice.overdue_since,
        default_payment_method_id=invoice.default_payment_method_id,
        test_clock_id=invoice.test_clock_id,
        version=invoice.version,
    )
