"""What goes back, what is disputed, and what the account's balance did: read off Stripe's JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from payments.gateways.stripe_amounts import from_stripe
from payments.gateways.stripe_intents import id_of
from payments.types import BalanceFacts, DisputeFacts, GatewayRefund, PayoutFacts, RefundFacts

Json = Mapping[str, Any]

# The reasons that Stripe takes; ours beyond them stay with us.
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_STATUS = {"canceled": "failed", "requires_action": "pending"}


def refund_from(body: Json) -> GatewayRefund:
    status = body["status"]
    return GatewayRefund(
        status=_STATUS.get(status, str(status)),
        gateway_refund_id=body["id"],
        failure_reason=body.get("failure_reason") or ("canceled" if status == "canceled" else ""),
    )


def refund_facts_from(body: Json) -> RefundFacts:
    return RefundFacts(
        refund=refund_from(body),
        gateway_intent_id=id_of(body.get("payment_intent")),
        amount=from_stripe(body["amount"], body["currency"]),
        currency=body["currency"],
        reason=body.get("reason") or "",
        metadata=dict(body.get("metadata") or {}),
    )


def dispute_from(body: Json) -> DisputeFacts:
    details = body.get("evidence_details") or {}
    card = (body.get("payment_method_details") or {}).get("card") or {}
    evidence = {name: value for name, value in (body.get("evidence") or {}).items() if value and isinstance(value, str)}
    return DisputeFacts(
        gateway_dispute_id=body["id"],
        gateway_intent_id=id_of(body.get("payment_intent")),
        gateway_charge_id=id_of(body.get("charge")),
        status=body["status"],
        reason=body.get("reason") or "",
        network_reason_code=card.get("network_reason_code") or body.get("network_reason_code") or "",
        amount=from_stripe(body["amount"], body["currency"]),
        currency=body["currency"],
        is_charge_refundable=bool(body.get("is_charge_refundable")),
        evidence=evidence,
        evidence_due_by=_instant(details.get("due_by")),
        past_due=bool(details.get("past_due")),
        submission_count=details.get("submission_count") or 0,
        created=_moment(body["created"]),
        movements=tuple(balance_from(moved) for moved in body.get("balance_transactions") or ()),
    )


def payout_from(body: Json) -> PayoutFacts:
    return PayoutFacts(
        gateway_payout_id=body["id"],
        status=body["status"],
        amount=from_stripe(body["amount"], body["currency"]),
        currency=body["currency"],
        automatic=bool(body.get("automatic", True)),
        failure_code=body.get("failure_code") or "",
        created=_moment(body["created"]),
        arrival_date=_moment(body["arrival_date"]),
    )


def balance_from(body: Json) -> BalanceFacts:
    currency = body["currency"]
    source = body.get("source")
    rate = body.get("exchange_rate")
    return BalanceFacts(
        gateway_balance_transaction_id=body["id"],
        type=body["type"],
        reporting_category=body.get("reporting_category") or "",
        amount=from_stripe(body["amount"], currency),
        fee=from_stripe(body["fee"], currency),
        net=from_stripe(body["net"], currency),
        currency=currency,
        status=body["status"],
        description=body.get("description") or "",
        gateway_source_id=id_of(source),
        metadata=dict(source.get("metadata") or {}) if isinstance(source, Mapping) else {},
        exchange_rate="" if rate is None else str(rate),
        created=_moment(body["created"]),
        available_on=_moment(body["available_on"]),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _instant(seconds: int | None) -> datetime | None:
    return None if not seconds else _moment(seconds)
