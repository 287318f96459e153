"""Finalized invoices for tests of the paper and the mails: written row by row, the sums given in the comments."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from core.ids import new_id, new_secret
from customers.models import Customer
from invoicing.models import Invoice, InvoiceLine, InvoiceLineTax
from invoicing.rules.legal import customer_snapshot, seller_snapshot
from merchants.models import BillingEntity, Merchant
from tests.factories.times import utc

BILLED = utc(2024, 1, 5, 15)


def paper_invoice(
    *,
    merchant: Merchant,
    customer: Customer,
    lines: int = 1,
    status: str = "paid",
    number: str = "EC-0042",
    locale: str = "en",
    currency: str = "",
    discount: int = 0,
    discount_id: str = "",
    created: datetime = BILLED,
    **fields: Any,
) -> Invoice:
    """One line is 100.00, with GST 5 % (5.00) and QST 9.975 % (9.98) on top: 114.98 each. `discount` is of the first
    line and is not taxed less: the figures only have to add up."""
    total = lines * (10000 + 500 + 998) - discount
    paid = status == "paid"
    entity = BillingEntity.objects.get(merchant=merchant)
    invoice = Invoice.objects.create(
        **{
            "merchant": merchant,
            "customer": customer,
            "billing_entity": entity,
            "status": "draft",
            "billing_reason": "subscription_cycle",
            "currency": currency or merchant.default_currency,
            "lines_gross": lines * 10000,
            "total_discount": discount,
            "exclusive_tax": lines * 1498,
            "total": total,
            "amount_due": total,
            "amount_paid": 0,
            "amount_remaining": total,
            "locale": locale,
            "period_start": created,
            "period_end": created,
            "hosted_token": new_secret(),
            "created": created,
            "recorded_at": created,
        }
        | fields
    )
    for position in range(lines):
        _line(invoice, position, discount if position == 0 else 0, discount_id)
    if status != "draft":
        _finalize(invoice, entity, status, number, total if paid else 0)
    return invoice


def _line(invoice: Invoice, position: int, discount: int, discount_id: str) -> None:
    line = InvoiceLine.objects.create(
        merchant_id=invoice.merchant_id,
        invoice=invoice,
        position=position,
        type="subscription",
        description=f"Coffee box {position + 1}",
        currency=invoice.currency,
        amount=10000,
        discount_amount=discount,
        discount_amounts=[{"discount": discount_id, "amount": discount}] if discount else [],
        quantity=2,
        unit_amount_decimal=Decimal(5000),
        period_start=utc(2024, 1, 5),
        period_end=utc(2024, 2, 5),
        created=invoice.created,
        recorded_at=invoice.recorded_at,
    )
    for name, percentage, amount in (("GST", "5", 500), ("QST", "9.975", 998)):
        InvoiceLineTax.objects.create(
            merchant_id=invoice.merchant_id,
            invoice=invoice,
            line=line,
            display_name=name,
            percentage=Decimal(percentage),
            inclusive=False,
            taxable_amount=10000,
            amount=amount,
            recorded_at=invoice.recorded_at,
        )


def _finalize(invoice: Invoice, entity: BillingEntity, status: str, number: str, paid: int) -> None:
    """As finalization does: number and snapshots in one step."""
    invoice.status = status
    invoice.number, invoice.number_value, invoice.number_series_id = number, int(number[-4:]), new_id("ns")
    invoice.finalized_at = invoice.created
    invoice.seller_snapshot = seller_snapshot(entity, invoice.merchant)
    invoice.customer_snapshot = customer_snapshot(invoice.customer, invoice.customer.tax_ids.all())
    invoice.amount_paid = paid
    invoice.amount_remaining = invoice.amount_due - paid
    invoice.paid_at = invoice.created if paid else None
    invoice.save()
