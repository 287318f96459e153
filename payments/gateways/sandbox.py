"""The sandbox gateway: a small processor of our own, with books of its own, for when there are no keys.

It behaves as a real one where that matters: intents are created unconfirmed, a key replays its first answer
(declines and server errors too), another request under the same key is refused, debits settle days later on
the business clock, authentication is asked for on session and declined off session, answers get lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from core.ids import new_id
from payments.gateways import (
    sandbox_balance as balance,
    sandbox_books as books,
    sandbox_disputes as disputes,
    sandbox_intents as intents,
    sandbox_methods as methods,
)
from payments.gateways.base import (
    Call,
    GatewayRefused,
    InstrumentDeclined,
    IntentRequest,
    NoSuchGatewayObject,
    RefundRefused,
    SetupRequest,
    ToConfirm,
    ToCreate,
    outside_transactions,
)
from payments.gateways.batches import side_by_side
from payments.gateways.sandbox_instruments import LOST_AFTER, LOST_BEFORE
from payments.gateways.sandbox_intents import INTENT, METHOD, as_it_stands, known_instrument
from payments.models import SandboxObject
from payments.types import (
    BalancePage,
    DisputeFacts,
    EventPage,
    GatewayIntent,
    GatewayRefund,
    IntentCanceled,
    MethodFacts,
    NotConfirmed,
    Outcome,
    PayoutFacts,
    Processing,
    RefundFacts,
    SetupResult,
    SetupStarted,
    Succeeded,
    Unknown,
)

_REFUND = balance.REFUND
_REFUND_TAKES = timedelta(days=1)


class SandboxGateway:
    """See `payments.gateways.base.Gateway` for what each method promises."""

    name = "sandbox"

    @outside_transactions
    def ensure_customer(self, call: Call, customer_id: str, *, email: str = "", name: str = "") -> str:
        return customer_id

    @outside_transactions
    def attach(self, call: Call, customer_id: str, instrument: str) -> MethodFacts:
        found = known_instrument(instrument)
        reply, _ = books.answer_once(
            call,
            "attach",
            {"customer": customer_id, "instrument": instrument},
            lambda: intents.attach(call, customer_id, found),
        )
        if not reply["id"]:
            assert found.decline is not None
            raise InstrumentDeclined(decline_code=found.decline.decline_code)
        return methods.facts_of(reply["id"], found, call.at, customer_id)

    @outside_transactions
    def admit(self, call: Call, customer_id: str, instrument: str) -> str:
        """An instrument to be tried once, for this customer or for nobody: its id. Raises `UnknownInstrument`."""
        found = known_instrument(instrument)
        asked = {"customer": customer_id, "instrument": instrument}
        reply, _ = books.answer_once(call, "admit", asked, lambda: intents.admit(call, customer_id, found))
        return str(reply["id"])

    @outside_transactions
    def start_setup(self, call: Call, request: SetupRequest) -> SetupStarted:
        asked = {"customer": request.customer_id, "return_url": request.return_url}
        reply, _ = books.answer_once(call, "start_setup", asked, lambda: methods.open_setup(call, request))
        mark = "&" if "?" in request.return_url else "?"
        return SetupStarted(reply["id"], f"{request.return_url}{mark}sandbox_setup={reply['id']}")

    @outside_transactions
    def enter_instrument(self, call: Call, gateway_setup_id: str, instrument: str) -> None:
        """The customer's part, on a page of ours: a sandbox has none. Raises `UnknownInstrument`."""
        with books.own_transaction():
            methods.enter(call, gateway_setup_id, known_instrument(instrument))

    @outside_transactions
    def finish_setup(self, call: Call, gateway_setup_id: str) -> SetupResult:
        with books.own_transaction():
            return methods.setup_as_it_stands(call, gateway_setup_id)

    @outside_transactions
    def retrieve_method(self, call: Call, gateway_method_id: str) -> MethodFacts:
        with books.own_transaction():
            return methods.method_as_it_stands(books.locked(call, METHOD, gateway_method_id), call.at)

    @outside_transactions
    def replace_card(self, call: Call, gateway_method_id: str) -> None:
        """The issuer's part: a new card in the old one's place. Raises `NoSuchGatewayObject`."""
        with books.own_transaction():
            methods.replace_card(books.locked(call, METHOD, gateway_method_id))

    @outside_transactions
    def detach(self, call: Call, gateway_method_id: str) -> None:
        with books.own_transaction():
            entry = books.locked(call, METHOD, gateway_method_id)
            entry.body["detached"] = True
            books.save_body(entry)

    @outside_transactions
    def customer_is_gone(self, call: Call, gateway_customer_id: str) -> bool:
        return False

    @outside_transactions
    def create_intent(self, call: Call, request: IntentRequest) -> GatewayIntent | Unknown:
        facts = intents.facts_of(request)
        reply, _ = books.answer_once(call, "create_intent", facts, lambda: intents.create(ToCreate(call, request)))
        return GatewayIntent(reply["id"], NotConfirmed(), amount=request.amount, metadata=request.metadata)

    @outside_transactions
    def confirm(
        self,
        call: Call,
        gateway_intent_id: str,
        gateway_method_id: str,
        *,
        off_session: bool,
        method_type: str = "card",
        mandate_id: str = "",
        return_url: str = "",
    ) -> Outcome:
        found = intents.instrument_of(call, gateway_method_id)
        if found.answer_lost == LOST_BEFORE and intents.lose_first_call(call, gateway_intent_id):
            return Unknown("timeout")
        reply, replayed = books.answer_once(
            call,
            "confirm",
            intents.confirmation_of(gateway_intent_id, gateway_method_id, off_session),
            lambda: intents.confirm(call, gateway_intent_id, gateway_method_id, found, off_session),
        )
        if found.answer_lost == LOST_AFTER and not replayed:
            return Unknown("timeout")
        return books.standing_from_json(reply)

    @outside_transactions
    def create_intents(self, batch: Sequence[ToCreate]) -> list[GatewayIntent | Unknown | GatewayRefused]:
        made = intents.create_many(batch)
        rest = side_by_side(
            [item for item in batch if item.call not in made],
            lambda item: self.create_intent(item.call, item.request),
            width=1,
        )
        others = iter(rest)
        return [made[item.call] if item.call in made else next(others) for item in batch]

    @outside_transactions
    def confirm_all(self, batch: Sequence[ToConfirm]) -> list[Outcome | GatewayRefused]:
        confirmed = intents.confirm_many(batch)
        rest = side_by_side(
            [item for item in batch if item.call not in confirmed],
            lambda item: self.confirm(
                item.call, item.gateway_intent_id, item.gateway_method_id, off_session=item.off_session
            ),
            width=1,
        )
        others = iter(rest)
        return [confirmed[item.call] if item.call in confirmed else next(others) for item in batch]

    @outside_transactions
    def retrieve(self, call: Call, gateway_intent_id: str) -> GatewayIntent | Unknown:
        with books.own_transaction():
            return as_it_stands(books.locked(call, INTENT, gateway_intent_id), call.at)

    @outside_transactions
    def find_by_metadata(
        self, call: Call, customer_id: str, metadata: Mapping[str, str]
    ) -> GatewayIntent | Unknown | None:
        with books.own_transaction():
            entry = books.first_with_metadata(call, INTENT, customer_id, metadata)
            return as_it_stands(entry, call.at) if entry else None

    @outside_transactions
    def cancel(self, call: Call, gateway_intent_id: str) -> GatewayIntent | Unknown:
        with books.own_transaction():
            entry = books.locked(call, INTENT, gateway_intent_id)
            standing = as_it_stands(entry, call.at).standing
            if not isinstance(standing, Succeeded | Processing):
                intents.set_standing(entry, IntentCanceled())
            return as_it_stands(entry, call.at)

    @outside_transactions
    def capture(self, call: Call, gateway_intent_id: str, amount: int, currency: str) -> Outcome:
        reply, replayed = books.answer_once(
            call,
            "capture",
            {"intent": gateway_intent_id, "amount": amount},
            lambda: intents.capture(call, gateway_intent_id, amount),
        )
        if not replayed and intents.loses_answers(gateway_intent_id):
            return Unknown("timeout")
        return books.standing_from_json(reply)

    @outside_transactions
    def complete_action(self, call: Call, gateway_intent_id: str, *, approve: bool) -> Outcome:
        reply, _ = books.answer_once(
            call,
            "complete_action",
            {"intent": gateway_intent_id, "approve": approve},
            lambda: intents.complete_action(call, gateway_intent_id, approve),
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
            customer_id = books.locked(call, INTENT, gateway_intent_id).body["customer"]
            entry = books.first_with_metadata(call, _REFUND, customer_id, metadata)
            return _refund_as_it_stands(call, entry) if entry else None

    @outside_transactions
    def read_refund(self, call: Call, gateway_refund_id: str) -> RefundFacts:
        with books.own_transaction():
            entry = books.locked(call, _REFUND, gateway_refund_id)
            now = _refund_as_it_stands(call, entry)
            currency = books.locked(call, INTENT, entry.body["intent"]).body["currency"]
        return RefundFacts(
            now, entry.body["intent"], entry.body["amount"], currency, metadata=dict(entry.body["metadata"])
        )

    @outside_transactions
    def open_dispute(self, call: Call, gateway_intent_id: str, reason: str, *, inquiry: bool = False) -> DisputeFacts:
        """The cardholder's part: a sandbox has none. Raises `NoSuchGatewayObject`, `UnexpectedIntentState`."""
        with books.own_transaction():
            return disputes.open_dispute(call, gateway_intent_id, reason, inquiry)

    @outside_transactions
    def decide_dispute(self, call: Call, gateway_dispute_id: str, status: str) -> DisputeFacts:
        """The bank's part: won or lost."""
        with books.own_transaction():
            return disputes.decide(call, gateway_dispute_id, status)

    @outside_transactions
    def close_dispute(self, call: Call, gateway_dispute_id: str) -> DisputeFacts:
        with books.own_transaction():
            return disputes.give_in(call, gateway_dispute_id)

    @outside_transactions
    def read_dispute(self, call: Call, gateway_dispute_id: str) -> DisputeFacts:
        with books.own_transaction():
            return disputes.read(call, gateway_dispute_id)

    @outside_transactions
    def disputes_of(self, call: Call, gateway_intent_id: str) -> list[DisputeFacts]:
        """What a processor would tell by itself: the disputes of an intent by now."""
        with books.own_transaction():
            return disputes.disputes_of(call, gateway_intent_id)

    @outside_transactions
    def upload_evidence(self, call: Call, name: str, content: bytes) -> str:
        asked = {"name": name, "sha256": sha256(content).hexdigest()}
        reply, _ = books.answer_once(call, "upload_evidence", asked, lambda: disputes.keep_file(call, asked))
        return str(reply["id"])

    @outside_transactions
    def submit_evidence(
        self, call: Call, gateway_dispute_id: str, evidence: Mapping[str, str], *, submit: bool
    ) -> DisputeFacts:
        with books.own_transaction():
            return disputes.submit_evidence(call, gateway_dispute_id, evidence, submit)

    @outside_transactions
    def read_payout(self, call: Call, gateway_payout_id: str) -> PayoutFacts:
        raise NoSuchGatewayObject(id=gateway_payout_id)  # what a sandbox takes stays in the sandbox

    @outside_transactions
    def events(self, call: Call, *, since: datetime, after: str = "") -> EventPage:
        return EventPage(())  # it tells nothing by itself: everything is asked for

    @outside_transactions
    def balance_transactions(self, call: Call, *, since: datetime, after: str = "") -> BalancePage:
        return balance.balance_page(call, since, after)


# --- refunds -----------------------------------------------------------------------------------------------


def _refund(call: Call, gateway_intent_id: str, amount: int, metadata: dict[str, str]) -> books.Json:
    entry = books.locked(call, INTENT, gateway_intent_id)
    paid = isinstance(books.standing_from_json(entry.body["standing"]), Succeeded)
    if (
        not paid
        or entry.body.get("disputed")
        or amount <= 0
        or entry.body["refunded"] + amount > intents.taken(entry.body)
    ):
        raise RefundRefused
    entry.body["refunded"] += amount
    books.save_body(entry)
    method = SandboxObject.objects.get(id=entry.body["method"])
    how = known_instrument(method.body["instrument"]).refund
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
            intent = books.locked(call, INTENT, body["intent"])
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
