"""What the sandbox does to its intents and methods, inside its own transactions; batches in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.ids import new_id, new_ids
from events.copying import update_rows
from payments.gateways import sandbox_books as books
from payments.gateways.base import (
    Call,
    GatewayRefused,
    IntentRequest,
    MethodNotUsable,
    ToConfirm,
    ToCreate,
    UnexpectedIntentState,
    UnknownInstrument,
)
from payments.gateways.sandbox_instruments import (
    AUTHENTICATE_ALWAYS,
    AUTHENTICATE_ONCE,
    ERROR_AFTER,
    LOST_AFTER,
    Instrument,
    instrument,
)
from payments.models import SandboxObject
from payments.types import (
    Authorized,
    Declined,
    GatewayIntent,
    IntentCanceled,
    NotConfirmed,
    Outcome,
    Processing,
    RequiresAction,
    Standing,
    Succeeded,
    Unknown,
)

INTENT, METHOD = "payment_intent", "payment_method"
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


# --- instruments -------------------------------------------------------------------------------------------


# Stripe's own answer to a client without a return address: the bank's question is asked where the customer is.
_ON_SESSION = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}


def known_instrument(token: str) -> Instrument:
    found = instrument(token)
    if found is None:
        raise UnknownInstrument(instrument=token)
    return found


def attach(call: Call, customer_id: str, found: Instrument) -> books.Json:
    if found.declines_attach:
        return {"id": ""}
    entry = books.open_account(
        call, METHOD, new_id("pm"), customer_id, {"instrument": found.token, "customer": customer_id}
    )
    return {"id": entry.id}


def admit(call: Call, customer_id: str, found: Instrument) -> books.Json:
    """An instrument that is to be tried, and not kept for later: whether it pays is the attempt's to say."""
    body = {"instrument": found.token, "customer": customer_id}
    return {"id": books.open_account(call, METHOD, new_id("pm"), customer_id, body).id}


def instrument_of(call: Call, gateway_method_id: str) -> Instrument:
    entry = SandboxObject.objects.filter(merchant_id=call.merchant_id, kind=METHOD, id=gateway_method_id).first()
    if entry is None or entry.body.get("detached"):
        raise MethodNotUsable
    return _as_set_up(entry)


def _as_set_up(entry: SandboxObject) -> Instrument:
    found = known_instrument(entry.body["instrument"])
    if "replaced" in entry.body:
        found = replace(found, decline=None)  # what was wrong with the old card is not wrong with the new one
    if found.authentication == AUTHENTICATE_ONCE and entry.body.get("authenticated"):
        return replace(found, authentication="")
    return found


# --- intents -----------------------------------------------------------------------------------------------


DISPUTED_AFTER = timedelta(days=1)
HELD_FOR = timedelta(days=7)  # how long an authorization stands: Stripe's, for most cards


def facts_of(request: IntentRequest) -> books.Json:
    """What an intent is asked for with: its parameters in the idempotency store."""
    manual = {"manual_capture": True} if request.manual_capture else {}
    return manual | {
        "amount": request.amount,
        "currency": request.currency,
        "description": request.description,
        "statement_descriptor": request.statement_descriptor,
        "metadata": dict(request.metadata),
        "customer": request.customer_id,
    }


def new_body(item: ToCreate) -> books.Json:
    standing = books.standing_to_json(NotConfirmed())
    return {**facts_of(item.request), "standing": standing, "attempts": 0, "refunded": 0}


def create(item: ToCreate) -> books.Json:
    entry = books.open_account(item.call, INTENT, new_id("pi"), item.request.customer_id, new_body(item))
    return {"id": entry.id}


def confirmation_of(gateway_intent_id: str, gateway_method_id: str, off_session: bool) -> books.Json:
    return {"intent": gateway_intent_id, "method": gateway_method_id, "off_session": off_session}


def confirm(
    call: Call, gateway_intent_id: str, gateway_method_id: str, found: Instrument, off_session: bool
) -> books.Json:
    entry = books.locked(call, INTENT, gateway_intent_id)
    if not isinstance(as_it_stands(entry, call.at).standing, _CONFIRMABLE):
        raise UnexpectedIntentState
    _attempt(entry, gateway_method_id, found, call.at, off_session)
    books.save_body(entry)
    if found.answer_lost == ERROR_AFTER:
        return books.standing_to_json(Unknown("server_error"))
    return entry.body["standing"]


def _attempt(
    entry: SandboxObject, gateway_method_id: str, found: Instrument, at: datetime, off_session: bool
) -> Outcome:
    """One attempt on the intent's body, not saved yet."""
    entry.body["attempts"] += 1
    entry.body["method"] = gateway_method_id
    entry.body["latest_charge"] = new_id("ch")
    outcome = _first_answer(found, entry, at, off_session)
    entry.body["standing"] = books.standing_to_json(outcome)
    return outcome


def _first_answer(found: Instrument, entry: SandboxObject, at: datetime, off_session: bool) -> Outcome:
    charge_id = entry.body["latest_charge"]
    if found.authentication in (AUTHENTICATE_ALWAYS, AUTHENTICATE_ONCE):
        if off_session:
            return replace(_NEEDS_CUSTOMER, gateway_charge_id=charge_id)
        return RequiresAction(_ON_SESSION, gateway_charge_id=charge_id)
    if found.settles_after is not None:
        return Processing(at + found.settles_after, gateway_charge_id=charge_id)
    return _last_answer(found, entry, at)


def _last_answer(found: Instrument, entry: SandboxObject, at: datetime) -> Outcome:
    charge_id = entry.body["latest_charge"]
    declines = found.decline and (found.declines_first == 0 or entry.body["attempts"] <= found.declines_first)
    if found.decline and declines:
        return replace(found.decline, gateway_charge_id=charge_id)
    if entry.body.get("manual_capture"):
        return Authorized(charge_id, capture_before=at + HELD_FOR)
    return Succeeded(charge_id, look_again_at=at + DISPUTED_AFTER if found.dispute else None)


def capture(call: Call, gateway_intent_id: str, amount: int) -> books.Json:
    """Take `amount` of what is held; the rest is let go of."""
    entry = books.locked(call, INTENT, gateway_intent_id)
    standing = as_it_stands(entry, call.at).standing
    if not isinstance(standing, Authorized):
        raise UnexpectedIntentState
    if not 0 < amount <= entry.body["amount"]:
        refused = GatewayRefused(param="amount_to_capture")
        refused.code = "amount_too_large"
        raise refused
    found = known_instrument(SandboxObject.objects.get(id=entry.body["method"]).body["instrument"])
    entry.body["captured"] = amount
    disputed = call.at + DISPUTED_AFTER if found.dispute else None
    set_standing(entry, Succeeded(standing.gateway_charge_id, disputed, captured=amount))
    return entry.body["standing"]


def taken(body: books.Json) -> int:
    """What a paid intent took: what was captured of it, else its amount."""
    return int(body["captured"] if "captured" in body else body["amount"])


def loses_answers(gateway_intent_id: str) -> bool:
    """Whether the intent's instrument is one whose answers are lost on the way."""
    entry = SandboxObject.objects.get(id=gateway_intent_id)
    method = SandboxObject.objects.get(id=entry.body["method"])
    return known_instrument(method.body["instrument"]).answer_lost == LOST_AFTER


def lose_first_call(call: Call, gateway_intent_id: str) -> bool:
    """Whether this is the intent's first call, which never arrives."""
    with books.own_transaction():
        entry = books.locked(call, INTENT, gateway_intent_id)
        if entry.body.get("lost_a_call"):
            return False
        entry.body["lost_a_call"] = True
        books.save_body(entry)
        return True


def complete_action(call: Call, gateway_intent_id: str, approve: bool) -> books.Json:
    entry = books.locked(call, INTENT, gateway_intent_id)
    if not isinstance(as_it_stands(entry, call.at).standing, RequiresAction):
        raise UnexpectedIntentState
    method = books.locked(call, METHOD, entry.body["method"])
    if approve:
        method.body["authenticated"] = True
        books.save_body(method)
        set_standing(entry, _last_answer(known_instrument(method.body["instrument"]), entry, call.at))
    else:
        set_standing(entry, replace(_AUTHENTICATION_FAILED, gateway_charge_id=entry.body["latest_charge"]))
    return entry.body["standing"]


def set_standing(entry: SandboxObject, standing: Standing) -> None:
    entry.body["standing"] = books.standing_to_json(standing)
    books.save_body(entry)


def as_it_stands(entry: SandboxObject, at: datetime) -> GatewayIntent:
    """The intent at that business time: a debit whose day has come is settled now. The caller holds its lock."""
    standing = books.standing_from_json(entry.body["standing"])
    if isinstance(standing, Processing) and standing.settles_at and standing.settles_at <= at:
        method = SandboxObject.objects.get(id=entry.body["method"])
        standing = _last_answer(known_instrument(method.body["instrument"]), entry, at)
        set_standing(entry, standing)
    if isinstance(standing, Authorized) and standing.capture_before and standing.capture_before <= at:
        standing = IntentCanceled()
        set_standing(entry, standing)
    return GatewayIntent(
        gateway_intent_id=entry.id,
        standing=standing,
        amount=entry.body["amount"],
        amount_received=taken(entry.body) if isinstance(standing, Succeeded) else 0,
        latest_charge_id=entry.body.get("latest_charge", ""),
        metadata=entry.body["metadata"],
    )


# --- batches -------------------------------------------------------------------------------------------------
#
# The plain cases of a batch in one transaction. What is left out (a key that was used, an intent that is not to be
# confirmed, an answer that gets lost) goes the way of single calls, which knows all of it.


def create_many(batch: Sequence[ToCreate]) -> dict[Call, GatewayIntent]:
    """Make the intents whose keys are new."""
    ids = dict(zip((item.call for item in batch), new_ids("pi", len(batch)), strict=True))
    with books.own_transaction():
        fresh = books.store_replies(
            [(item.call, "create_intent", facts_of(item.request), {"id": ids[item.call]}) for item in batch]
        )
        made = [item for item in batch if item.call in fresh]
        books.open_accounts(
            INTENT, [(item.call, ids[item.call], item.request.customer_id, new_body(item)) for item in made]
        )
    return {
        item.call: GatewayIntent(
            ids[item.call], NotConfirmed(), amount=item.request.amount, metadata=item.request.metadata
        )
        for item in made
    }


def confirm_many(batch: Sequence[ToConfirm]) -> dict[Call, Outcome]:
    """Confirm the intents that wait for it, each once in the batch, with methods that lose no answer."""
    with books.own_transaction():
        entries = books.locked_many(INTENT, [item.gateway_intent_id for item in batch])
        methods = books.many([item.gateway_method_id for item in batch])
        answers: dict[Call, Outcome] = {}
        work = []
        for item in batch:
            entry, found = entries.get(item.gateway_intent_id), _plain_instrument(item, methods)
            if entry is None or found is None or entry.merchant_id != item.call.merchant_id:
                continue
            if not isinstance(books.standing_from_json(entry.body["standing"]), _CONFIRMABLE):
                continue
            del entries[item.gateway_intent_id]
            answers[item.call] = _attempt(entry, item.gateway_method_id, found, item.call.at, item.off_session)
            parameters = confirmation_of(item.gateway_intent_id, item.gateway_method_id, item.off_session)
            work.append((item.call, "confirm", parameters, entry.body["standing"], entry))
        fresh = books.store_replies([row[:4] for row in work])
        moved = [row[4] for row in work if row[0] in fresh]
        update_rows(SandboxObject, ("id", "body"), [(entry.id, entry.body) for entry in moved])
    return {call: answer for call, answer in answers.items() if call in fresh}


def _plain_instrument(item: ToConfirm, methods: dict[str, SandboxObject]) -> Instrument | None:
    entry = methods.get(item.gateway_method_id)
    if entry is None or entry.merchant_id != item.call.merchant_id or entry.body.get("detached"):
        return None
    found = _as_set_up(entry)
    return None if found.answer_lost else found
