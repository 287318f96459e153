"""A customer, a tax id, a payment method, a balance entry as Stripe's JSON objects. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from core.json_values import epoch


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
        "created": epoch(customer.created),
        "currency": customer.currency or None,
        "default_source": None,
        "description": customer.description or None,
        "discount": None,
        "email": customer.email or None,
        "invoice_prefix": None,
        "invoice_settings": {
            "backup_payment_methods": list(customer.backup_payment_method_ids),
            "custom_fields": [dict(one) for one in customer.invoice_custom_fields] or None,
            "default_payment_method": customer.default_payment_method_id or None,
            "footer": customer.invoice_footer or None,
            "rendering_options": None,
        },
        "metadata": dict(customer.metadata),
        "name": customer.name or None,
        "phone": customer.phone or None,
        "preferred_locales": _locales(customer),
        "shipping": dict(customer.shipping) if customer.shipping else None,
        "tax_exempt": customer.tax_exempt,
        "test_clock": customer.test_clock_id,
        # Left out where there is none, as in Stripe.
        **{name: given for name in ("business_name", "individual_name") if (given := getattr(customer, name))},
    }


def _locales(customer: Any) -> list[str]:
    """All that are wished for; of customers from before they were kept, the one that is spoken."""
    return list(customer.preferred_locales) or ([customer.preferred_locale] if customer.preferred_locale else [])


def tax_id_snapshot(tax_id: Any) -> dict[str, Any]:
    """Stripe's tax_id object."""
    return {
        "id": tax_id.id,
        "object": "tax_id",
        "country": tax_id.type[:2].upper() if not tax_id.type.startswith("eu_") else tax_id.value[:2].upper(),
        "created": epoch(tax_id.created),
        "customer": tax_id.customer_id,
        "owner": {"type": "customer", "customer": tax_id.customer_id},
        "type": tax_id.type,
        "value": tax_id.value,
        "verification": {
            "status": tax_id.verification or "unavailable",
            "verified_address": None,
            "verified_name": None,
        },
    }


def payment_method_snapshot(method: Any) -> dict[str, Any]:
    """Stripe's payment_method object; what identifies an account stays with the gateway."""
    return {
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": method.allow_redisplay,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None} | dict(method.billing_details),
        "created": epoch(method.created),
        "customer": method.customer_id if method.detached_at is None else None,
        "metadata": dict(method.metadata),
        "type": method.type,
        method.type: _card(method) if method.type == "card" else _account(method),
    }


def shown_fingerprint(method: Any) -> str | None:
    """The same for the same instrument, and no more: what a sandbox knows it by is not shown."""
    if not method.fingerprint.startswith("sandbox-"):
        return method.fingerprint or None
    return sha256(f"{method.merchant_id}/{method.fingerprint}/{method.last4}".encode()).hexdigest()[:16]


def legacy_id(method: Any) -> str:
    """The name of a method that was made by the older calls: a card's or a source's, its characters the same."""
    return ("card_" if method.made_as == "card" else "src_") + str(method.id).removeprefix("pm_")


_LEGACY_BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "MasterCard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def legacy_card_snapshot(method: Any) -> dict[str, Any]:
    """Stripe's older card object."""
    said = dict(method.billing_details)
    address = said.get("address") or {}
    return {
        "id": legacy_id(method),
        "object": "card",
        "address_city": address.get("city"),
        "address_country": address.get("country"),
        "address_line1": address.get("line1"),
        "address_line1_check": None,
        "address_line2": address.get("line2"),
        "address_state": address.get("state"),
        "address_zip": address.get("postal_code"),
        "address_zip_check": None,
        "allow_redisplay": method.allow_redisplay,
        "brand": _LEGACY_BRANDS.get(method.brand, "Unknown"),
        "country": None,
        "customer": method.customer_id if method.detached_at is None else None,
        "cvc_check": None,
        "dynamic_last4": None,
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
        "fingerprint": shown_fingerprint(method),
        "funding": "credit",
        "last4": method.last4,
        "metadata": dict(method.metadata),
        "name": said.get("name"),
        "regulated_status": "unregulated",
        "tokenization_method": None,
    }


def legacy_source_snapshot(method: Any, client_secret: str) -> dict[str, Any]:
    """Stripe's older source object: what it can be charged to is there at once."""
    said = {"address": None, "email": None, "name": None, "phone": None} | dict(method.billing_details)
    card = method.type == "card"
    owner = {"customer": method.customer_id} if method.customer_id and method.detached_at is None else {}
    return owner | {
        "id": legacy_id(method),
        "object": "source",
        "allow_redisplay": method.allow_redisplay,
        "amount": None,
        "client_secret": client_secret,
        "created": epoch(method.created),
        "currency": None if card else {"sepa_debit": "eur", "us_bank_account": "usd"}.get(method.type),
        "flow": "none",
        "metadata": dict(method.metadata),
        "owner": said | {f"verified_{name}": None for name in ("address", "email", "name", "phone")},
        "statement_descriptor": None,
        "status": "chargeable" if method.detached_at is None else "consumed",
        "type": method.type,
        "usage": "reusable",
        method.type: _card(method) if card else _account(method),
    }


# What Stripe's object of each type has beside what is known here: always there, and null.
_NOT_KEPT = {
    "acss_debit": ("institution_number", "transit_number"),
    "au_becs_debit": ("bsb_number",),
    "bacs_debit": ("sort_code",),
    "sepa_debit": ("bank_code", "branch_code", "country", "generated_from"),
    "us_bank_account": (
        "account_holder_type",
        "account_type",
        "financial_connections_account",
        "networks",
        "routing_number",
        "status_details",
    ),
}
_WITH_BANK = frozenset({"acss_debit", "us_bank_account"})


def _account(method: Any) -> dict[str, Any]:
    """A bank account, or a wallet that is a type of its own, which has no digits."""
    if method.type == "link":
        return {"email": None, "persistent_token": None}
    known = {"fingerprint": shown_fingerprint(method), "last4": method.last4 or None}
    if method.type in _WITH_BANK:
        known["bank_name"] = method.brand or None
    return dict.fromkeys(_NOT_KEPT.get(method.type, ())) | known


def _wallet(method: Any) -> dict[str, Any] | None:
    if not method.wallet:
        return None
    return {"type": method.wallet, "dynamic_last4": None, method.wallet: {}}


def _card(method: Any) -> dict[str, Any]:
    return {
        "brand": method.brand or "unknown",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
        "country": None,
        "display_brand": method.brand or None,
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
        "fingerprint": shown_fingerprint(method),
        "funding": "credit",
        "generated_from": None,
        "last4": method.last4,
        "networks": {"available": [method.brand] if method.brand else [], "preferred": None},
        "three_d_secure_usage": {"supported": True},
        "wallet": _wallet(method),
    }


def balance_transaction_snapshot(entry: Any) -> dict[str, Any]:
    """Stripe's customer_balance_transaction object."""
    return {
        "id": entry.id,
        "object": "customer_balance_transaction",
        "amount": entry.amount,
        "created": epoch(entry.created),
        "credit_note": entry.credit_note_id or None,
        "currency": entry.currency,
        "customer": entry.customer_id,
        "description": entry.description or None,
        "ending_balance": entry.ending_balance,
        "invoice": entry.invoice_id or None,
        "metadata": dict(entry.metadata),
        "type": entry.type,
    }


def credit_grant_snapshot(grant: Any) -> dict[str, Any]:
    """Stripe's billing.credit_grant."""
    scope: dict[str, Any] = {"price_type": "metered"}
    if grant.price_ids:
        scope = {"prices": [{"id": price_id} for price_id in grant.price_ids]}
    return {
        "id": grant.id,
        "object": "billing.credit_grant",
        "amount": {"monetary": {"currency": grant.currency, "value": grant.amount}, "type": "monetary"},
        "applicability_config": {"scope": scope},
        "category": grant.category,
        "created": epoch(grant.created),
        "customer": grant.customer_id,
        "effective_at": epoch(grant.effective_at),
        "expires_at": epoch(grant.expires_at),
        "metadata": dict(grant.metadata),
        "name": grant.name or None,
        "priority": grant.priority,
        "test_clock": grant.test_clock_id,
        "updated": epoch(grant.updated or grant.created),
        "voided_at": epoch(grant.voided_at),
    }


def test_clock_snapshot(clock: Any) -> dict[str, Any]:
    """Stripe's test clock."""
    target = epoch(clock.target_time)
    return {
        "id": clock.id,
        "object": "test_helpers.test_clock",
        "created": epoch(clock.recorded_at),
        "deletes_after": int(clock.recorded_at.timestamp()) + 30 * 86400,
        "frozen_time": epoch(clock.frozen_time),
        "livemode": False,
        "name": clock.name or None,
        "status": clock.status,
        "status_details": {"advancing": {"target_frozen_time": target}} if clock.status == "advancing" else {},
    }
