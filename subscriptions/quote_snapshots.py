"""A quote and its lines as Stripe's JSON objects. Pure: rows or model instances in, dicts out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.json_values import epoch

Json = dict[str, Any]


def quote_snapshot(quote: Any) -> Json:
    """Stripe's quote object. Discounts and tax rates are ids; what is there only when asked for is left out."""
    computed = quote.computed
    return {
        "id": quote.id,
        "object": "quote",
        "amount_subtotal": computed["all"]["amount_subtotal"],
        "amount_total": computed["all"]["amount_total"],
        "application": None,
        "application_fee_amount": None,
        "application_fee_percent": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "collection_method": quote.collection_method,
        "computed": {
            "recurring": _recurring(computed["recurring"]),
            "upfront": _amounts(computed["upfront"]),
        },
        "created": epoch(quote.created),
        "currency": quote.currency,
        "customer": quote.customer_id,
        "customer_account": None,
        "default_tax_rates": list(quote.default_tax_rate_ids),
        "description": quote.description or None,
        "discounts": [one["discount"] or one["id"] for one in quote.discounts],
        "expires_at": epoch(quote.expires_at),
        "footer": quote.footer or None,
        "from_quote": {"is_revision": quote.is_revision, "quote": quote.from_quote_id} if quote.from_quote_id else None,
        "header": quote.header or None,
        "invoice": quote.invoice_id or None,
        "invoice_settings": {
            "custom_fields": list(quote.invoice_custom_fields) or None,
            "days_until_due": quote.days_until_due,
            "description": quote.invoice_description or None,
            "footer": quote.invoice_footer or None,
            "issuer": {"type": "self"},
        },
        "metadata": dict(quote.metadata),
        "number": quote.number or None,
        "on_behalf_of": None,
        "status": quote.status,
        "status_transitions": {
            "accepted_at": epoch(quote.accepted_at),
            "canceled_at": epoch(quote.canceled_at),
            "finalized_at": epoch(quote.finalized_at),
        },
        "subscription": quote.subscription_id or None,
        "subscription_data": {
            "billing_mode": {"type": "flexible", "flexible": {"proration_discounts": "itemized"}},
            "description": quote.subscription_description or None,
            "effective_date": epoch(quote.effective_date),
            "metadata": dict(quote.subscription_metadata),
            "trial_period_days": quote.trial_period_days,
        },
        "subscription_schedule": quote.subscription_schedule_id or None,
        "test_clock": quote.test_clock_id,
        "total_details": total_details(computed["all"]),
        "transfer_data": None,
    }


def _amounts(totals: Mapping[str, Any]) -> Json:
    return {
        "amount_subtotal": totals["amount_subtotal"],
        "amount_total": totals["amount_total"],
        "total_details": total_details(totals),
    }


def _recurring(totals: Mapping[str, Any] | None) -> Json | None:
    if totals is None:
        return None
    return {"interval": totals["interval"], "interval_count": totals["interval_count"], **_amounts(totals)}


def total_details(totals: Mapping[str, Any]) -> Json:
    return {
        "amount_discount": totals["amount_discount"],
        "amount_shipping": 0,
        "amount_tax": totals["amount_tax"],
    }


def item_snapshot(
    line: Mapping[str, Any], totals: Mapping[str, Any], *, line_id: str, name: str, currency: str, price: Json | None
) -> Json:
    """Stripe's item object: a line with what it comes to; `price` is the whole object."""
    return {
        "id": line_id,
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": totals["amount_discount"],
        "amount_subtotal": totals["amount_subtotal"],
        "amount_tax": totals["amount_tax"],
        "amount_total": totals["amount_total"],
        "currency": currency,
        "description": name,
        "metadata": dict(line["metadata"]),
        "price": price,
        "quantity": line["quantity"],
    }


def discount_snapshot(quote: Any, kept: Mapping[str, Any]) -> Json:
    """Stripe's discount object of what a quote offers and nobody has redeemed yet."""
    return {
        "id": kept["id"],
        "object": "discount",
        "checkout_session": None,
        "customer": quote.customer_id,
        "end": None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": kept["promotion_code"],
        "source": {"coupon": kept["coupon"], "type": "coupon"},
        "start": epoch(quote.created),
        "subscription": None,
        "subscription_item": None,
    }
