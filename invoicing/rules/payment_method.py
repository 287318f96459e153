"""Which payment method an invoice is charged to."""

from __future__ import annotations


def payment_method_for(invoice_method_id: str, subscription_method_id: str, customer_method_id: str) -> str:
    """The invoice's own, else the subscription's, else the customer's default; blank when there is none."""
    return invoice_method_id or subscription_method_id or customer_method_id
