"""An invoice, its lines and pending items as Stripe's JSON objects. Pure: rows or model instances in, dicts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any


def invoice_snapshot(
    invoice: Any, lines: Sequence[Any] | None = None, taxes: Mapping[str, Sequence[Any]] | None = None
) -> dict[str, Any]:
    """Stripe's invoice object. `lines` (with `taxes` by line id) are shown when given.

    `subtotal` is derived, as Stripe shows it: before discounts and exclusive tax.
    """
    body: dict[str, Any] = {
        "id": invoice.id,
        "object": "invoice",
        "amount_due": invoice.amount_due,
        "amount_paid": invoice.amount_paid,
        "amount_remaining": invoice.amount_remaining,
        "attempt_count": invoice.attempt_count,
        "attempted": invoice.attempted,
        "auto_advance": invoice.auto_advance,
        "automatically_finalizes_at": unix(invoice.automatically_finalizes_at),
        "billing_reason": invoice.billing_reason,
        "collection_method": invoice.collection_method,
        "created": unix(invoice.created),
        "currency": invoice.currency,
        "customer": invoice.customer_id,
        "customer_address": invoice.customer_snapshot.get("address"),
        "customer_email": invoice.customer_snapshot.get("email") or None,
        "customer_name": invoice.customer_snapshot.get("name") or None,
        "customer_tax_ids": invoice.customer_snapshot.get("tax_ids", []),
        "default_payment_method": invoice.default_payment_method_id or None,
        "default_tax_rates": list(invoice.default_tax_rate_ids),
        "description": invoice.description or None,
        "due_date": unix(invoice.due_date),
        "footer": invoice.footer or None,
        "metadata": dict(invoice.metadata),
        "next_payment_attempt": unix(invoice.next_payment_attempt),
        "number": invoice.number,
        "parent": _parent(invoice),
        "period_end": unix(invoice.period_end),
        "period_start": unix(invoice.period_start),
        "post_payment_credit_notes_amount": invoice.post_payment_credit_notes_amount,
        "pre_payment_credit_notes_amount": invoice.pre_payment_credit_notes_amount,
        "starting_balance": invoice.starting_balance,
        "status": invoice.status,
        "status_transitions": {
            "finalized_at": unix(invoice.finalized_at),
            "marked_uncollectible_at": unix(invoice.marked_uncollectible_at),
            "paid_at": unix(invoice.paid_at),
            "voided_at": unix(invoice.voided_at),
        },
        "subtotal": invoice.lines_gross,
        "test_clock": invoice.test_clock_id,
        "total": invoice.total,
        "total_discount_amount": invoice.total_discount,
        "total_excluding_tax": invoice.total - invoice.exclusive_tax - invoice.inclusive_tax,
        "total_tax": invoice.exclusive_tax + invoice.inclusive_tax,
    }
    if lines is not None:
        by_line = taxes or {}
        body["lines"] = {
            "object": "list",
            "data": [line_snapshot(line, by_line.get(line.id, ())) for line in lines],
            "has_more": False,
        }
    return body


def line_snapshot(line: Any, taxes: Iterable[Any] = ()) -> dict[str, Any]:
    """Stripe's line item."""
    return {
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": line.currency,
        "description": line.description or None,
        "discount_amounts": [dict(given) for given in line.discount_amounts],
        "discountable": line.discountable,
        "invoice": line.invoice_id,
        "invoice_item": line.invoice_item_id or None,
        "period": {"start": unix(line.period_start), "end": unix(line.period_end)},
        "price": line.price_id or None,
        "product": line.product_id or None,
        "proration": line.proration,
        "quantity": line.quantity,
        "subscription": line.subscription_id or None,
        "subscription_item": line.subscription_item_id or None,
        "taxes": [_tax(tax) for tax in taxes],
    }


def invoice_item_snapshot(item: Any) -> dict[str, Any]:
    """Stripe's invoiceitem object."""
    return {
        "id": item.id,
        "object": "invoiceitem",
        "amount": item.amount,
        "currency": item.currency,
        "customer": item.customer_id,
        "date": unix(item.created),
        "description": item.description or None,
        "discountable": item.discountable,
        "invoice": item.invoice_id or None,
        "metadata": dict(item.metadata),
        "period": {"start": unix(item.period_start), "end": unix(item.period_end)},
        "price": item.price_id or None,
        "proration": item.proration,
        "quantity": item.quantity,
        "subscription": item.subscription_id or None,
        "subscription_item": item.subscription_item_id or None,
        "tax_rates": list(item.tax_rate_ids),
    }


def unix(instant: datetime | None) -> int | None:
    """Seconds since 1970, as Stripe tells time."""
    return None if instant is None else int(instant.timestamp())


def _parent(invoice: Any) -> dict[str, Any] | None:
    if not invoice.subscription_id:
        return None
    return {"type": "subscription_details", "subscription_details": {"subscription": invoice.subscription_id}}


def _tax(tax: Any) -> dict[str, Any]:
    return {
        "amount": tax.amount,
        "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
        "tax_rate": tax.tax_rate_id or None,
        "taxability_reason": tax.taxability_reason,
        "taxable_amount": tax.taxable_amount,
    }
