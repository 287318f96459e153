"""The sandbox's disputes. Inside its own transactions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from core.errors import gettext_noop
from core.ids import new_id
from payments.gateways import sandbox_books as books
from payments.gateways.base import Call, GatewayRefused, UnexpectedIntentState
from payments.gateways.sandbox_intents import INTENT
from payments.models import SandboxObject
from payments.types import DisputeFacts, Succeeded

DISPUTE = "dispute"
_TIME_TO_ANSWER = timedelta(days=14)


class DisputeClosed(GatewayRefused):
    code = "dispute_closed"
    param = "evidence"
    message_id = gettext_noop("This dispute cannot be answered any more.")


def open_dispute(call: Call, gateway_intent_id: str, reason: str) -> DisputeFacts:
    intent = books.locked(call, INTENT, gateway_intent_id)
    if not isinstance(books.standing_from_json(intent.body["standing"]), Succeeded):
        raise UnexpectedIntentState
    body = {
        "intent": intent.id,
        "charge": intent.body["latest_charge"],
        "status": "needs_response",
        "reason": reason,
        "amount": intent.body["amount"] - intent.body["refunded"],
        "currency": intent.body["currency"],
        "evidence": {},
        "due_by": (call.at + _TIME_TO_ANSWER).isoformat(),
        "submissions": 0,
        "metadata": {},
    }
    return facts_of(books.open_account(call, DISPUTE, new_id("dp"), intent.body["customer"], body))


def submit_evidence(call: Call, gateway_dispute_id: str, evidence: Mapping[str, str], submit: bool) -> DisputeFacts:
    entry = books.locked(call, DISPUTE, gateway_dispute_id)
    if entry.body["status"] != "needs_response" or call.at >= datetime.fromisoformat(entry.body["due_by"]):
        raise DisputeClosed
    entry.body["evidence"] |= evidence
    if submit:
        entry.body |= {"status": "under_review", "submissions": entry.body["submissions"] + 1}
    books.save_body(entry)
    return facts_of(entry)


def close_dispute(call: Call, gateway_dispute_id: str, status: str) -> DisputeFacts:
    entry = books.locked(call, DISPUTE, gateway_dispute_id)
    entry.body["status"] = status
    books.save_body(entry)
    return facts_of(entry)


def facts_of(entry: SandboxObject) -> DisputeFacts:
    body = entry.body
    return DisputeFacts(
        gateway_dispute_id=entry.id,
        gateway_intent_id=body["intent"],
        gateway_charge_id=body["charge"],
        status=body["status"],
        reason=body["reason"],
        amount=body["amount"],
        currency=body["currency"],
        created=entry.created,
        evidence=dict(body["evidence"]),
        evidence_due_by=datetime.fromisoformat(body["due_by"]),
        submission_count=body["submissions"],
    )
