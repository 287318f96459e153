"""Ways to pay at Stripe: what may be shown of one, and setting one up on Stripe's page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments.gateways.base import SetupRequest
from payments.gateways.stripe_intents import id_of
from payments.types import MethodFacts, SetupResult

Json = Mapping[str, Any]

# What Stripe calls a method type, and what its page can set up for later.
METHOD_TYPES = ("card", "link", "us_bank_account", "sepa_debit", "acss_debit")
_WALLET_TYPES = ("link",)


def method_from(body: Json, mandate_id: str = "") -> MethodFacts:
    """Stripe's PaymentMethod: brand, last four, expiry, wallet."""
    kind = body["type"]
    details = body.get(kind) or {}
    wallet = (details.get("wallet") or {}).get("type") or ""
    return MethodFacts(
        gateway_method_id=body["id"],
        type=kind,
        brand=details.get("brand") or details.get("bank_name") or "",
        last4=details.get("last4") or "",
        exp_month=details.get("exp_month"),
        exp_year=details.get("exp_year"),
        fingerprint=details.get("fingerprint") or "",
        wallet=wallet or (kind if kind in _WALLET_TYPES else ""),
        mandate_id=mandate_id,
        customer_id=id_of(body.get("customer")),
    )


def checkout_params(request: SetupRequest, gateway_customer_id: str) -> dict[str, Any]:
    """A hosted Checkout in mode=setup: Stripe's page takes the number, we get the method's id."""
    params: dict[str, Any] = {
        "mode": "setup",
        "customer": gateway_customer_id,
        "payment_method_types": list(request.method_types),
        "success_url": _with(request.return_url, "setup", "done"),
        "cancel_url": _with(request.return_url, "setup", "canceled"),
        "metadata": dict(request.metadata),
        "setup_intent_data": {"metadata": dict(request.metadata)},
    }
    if request.locale:
        params["locale"] = request.locale
    if "acss_debit" in request.method_types:
        params["payment_method_options"] = {
            "acss_debit": {
                # A Canadian mandate says how often it may be used, and in which of its two currencies.
                "currency": request.currency,
                "mandate_options": {
                    "payment_schedule": "combined",
                    "interval_description": "when an invoice is due",
                    "transaction_type": "personal",
                },
            }
        }
    return params


def setup_from(session: Json) -> SetupResult:
    """A Checkout Session with its `setup_intent.payment_method` expanded."""
    intent = session.get("setup_intent") or {}
    if isinstance(intent, Mapping) and intent.get("status") == "succeeded":
        return SetupResult("succeeded", method_from(intent["payment_method"], id_of(intent.get("mandate"))))
    if session.get("status") == "expired":
        return SetupResult("expired")
    error = intent.get("last_setup_error") if isinstance(intent, Mapping) else None
    if error and session.get("status") != "open":
        return SetupResult("failed", failure_code=error.get("code") or "setup_failed")
    return SetupResult("open", failure_code=(error or {}).get("code") or "")


def _with(url: str, name: str, value: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{name}={value}"
