"""Stripe's books behind the port: what goes back, what is disputed, paid out, told, and how the balance moved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO

import stripe

from payments.gateways.base import Call, GatewayUnreachable, RefundRefused, outside_transactions
from payments.gateways.stripe_amounts import to_stripe
from payments.gateways.stripe_client import Connection, ask_about_money, connection_of, translated
from payments.gateways.stripe_intents import plain
from payments.gateways.stripe_refunds import (
    REASONS,
    balance_from,
    dispute_from,
    payout_from,
    refund_facts_from,
    refund_from,
)
from payments.inbox import EVENT_TYPES, facts_of
from payments.types import (
    BalancePage,
    DisputeFacts,
    EventPage,
    GatewayRefund,
    PayoutFacts,
    RefundFacts,
    Unknown,
)


class StripeBooks:
    """The half of the adapter that is about what was paid already."""

    @outside_transactions
    def refund(
        self, call: Call, gateway_intent_id: str, amount: int, *, reason: str = "", metadata: Mapping[str, str]
    ) -> GatewayRefund:
        at = connection_of(call.merchant_id)
        asked = ask_about_money(lambda: _refund(at, call, gateway_intent_id, amount, reason, metadata))
        return GatewayRefund("unknown") if isinstance(asked, Unknown) else asked

    @outside_transactions
    def retrieve_refund(self, call: Call, gateway_refund_id: str) -> GatewayRefund:
        at = connection_of(call.merchant_id)
        try:
            with translated(gateway_refund_id):
                return refund_from(plain(at.client.v1.refunds.retrieve(gateway_refund_id)))
        except GatewayUnreachable:
            return GatewayRefund("unknown")

    @outside_transactions
    def find_refund(self, call: Call, gateway_intent_id: str, metadata: Mapping[str, str]) -> GatewayRefund | None:
        at = connection_of(call.merchant_id)
        try:
            with translated(gateway_intent_id):
                found = at.client.v1.refunds.list({"payment_intent": gateway_intent_id, "limit": 100})
                for refund in found.auto_paging_iter():
                    body = plain(refund)
                    if carries(body, metadata):
                        return refund_from(body)
        except GatewayUnreachable:
            return GatewayRefund("unknown")
        return None

    @outside_transactions
    def read_refund(self, call: Call, gateway_refund_id: str) -> RefundFacts:
        at = connection_of(call.merchant_id)
        with translated(gateway_refund_id):
            return refund_facts_from(plain(at.client.v1.refunds.retrieve(gateway_refund_id)))

    @outside_transactions
    def read_dispute(self, call: Call, gateway_dispute_id: str) -> DisputeFacts:
        at = connection_of(call.merchant_id)
        with translated(gateway_dispute_id):
            return dispute_from(plain(at.client.v1.disputes.retrieve(gateway_dispute_id)))

    @outside_transactions
    def upload_evidence(self, call: Call, name: str, content: bytes) -> str:
        at = connection_of(call.merchant_id)
        file = BytesIO(content)
        file.name = name  # the library sends it along
        with translated():
            made = at.client.v1.files.create(
                {"file": file, "purpose": "dispute_evidence"}, {"idempotency_key": call.key}
            )
        return str(made.id)

    @outside_transactions
    def submit_evidence(
        self, call: Call, gateway_dispute_id: str, evidence: Mapping[str, str], *, submit: bool
    ) -> DisputeFacts:
        at = connection_of(call.merchant_id)
        params: dict[str, object] = {"evidence": dict(evidence), "submit": submit}
        with translated(gateway_dispute_id):
            answer = at.client.v1.disputes.update(
                gateway_dispute_id,
                params,  # type: ignore[arg-type]
                {"idempotency_key": call.key},
            )
        return dispute_from(plain(answer))

    @outside_transactions
    def close_dispute(self, call: Call, gateway_dispute_id: str) -> DisputeFacts:
        at = connection_of(call.merchant_id)
        with translated(gateway_dispute_id):
            answer = at.client.v1.disputes.close(gateway_dispute_id, {}, {"idempotency_key": call.key})
        return dispute_from(plain(answer))

    @outside_transactions
    def read_payout(self, call: Call, gateway_payout_id: str) -> PayoutFacts:
        at = connection_of(call.merchant_id)
        with translated(gateway_payout_id):
            return payout_from(plain(at.client.v1.payouts.retrieve(gateway_payout_id)))

    @outside_transactions
    def events(self, call: Call, *, since: datetime, after: str = "") -> EventPage:
        at = connection_of(call.merchant_id)
        params = {"limit": 100, "created": {"gte": int(since.timestamp())}}
        if after:
            params["starting_after"] = after
        with translated(after):
            page = plain(at.client.v1.events.list(params))  # type: ignore[arg-type]
        items = tuple(facts_of(event) for event in page["data"] if event["type"] in EVENT_TYPES)
        return EventPage(items, page["data"][-1]["id"] if page.get("has_more") and page["data"] else "")

    @outside_transactions
    def balance_transactions(self, call: Call, *, since: datetime, after: str = "") -> BalancePage:
        at = connection_of(call.merchant_id)
        params = {"limit": 100, "created": {"gte": int(since.timestamp())}, "expand": ["data.source"]}
        if after:
            params["starting_after"] = after
        with translated(after):
            page = plain(at.client.v1.balance_transactions.list(params))  # type: ignore[arg-type]
        items = tuple(balance_from(body) for body in page["data"])
        more = page.get("has_more") and items
        return BalancePage(items, items[-1].gateway_balance_transaction_id if more else "")


def _refund(
    at: Connection, call: Call, gateway_intent_id: str, amount: int, reason: str, metadata: Mapping[str, str]
) -> GatewayRefund:
    with translated(gateway_intent_id):
        intent = plain(at.client.v1.payment_intents.retrieve(gateway_intent_id))
    params: dict[str, object] = {
        "payment_intent": gateway_intent_id,
        "amount": to_stripe(amount, intent["currency"]),
        "metadata": dict(metadata),
    }
    if reason in REASONS:
        params["reason"] = reason
    try:
        made = at.client.v1.refunds.create(params, {"idempotency_key": call.key})  # type: ignore[arg-type]
    except stripe.InvalidRequestError as refused:
        if isinstance(refused, stripe.IdempotencyError):
            raise
        error = RefundRefused()
        error.code = refused.code or RefundRefused.code
        raise error from refused
    return refund_from(plain(made))


def carries(body: Mapping[str, object], metadata: Mapping[str, str]) -> bool:
    """Whether an object carries all of our metadata."""
    carried = body.get("metadata") or {}
    assert isinstance(carried, Mapping)
    return all(carried.get(name) == value for name, value in metadata.items())
