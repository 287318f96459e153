"""A customer, a tax id, a payment method, a balance entry as Stripe's JSON objects. Pure."""

from __future__ import annotations

from typing import Any


def address_snapshot(row: Any) -> dict[str, Any] | None:
    """Stripe's address, or None when nothing of it is known."""
    address = {
        name: getattr(row, name) or None for name in ("line1", "line2", "city", "state", "postal_code", "country")
    }
    return address if any(address.values()) else None


def customer_snapshot(customer: Any) -> dict[str, Any]:
    """Stripe's customer object."""
    return {
        "id": customer.id,
        "object": "customer",
        "address": address_snapshot(customer),
        "balance": customer.balance,
        "created": int(customer.created.timestamp()),
        "currency": customer.currency or None,
        "delinquent": customer.delinquent,
        "description": customer.description or None,
        "email": customer.email or None,
        "invoice_settings": {"default_payment_method": customer.default_payment_method_id or None},
        "metadata": dict(customer.metadata),
        "name": customer.name or None,
        "phone": customer.phone or None,
        "preferred_locales": [customer.preferred_locale] if customer.preferred_locale else [],
        "tax_exempt": customer.tax_exempt,
        "test_clock": customer.test_clock_id,
    }


def tax_id_snapshot(tax_id: Any) -> dict[str, Any]:
    """Stripe's tax_id object."""
    return {
        "id": tax_id.id,
        "object": "tax_id",
        "created": int(tax_id.created.timestamp()),
        "customer": tax_id.customer_id,
        "type": tax_id.type,
        "value": tax_id.value,
    }


def payment_method_snapshot(method: Any) -> dict[str, Any]:
    """Stripe's payment_method object; what identifies an account stays with the gateway."""
    details = {"brand": method.brand, "last4": method.last4, "exp_month": method.exp_month, "exp_year": method.exp_year}
    return {
        "id": method.id,
        "object": "payment_method",
        "billing_details": dict(method.billing_details),
        "created": int(method.created.timestamp()),
        "customer": method.customer_id if method.detached_at is None else None,
        "metadata": dict(method.metadata),
        "type": method.type,
        method.type: {name: value for name, value in details.items() if value},
    }


def balance_transaction_snapshot(entry: Any) -> dict[str, Any]:
    """Stripe's customer_balance_transaction object."""
    return {
        "id": entry.id,
        "object": "customer_balance_transaction",
        "amount": entry.amount,
        "created": int(entry.created.timestamp()),
        "credit_note": entry.credit_note_id or None,
        "currency": entry.currency,
        "customer": entry.customer_id,
        "description": entry.description or None,
        "ending_balance": entry.ending_balance,
        "invoice": entry.invoice_id or None,
        "type": entry.type,
    }
