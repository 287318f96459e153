"""Intents, charges, refunds and allocations as Stripe's JSON objects: one place for the API, events and webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from core.json_values import epoch, json_number
from payments.rules import amount_taken
from payments.types import EVIDENCE, EVIDENCE_FILES

Json = dict[str, Any]

# Stripe's charge is pending, succeeded or failed; ours also says why it is not settled yet.
_CHARGE_STATUS = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed", "authorized": "succeeded"}
# What a payment that stands for itself shows of what was asked of it.
_SHOWN_TERMS = (
    "automatic_payment_methods",
    "confirmation_method",
    "payment_method_types",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor_suffix",
)


def client_secret(intent_id: str) -> str:
    """In Stripe's form, for clients that take it apart. It opens nothing here: intents are confirmed by key or page."""
    return f"{intent_id}_secret_{sha256(intent_id.encode()).hexdigest()[:25]}"


def payment_intent_snapshot(intent: Any) -> Json:
    """Stripe's payment_intent object."""
    body = {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount if intent.status == "requires_capture" else 0,
        "amount_received": intent.amount_received,
        "canceled_at": epoch(intent.canceled_at),
        # What is promised to be canceled, and is not known to be yet, is not.
        "cancellation_reason": (intent.cancellation_reason or None) if intent.canceled_at else None,
        "capture_method": intent.capture_method,
        "client_secret": client_secret(intent.id),
        "confirmation_method": "automatic",
        "created": epoch(intent.created),
        "currency": intent.currency,
        "customer": intent.customer_id,
        "description": intent.description or None,
        "invoice": intent.invoice_id,
        "last_payment_error": intent.last_payment_error,
        "latest_charge": intent.latest_charge_id or None,
        "metadata": dict(intent.metadata),
        "next_action": intent.next_action,
        "payment_method": intent.payment_method_id or None,
        "payment_method_types": ["card"],
        "receipt_email": None,
        "setup_future_usage": None,
        "statement_descriptor": intent.statement_descriptor or None,
        "status": intent.status,
    }
    if intent.terms:
        body |= {name: intent.terms[name] for name in _SHOWN_TERMS if name in intent.terms}
    return body


def charge_snapshot(charge: Any) -> Json:
    """Stripe's charge object: what was authorized and never captured went back."""
    captured = amount_taken(charge) if charge.status == "succeeded" else 0
    released = charge.authorized_at is not None and charge.status == "canceled"
    returned = charge.amount if released else charge.amount_refunded
    if charge.amount_captured is not None:
        returned += charge.amount - charge.amount_captured
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": captured,
        "amount_refunded": returned,
        "captured": charge.status == "succeeded",
        "created": epoch(charge.created),
        "currency": charge.currency,
        "customer": charge.customer_id or None,
        "description": charge.description or None,
        "disputed": charge.disputed,
        "failure_code": charge.failure_code or None,
        "failure_message": charge.failure_message or None,
        "invoice": charge.invoice_id or None,
        "metadata": dict(charge.metadata),
        "outcome": _charge_outcome(charge),
        "paid": released or charge.status in ("succeeded", "authorized"),
        "payment_intent": charge.payment_intent_id,
        "payment_method": charge.payment_method_id or None,
        "receipt_url": None,
        "refunded": returned == charge.amount,
        "statement_descriptor": charge.statement_descriptor or None,
        "status": "succeeded" if released else _CHARGE_STATUS.get(charge.status, "pending"),
    }


def _charge_outcome(charge: Any) -> Json | None:
    if charge.status not in ("succeeded", "failed", "authorized"):
        return None
    approved = charge.status != "failed"
    return {
        "network_advice_code": charge.network_advice_code or None,
        "network_decline_code": charge.network_decline_code or None,
        "network_status": "approved_by_network" if approved else "declined_by_network",
        "reason": charge.decline_code or None,
        "seller_message": "Payment complete." if approved else "The customer's bank declined this payment.",
        "type": "authorized" if approved else "issuer_declined",
    }


def charged_account(kind: str, account: Mapping[str, Any]) -> Json:
    """A bank account of a payment method as a charge shows it."""
    return dict(account) | ({"mandate": None} if kind == "sepa_debit" else {})


def charged_card(card: Mapping[str, Any], charge: Mapping[str, Any]) -> Json:
    """`card` of a payment method as the `charge` that went to it shows it: Stripe has other fields there."""
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    unused = (
        *("authorization_code", "electronic_commerce_indicator", "installments", "mandate"),
        *("network_transaction_id", "regulated_status", "three_d_secure", "transaction_link_id"),
    )
    return {
        **dict.fromkeys(unused),
        **{name: card.get(name) for name in kept},
        "amount_authorized": charge["amount"] if charge["paid"] else None,
        "network": card.get("brand"),
    }


def refund_snapshot(refund: Any) -> Json:
    """Stripe's refund object; a planned or unknown one is pending to the world."""
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "charge": refund.charge_id,
        "created": epoch(refund.created),
        "currency": refund.currency,
        "failure_reason": refund.failure_reason or None,
        "metadata": dict(refund.metadata),
        "reason": refund.reason or None,
        "status": refund.status if refund.status in ("succeeded", "failed") else "pending",
    }


def invoice_payment_snapshot(payment: Any) -> Json:
    """Stripe's invoice_payment object."""
    return {
        "id": payment.id,
        "object": "invoice_payment",
        "amount_paid": payment.amount_paid,
        "amount_requested": payment.amount_paid,
        "created": epoch(payment.created),
        "currency": payment.currency,
        "invoice": payment.invoice_id,
        "is_default": True,
        "payment": _paid_by(payment),
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": epoch(payment.created)},
    }


def open_payment_snapshot(intent: Any) -> Json:
    """The invoice_payment that stands for an intent which still collects its invoice."""
    return {
        "id": "inpay_" + intent.id.removeprefix("pi_"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": intent.amount,
        "created": epoch(intent.created),
        "currency": intent.currency,
        "invoice": intent.invoice_id,
        "is_default": True,
        "payment": {"type": "payment_intent", "payment_intent": intent.id},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def _paid_by(payment: Any) -> Json:
    """A charge of an intent is told by the intent, as Stripe does; money that came another way has neither."""
    if payment.payment_intent_id:
        return {"type": "payment_intent", "payment_intent": payment.payment_intent_id}
    return {"type": "payment_record", "payment_record": None}


def dispute_snapshot(dispute: Any, movements: Sequence[Any] = ()) -> Json:
    """Stripe's dispute object; `movements` are the rows of the balance that it moved, the oldest first."""
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [balance_transaction_snapshot(moved) for moved in movements],
        "charge": dispute.charge_id,
        "created": epoch(dispute.created),
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": {name: dispute.evidence.get(name) for name in sorted(EVIDENCE + EVIDENCE_FILES)}
        | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": epoch(dispute.evidence_due_by),
            "enhanced_eligibility": {},
            "has_evidence": bool(dispute.evidence),
            "past_due": dispute.evidence_past_due,
            "submission_count": dispute.submission_count,
            "submission_method": "manual" if dispute.submission_count else "not_submitted",
        },
        "is_charge_refundable": dispute.is_charge_refundable,
        "metadata": dict(dispute.metadata),
        "network_reason_code": dispute.network_reason_code or None,
        "payment_intent": dispute.payment_intent_id or None,
        "reason": dispute.reason,
        "status": dispute.status,
    }


def payout_snapshot(payout: Any) -> Json:
    """Stripe's payout object."""
    return {
        "id": payout.id,
        "object": "payout",
        "amount": payout.amount,
        "arrival_date": epoch(payout.arrival_date),
        "automatic": payout.automatic,
        "created": epoch(payout.created),
        "currency": payout.currency,
        "failure_code": payout.failure_code or None,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "not_applicable",
        "source_type": "card",
        "status": payout.status,
        "type": "bank_account",
    }


def gateway_account_snapshot(account: Any) -> Json:
    """Ours: the account that a merchant's money goes through. No key, and nothing sealed."""
    return {
        "id": account.id,
        "object": "gateway_account",
        "account": account.gateway_account_id,
        "api_key_hint": account.api_key_hint,
        "created": epoch(account.created),
        "gateway": account.gateway,
        "livemode": account.livemode,
        "status": account.status,
    }


def balance_transaction_snapshot(movement: Any) -> Json:
    """Stripe's balance_transaction object."""
    return {
        "id": movement.id,
        "object": "balance_transaction",
        "amount": movement.amount,
        "available_on": epoch(movement.available_on),
        "balance_type": "payments",
        "created": epoch(movement.created),
        "currency": movement.currency,
        "description": movement.description or None,
        "exchange_rate": None if movement.exchange_rate is None else json_number(movement.exchange_rate),
        "fee": movement.fee,
        "fee_details": _fee_details(movement),
        "net": movement.net,
        "reporting_category": movement.reporting_category or movement.type,
        "source": movement.source_id or movement.gateway_source_id or None,
        "status": movement.status,
        "type": movement.type,
    }


def _fee_details(movement: Any) -> list[Json]:
    if not movement.fee:
        return []
    return [
        {
            "amount": movement.fee,
            "application": None,
            "currency": movement.currency,
            "description": None,
            "type": "stripe_fee",
        }
    ]


def setup_intent_snapshot(intent: Any) -> Json:
    """Stripe's setup_intent object."""
    return {
        "id": intent.id,
        "object": "setup_intent",
        "automatic_payment_methods": None,
        "cancellation_reason": intent.cancellation_reason or None,
        "client_secret": client_secret(intent.id),
        "created": epoch(intent.created),
        "customer": intent.customer_id,
        "description": intent.description or None,
        "last_setup_error": intent.last_setup_error,
        "latest_attempt": None,
        "mandate": None,
        "metadata": dict(intent.metadata),
        "next_action": None,
        "payment_method": intent.payment_method_id or None,
        "payment_method_types": list(intent.payment_method_types),
        "status": intent.status,
        "usage": intent.usage,
    }
