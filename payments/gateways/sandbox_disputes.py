"""The sandbox's disputes. Inside its own transactions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from core.errors import gettext_noop
from core.ids import new_id
from payments.gateways import sandbox_books as books
from payments.gateways.base import Call, GatewayRefused, UnexpectedIntentState
from payments.gateways.sandbox_balance import DISPUTE, movements_of_dispute
from payments.gateways.sandbox_intents import INTENT, known_instrument, taken
from payments.models import SandboxObject
from payments.types import EVIDENCE_FILES, DisputeFacts, Succeeded

FILE = "file"
_TIME_TO_ANSWER = timedelta(days=14)
# Stripe's own words for a test: the bank decides for or against the merchant. Other evidence takes its bank two months.
_WINS, _LOSES = "winning_evidence", "losing_evidence"
_SOON, _LATER = timedelta(days=1), timedelta(days=60)
_NEXT = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
_UNANSWERED = {"needs_response": "lost", "warning_needs_response": "warning_closed"}


class DisputeClosed(GatewayRefused):
    code = "dispute_closed"
    param = "evidence"
    message_id = gettext_noop("This dispute cannot be answered any more.")


def open_dispute(call: Call, gateway_intent_id: str, reason: str, inquiry: bool = False) -> DisputeFacts:
    intent = books.locked(call, INTENT, gateway_intent_id)
    if not isinstance(books.standing_from_json(intent.body["standing"]), Succeeded):
        raise UnexpectedIntentState
    due_by = (call.at + _TIME_TO_ANSWER).isoformat()
    body = {
        "intent": intent.id,
        "charge": intent.body["latest_charge"],
        "status": "warning_needs_response" if inquiry else "needs_response",
        "reason": reason,
        "amount": taken(intent.body) - intent.body["refunded"],
        "currency": intent.body["currency"],
        "evidence": {},
        "due_by": due_by,
        "moves_at": due_by,
        "submissions": 0,
        "metadata": {},
    }
    intent.body["disputed"] = not inquiry
    books.save_body(intent)
    return facts_of(books.open_account(call, DISPUTE, new_id("dp"), intent.body["customer"], body))


def disputes_of(call: Call, gateway_intent_id: str) -> list[DisputeFacts]:
    """What the holder of the intent's card has to say by now: the first look a day after it was charged opens it."""
    intent = books.locked(call, INTENT, gateway_intent_id)
    rows = SandboxObject.objects.filter(merchant_id=call.merchant_id, kind=DISPUTE, body__intent=intent.id)
    found = [facts_of(_as_it_stands(call, entry)) for entry in rows.order_by("created", "id")]
    method = SandboxObject.objects.filter(id=intent.body.get("method")).first()
    wanted = known_instrument(method.body["instrument"]) if method else None
    if found or wanted is None or not wanted.dispute or intent.body["refunded"] >= taken(intent.body):
        return found
    return [open_dispute(call, gateway_intent_id, wanted.dispute, wanted.inquiry)]


def read(call: Call, gateway_dispute_id: str) -> DisputeFacts:
    return facts_of(_as_it_stands(call, books.locked(call, DISPUTE, gateway_dispute_id)))


def keep_file(call: Call, facts: books.Json) -> books.Json:
    """A bank looks at no file here: that it came, and what it was, is all that is kept."""
    return {"id": books.open_account(call, FILE, new_id("file"), "", facts).id}


def submit_evidence(call: Call, gateway_dispute_id: str, evidence: Mapping[str, str], submit: bool) -> DisputeFacts:
    entry = _as_it_stands(call, books.locked(call, DISPUTE, gateway_dispute_id))
    if entry.body["status"] not in _NEXT:
        raise DisputeClosed
    for name in EVIDENCE_FILES:
        if evidence.get(name):
            books.locked(call, FILE, evidence[name])
    together = entry.body["evidence"] | evidence
    entry.body["evidence"] = {name: text for name, text in together.items() if text}
    if submit:
        said = entry.body["evidence"].get("uncategorized_text", "").strip()
        entry.body |= {
            "status": _NEXT[entry.body["status"]],
            "submissions": entry.body["submissions"] + 1,
            "moves_at": (call.at + (_SOON if said in (_WINS, _LOSES) else _LATER)).isoformat(),
        }
    books.save_body(entry)
    return facts_of(entry)


def give_in(call: Call, gateway_dispute_id: str) -> DisputeFacts:
    """The merchant has nothing to say: the outcome is that of leaving it unanswered, at once."""
    entry = _as_it_stands(call, books.locked(call, DISPUTE, gateway_dispute_id))
    if entry.body["status"] not in _UNANSWERED:
        raise DisputeClosed
    _close(call, entry, _UNANSWERED[entry.body["status"]])
    return facts_of(entry)


def decide(call: Call, gateway_dispute_id: str, status: str) -> DisputeFacts:
    entry = books.locked(call, DISPUTE, gateway_dispute_id)
    _close(call, entry, status)
    return facts_of(entry)


def _as_it_stands(call: Call, entry: SandboxObject) -> SandboxObject:
    """At that business time: unanswered in time it is lost, answered the bank decides on its day."""
    body = entry.body
    if not body.get("moves_at") or call.at < datetime.fromisoformat(body["moves_at"]):
        return entry
    if body["status"] in _UNANSWERED:
        _close(call, entry, _UNANSWERED[body["status"]])
    elif body["status"] == "warning_under_review":
        _close(call, entry, "warning_closed")
    else:
        _close(call, entry, "won" if body["evidence"].get("uncategorized_text", "").strip() == _WINS else "lost")
    return entry


def _close(call: Call, entry: SandboxObject, status: str) -> None:
    entry.body |= {"status": status, "moves_at": "", "closed_at": call.at.isoformat()}
    books.save_body(entry)
    if status == "won":
        intent = books.locked(call, INTENT, entry.body["intent"])
        intent.body["disputed"] = False
        books.save_body(intent)


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
        is_charge_refundable=body["status"].startswith("warning"),
        evidence=dict(body["evidence"]),
        evidence_due_by=datetime.fromisoformat(body["due_by"]),
        submission_count=body["submissions"],
        moves_at=datetime.fromisoformat(body["moves_at"]) if body.get("moves_at") else None,
        movements=tuple(movements_of_dispute(entry)),
    )
