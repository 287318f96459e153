"""The sandbox gateway: a small processor of our own, with books of its own, for when there are no keys.

It behaves as a real one where that matters: intents are created unconfirmed, a key replays its first answer
(declines and server errors too), another request under the same key is refused, debits settle days later on
the business clock, authentication is asked for on session and declined off session, answers get lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core.ids import new_id
from payments.gateways import sandbox_books as books
from payments.gateways.base import (
    Call,
    InstrumentDeclined,
    IntentRequest,
    MethodNotUsable,
    RefundRefused,
    UnexpectedIntentState,
    UnknownInstrument,
    outside_transactions,
)
from payments.gateways.sandbox_instruments import (
    AUTHENTICATE_ALWAYS,
    AUTHENTICATE_ONCE,
    ERROR_AFTER,
    LOST_AFTER,
    LOST_BEFORE,
    Instrument,
    instrument,
)
from payments.models import SandboxObject
from payments.types import (
    Declined,
    GatewayIntent,
    GatewayRefund,
    IntentCanceled,
    MethodFacts,
    NotConfirmed,
    Outcome,
    Processing,
    RequiresAction,
    Standing,
    Succeeded,
    Unknown,
)

_INTENT, _METHOD, _REFUND = "payment_intent", "payment_method", "refund"
_REFUND_TAKES = timedelta(days=1)
_CONFIRMABLE = (NotConfirmed, Declined)
_NEEDS_CUSTOMER = Declined(
    code="authentication_required",
    decline_code="authentication_required",
    message="Your card was declined. This transaction requires authentication.",
)
_AUTHENTICATION_FAILED = Declined(
    code="payment_intent_authentication_failure",
    message="We are unable to authenticate your payment method. Please choose another and try again.",
)


class SandboxGateway:
    """See `payments.gateways.base.Gateway` for what each method promises."""

    name = "sandbox"
    parallel_calls = 1  # it is this process: threads would only wait for each other

    @outside_transactions
    def ensure_customer(self, call: Call, customer_id: str, *, email: str = "", name: str = "") -> str:
        return customer_id

    @outside_transactions
    def attach(self, call: Call, customer_id: str, instrument: str) -> MethodFacts:
        found = _known_instrument(instrument)
        reply, _ = books.answer_once(
            call,
            "attach",
            {"customer": customer_id, "instrument": instrument},
            lambda: _attach(call, customer_id, found),
        )
        if not reply["id"]:
            assert found.decline is not None
            raise InstrumentDeclined(decline_code=found.decline.decline_code)
        return MethodFacts(
            gateway_method_id=reply["id"],
            type=found.type,
            brand=found.brand,
            last4=found.last4,
            exp_month=12 if found.has_expiry else None,
            exp_year=call.at.year + 4 if found.has_expiry else None,
            fingerprint=f"sandbox-{found.token}",
        )

    @outside_transactions
    def detach(self, call: Call, gateway_method_id: str) -> None:
        with books.own_transaction():
            entry = books.locked(call, _METHOD, gateway_method_id)
            entry.body["detached"] = True
            books.save_body(entry)

    @outside_transactions
    def create_intent(self, call: Call, request: IntentRequest) -> GatewayIntent | Unknown:
        body = {
            "amount": request.amount,
            "currency": request.currency,
            "description": request.description,
            "statement_descriptor": request.statement_descriptor,
            "metadata": dict(request.metadata),
            "customer": request.customer_id,
        }
        reply, _ = books.answer_once(call, "create_intent", body, lambda: _create(call, request.customer_id, body))
        return GatewayIntent(reply["id"], NotConfirmed(), amount=request.amount, metadata=request.metadata)

    @outside_transactions
    def confirm(self, call: Call, gateway_intent_id: str, gateway_method_id: str, *, off_session: bool) -> Outcome:
        found = _instrument_of(call, gateway_method_id)
        if found.answer_lost == LOST_BEFORE and _lose_first_call(call, gateway_intent_id):
            return Unknown("timeout")
        reply, replayed = books.answer_once(
            call,
            "confirm",
            {"intent": gateway_intent_id, "method": gateway_method_id, "off_session": off_session},
            lambda: _confirm(call, gateway_intent_id, gateway_method_id, found, off_session),
        )
        if found.answer_lost == LOST_AFTER and not replayed:
            return Unknown("timeout")
        return books.standing_from_json(reply)

    @outside_transactions
    def retrieve(self, call: Call, gateway_intent_id: str) -> GatewayIntent | Unknown:
        with books.own_transaction():
            return _as_it_stands(books.locked(call, _INTENT, gateway_intent_id), call.at)

    @outside_transactions
    def find_by_metadata(
        self, call: Call, customer_id: str, metadata: Mapping[str, str]
    ) -> GatewayIntent | Unknown | None:
        with books.own_transaction():
            entry = books.first_with_metadata(call, _INTENT, customer_id, metadata)
            return _as_it_stands(entry, call.at) if entry else None

    @outside_transactions
    def cancel(self, call: Call, gateway_intent_id: str) -> GatewayIntent | Unknown:
        with books.own_transaction():
            entry = books.locked(call, _INTENT, gateway_intent_id)
            standing = _as_it_stands(entry, call.at).standing
            if not isinstance(standing, Succeeded | Processing):
                _set_standing(entry, IntentCanceled())
            return _as_it_stands(entry, call.at)

    @outside_transactions
    def complete_action(self, call: Call, gateway_intent_id: str, *, approve: bool) -> Outcome:
        reply, _ = books.answer_once(
            call,
            "complete_action",
            {"intent": gateway_intent_id, "approve": approve},
            lambda: _complete_action(call, gateway_intent_id, approve),
        )
        return books.standing_from_json(reply)

    @outside_transactions
    def refund(
        self, call: Call, gateway_intent_id: str, amount: int, *, reason: str = "", metadata: Mapping[str, str]
    ) -> GatewayRefund:
        parameters = {"intent": gateway_intent_id, "amount": amount, "reason": reason, "metadata": dict(metadata)}
        reply, _ = books.answer_once(
            call, "refund", parameters, lambda: _refund(call, gateway_intent_id, amount, dict(metadata))
        )
        return _refund_from_json(reply)

    @outside_transactions
    def retrieve_refund(self, call: Call, gateway_refund_id: str) -> GatewayRefund:
        with books.own_transaction():
            return _refund_as_it_stands(call, books.locked(call, _REFUND, gateway_refund_id))

    @outside_transactions
    def find_refund(self, call: Call, gateway_intent_id: str, metadata: Mapping[str, str]) -> GatewayRefund | None:
        with books.own_transaction():
            customer_id = books.locked(call, _INTENT, gateway_intent_id).body["customer"]
            entry = books.first_with_metadata(call, _REFUND, customer_id, metadata)
            return _refund_as_it_stands(call, entry) if entry else None


# --- instruments -------------------------------------------------------------------------------------------


def _known_instrument(token: str) -> Instrument:
    found = instrument(token)
    if found is None:
        raise UnknownInstrument(instrument=token)
    return found


def _attach(call: Call, customer_id: str, found: Instrument) -> books.Json:
    if found.declines_attach:
        return {"id": ""}
    entry = books.open_account(
        call, _METHOD, new_id("pm"), customer_id, {"instrument": found.token, "customer": customer_id}
    )
    return {"id": entry.id}


def _instrument_of(call: Call, gateway_method_id: str) -> Instrument:
    entry = SandboxObject.objects.filter(merchant_id=call.merchant_id, kind=_METHOD, id=gateway_method_id).first()
    if entry is None or entry.body.get("detached"):
        raise MethodNotUsable
    found = _known_instrument(entry.body["instrument"])
    if found.authentication == AUTHENTICATE_ONCE and entry.body.get("authenticated"):
        return replace(found, authentication="")
    return found


# --- intents -----------------------------------------------------------------------------------------------


def _create(call: Call, customer_id: str, facts: books.Json) -> books.Json:
    body = {**facts, "standing": books.standing_to_json(NotConfirmed()), "attempts": 0, "refunded": 0}
    return {"id": books.open_account(call, _INTENT, new_id("pi"), customer_id, body).id}


def _confirm(
    call: Call, gateway_intent_id: str, gateway_method_id: str, found: Instrument, off_session: bool
) -> books.Json:
    entry = books.locked(call, _INTENT, gateway_intent_id)
    if not isinstance(_as_it_stands(entry, call.at).standing, _CONFIRMABLE):
        raise UnexpectedIntentState
    entry.body["attempts"] += 1
    entry.body["method"] = gateway_method_id
    entry.body["latest_charge"] = new_id("ch")
    standing = _first_answer(found, entry, call.at, off_session)
    _set_standing(entry, standing)
    if found.answer_lost == ERROR_AFTER:
        return books.standing_to_json(Unknown("server_error"))
    return entry.body["standing"]


def _first_answer(found: Instrument, entry: SandboxObject, at: datetime, off_session: bool) -> Standing:
    charge_id = entry.body["latest_charge"]
    if found.authentication in (AUTHENTICATE_ALWAYS, AUTHENTICATE_ONCE):
        if off_session:
            return replace(_NEEDS_CUSTOMER, gateway_charge_id=charge_id)
        return RequiresAction({"type": "sandbox_authenticate"}, gateway_charge_id=charge_id)
    if found.settles_after is not None:
        return Processing(at + found.settles_after, gateway_charge_id=charge_id)
    return _last_answer(found, entry)


def _last_answer(found: Instrument, entry: SandboxObject) -> Standing:
    charge_id = entry.body["latest_charge"]
    declines = found.decline and (found.declines_first == 0 or entry.body["attempts"] <= found.declines_first)
    if found.decline and declines:
        return replace(found.decline, gateway_charge_id=charge_id)
    return Succeeded(charge_id)


def _lose_first_call(call: Call, gateway_intent_id: str) -> bool:
    """Whether this is the intent's first call, which never arrives."""
    with books.own_transaction():
        entry = books.locked(call, _INTENT, gateway_intent_id)
        if entry.body.get("lost_a_call"):
            return False
        entry.body["lost_a_call"] = True
        books.save_body(entry)
        return True


def _complete_action(call: Call, gateway_intent_id: str, approve: bool) -> books.Json:
    entry = books.locked(call, _INTENT, gateway_intent_id)
    if not isinstance(_as_it_stands(entry, call.at).standing, RequiresAction):
        raise UnexpectedIntentState
    method = books.locked(call, _METHOD, entry.body["method"])
    if approve:
        method.body["authenticated"] = True
        books.save_body(method)
        _set_standing(entry, _last_answer(_known_instrument(method.body["instrument"]), entry))
    else:
        _set_standing(entry, replace(_AUTHENTICATION_FAILED, gateway_charge_id=entry.body["latest_charge"]))
    return entry.body["standing"]


def _set_standing(entry: SandboxObject, standing: Standing) -> None:
    entry.body["standing"] = books.standing_to_json(standing)
    books.save_body(entry)


def _as_it_stands(entry: SandboxObject, at: datetime) -> GatewayIntent:
    """The intent at that business time: a debit whose day has come is settled now. The caller holds its lock."""
    standing = books.standing_from_json(entry.body["standing"])
    if isinstance(standing, Processing) and standing.settles_at and standing.settles_at <= at:
        method = SandboxObject.objects.get(id=entry.body["method"])
        standing = _last_answer(_known_instrument(method.body["instrument"]), entry)
        _set_standing(entry, standing)
    return GatewayIntent(
        gateway_intent_id=entry.id,
        standing=standing,
        amount=entry.body["amount"],
        amount_received=entry.body["amount"] if isinstance(standing, Succeeded) else 0,
        latest_charge_id=entry.body.get("latest_charge", ""),
        metadata=entry.body["metadata"],
    )


# --- refunds -----------------------------------------------------------------------------------------------


def _refund(call: Call, gateway_intent_id: str, amount: int, metadata: dict[str, str]) -> books.Json:
    entry = books.locked(call, _INTENT, gateway_intent_id)
    paid = isinstance(books.standing_from_json(entry.body["standing"]), Succeeded)
    if not paid or amount <= 0 or entry.body["refunded"] + amount > entry.body["amount"]:
        raise RefundRefused
    entry.body["refunded"] += amount
    books.save_body(entry)
    method = SandboxObject.objects.get(id=entry.body["method"])
    how = _known_instrument(method.body["instrument"]).refund
    body = {"intent": entry.id, "amount": amount, "metadata": metadata, "how": how}
    body |= {"status": "pending" if how else "succeeded", "settles_at": (call.at + _REFUND_TAKES).isoformat()}
    refund = books.open_account(call, _REFUND, new_id("re"), entry.body["customer"], body)
    return {"id": refund.id, **body}


def _refund_as_it_stands(call: Call, refund: SandboxObject) -> GatewayRefund:
    body = refund.body
    if body["status"] == "pending" and datetime.fromisoformat(body["settles_at"]) <= call.at:
        body["status"] = "failed" if body["how"] == "fails" else "succeeded"
        books.save_body(refund)
        if body["status"] == "failed":
            intent = books.locked(call, _INTENT, body["intent"])
            intent.body["refunded"] -= body["amount"]
            books.save_body(intent)
    return _refund_from_json({"id": refund.id, **body})


def _refund_from_json(body: books.Json) -> GatewayRefund:
    pending = body["status"] == "pending"
    return GatewayRefund(
        status=body["status"],
        gateway_refund_id=body["id"],
        failure_reason="expired_or_canceled_card" if body["status"] == "failed" else "",
        settles_at=datetime.fromisoformat(body["settles_at"]) if pending else None,
    )
