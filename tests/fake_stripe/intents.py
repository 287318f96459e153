"""PaymentIntents and their charges: created, confirmed, authenticated, settled, canceled."""

import re

from tests.fake_stripe import money
from tests.fake_stripe.books import DAY, Account, Books, Json
from tests.fake_stripe.cards import (
    AUTHENTICATION_FAILED,
    NEEDS_CUSTOMER,
    TOKENS,
    Decline,
    Token,
    as_set_up,
)
from tests.fake_stripe.errors import declined, invalid, missing, unexpected_state
from tests.fake_stripe.forms import flag
from tests.fake_stripe.people import living_customer
from tests.fake_stripe.routing import Call, listed, route

LACKING = frozenset({"cup", "irr", "kpw", "sdg", "syp"})
MINIMUMS = {"usd": 50, "cad": 50, "eur": 50, "gbp": 30, "jpy": 50}


@route("POST", "/v1/payment_intents")
def create(call: Call) -> Json:
    given = call.params
    amount = _integer(given.get("amount"), "amount")
    currency = given.get("currency", "")
    if len(currency) != 3 or currency in LACKING:
        raise invalid("currency", f"Invalid currency: {currency}.", "parameter_invalid_empty")
    if amount < MINIMUMS.get(currency, 1):
        raise invalid("amount", "The amount is below the minimum.", "amount_too_small")
    if amount > 99_999_999:
        raise invalid("amount", "Amount must be no more than $999,999.99", "amount_too_large")
    _check_descriptors(given)
    customer = given.get("customer")
    if customer:
        living_customer(call.books, call.account, customer, "customer")
    made = call.books.add(
        call.account,
        "payment_intent",
        "pi",
        amount=amount,
        amount_capturable=0,
        amount_received=0,
        application=None,
        application_fee_amount=None,
        automatic_payment_methods=None,
        canceled_at=None,
        cancellation_reason=None,
        capture_method=given.get("capture_method", "automatic"),
        client_secret=call.books.new_id("secret"),
        confirmation_method="automatic",
        currency=currency,
        customer=customer,
        description=given.get("description"),
        last_payment_error=None,
        latest_charge=None,
        livemode=False,
        metadata=given.get("metadata", {}),
        next_action=None,
        payment_method=None,
        payment_method_options={},
        payment_method_types=given.get("payment_method_types", ["card"]),
        processing=None,
        receipt_email=None,
        review=None,
        setup_future_usage=None,
        shipping=None,
        statement_descriptor=given.get("statement_descriptor"),
        statement_descriptor_suffix=given.get("statement_descriptor_suffix"),
        status="requires_payment_method",
        transfer_data=None,
        transfer_group=None,
    )
    call.books.tell(call.account, "payment_intent.created", made)
    return made


def _check_descriptors(given: Json) -> None:
    """Cards take a suffix alone; each has a letter, none of < > \\ ' " *, and at most 22 characters."""
    if given.get("statement_descriptor") and "card" in given.get("payment_method_types", ["card"]):
        raise invalid("statement_descriptor", "For card charges use `statement_descriptor_suffix` instead.")
    for name, least in (("statement_descriptor", 5), ("statement_descriptor_suffix", 1)):
        text = given.get(name)
        if text and not (least <= len(text) <= 22 and re.search("[A-Za-z]", text) and text.isascii()):
            raise invalid(name, f"Invalid {name}: {text}")
        if text and re.search(r"""[<>\\'"*]""", text):
            raise invalid(name, f"Invalid {name}: it has a forbidden character.")


def _integer(value: str | None, param: str) -> int:
    try:
        return int(value or "")
    except ValueError:
        raise invalid(param, f"Invalid integer: {value}", "parameter_invalid_integer") from None


@route("GET", "/v1/payment_intents/{id}")
def read(call: Call) -> Json:
    found = call.books.find(call.account, "payment_intent", call.args["id"], "intent")
    settle(call.books, call.account, found)
    return found


@route("GET", "/v1/payment_intents")
def list_intents(call: Call) -> Json:
    return listed(call, "payment_intent", customer=call.params.get("customer"))


@route("POST", "/v1/payment_intents/{id}/confirm")
def confirm(call: Call) -> Json:
    intent = call.books.find(call.account, "payment_intent", call.args["id"], "intent")
    if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise unexpected_state(intent, "confirm")
    method_id = call.params.get("payment_method") or intent["payment_method"] or ""
    method = call.account.objects["payment_method"].get(method_id)
    if method is None:
        raise missing("PaymentMethod", method_id, "payment_method")
    if method["customer"] is None or method["customer"] != intent["customer"]:
        raise invalid("payment_method", "The provided PaymentMethod was detached, or belongs to another Customer.")
    types = call.params.get("payment_method_types", intent["payment_method_types"])
    if method["type"] not in types:
        raise invalid("payment_method", f"The PaymentMethod of type {method['type']} is not allowed here.")
    intent |= {"payment_method": method_id, "payment_method_types": types, "next_action": None}
    token = as_set_up(TOKENS[call.account.tokens[method_id]], method_id in call.account.authenticated)
    call.account.attempts[intent["id"]] += 1
    if token.authenticate:
        return _ask_customer(call, intent, flag(call.params.get("off_session")))
    if token.settles_days:
        return _begin_debit(call.books, call.account, intent, token)
    return _charge_now(call.books, call.account, intent, token)


def _ask_customer(call: Call, intent: Json, off_session: bool) -> Json:
    if off_session:
        raise fail(call.books, call.account, intent, NEEDS_CUSTOMER)
    url = call.params.get("return_url")
    page = f"{call.url}/hosted/3ds/{intent['id']}"
    intent["status"] = "requires_action"
    if url:
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"return_url": url, "url": page}}
    else:
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"stripe_js": page}}
    call.books.tell(call.account, "payment_intent.requires_action", intent)
    return intent


def _begin_debit(books: Books, account: Account, intent: Json, token: Token) -> Json:
    charge = money.new_charge(books, account, intent, "pending")
    intent |= {"status": "processing", "latest_charge": charge["id"], "last_payment_error": None}
    account.settles[intent["id"]] = books.now + token.settles_days * DAY
    books.tell(account, "charge.pending", charge)
    books.tell(account, "payment_intent.processing", intent)
    return intent


def _charge_now(books: Books, account: Account, intent: Json, token: Token) -> Json:
    decline = _decline_of(token, account.attempts[intent["id"]])
    if decline:
        raise fail(books, account, intent, decline)
    return succeed(books, account, intent, token)


def _decline_of(token: Token, attempt: int) -> Decline | None:
    return token.decline if token.declines_first == 0 or attempt <= token.declines_first else None


def fail(books: Books, account: Account, intent: Json, decline: Decline, charge: Json | None = None) -> Exception:
    """A failed charge on the intent; the 402 to raise, where somebody waits for it."""
    if decline is not AUTHENTICATION_FAILED:
        charge = charge or money.new_charge(books, account, intent, "failed")
        charge |= {"status": "failed", "failure_code": decline.decline_code, "failure_message": decline.message}
        charge |= {"paid": False, "captured": False, "amount_captured": 0}
        charge["outcome"] = money.outcome(decline)
        intent["latest_charge"] = charge["id"]
        books.tell(account, "charge.failed", charge)
    method = account.objects["payment_method"][intent["payment_method"]]
    refusal = declined(decline, charge=charge["id"] if charge else None, payment_method=method)
    intent |= {"status": "requires_payment_method", "next_action": None, "payment_method": None, "processing": None}
    intent["last_payment_error"] = refusal.body["error"]
    books.tell(account, "payment_intent.payment_failed", intent)
    refusal.body["error"] = refusal.body["error"] | {"payment_intent": intent}
    return refusal


def succeed(books: Books, account: Account, intent: Json, token: Token, charge: Json | None = None) -> Json:
    charge = charge or money.new_charge(books, account, intent, "succeeded")
    if intent["capture_method"] == "manual":
        charge |= {"status": "succeeded", "paid": True}
        intent |= {"status": "requires_capture", "latest_charge": charge["id"], "next_action": None}
        intent["amount_capturable"] = intent["amount"]
        books.tell(account, "charge.succeeded", charge)
        books.tell(account, "payment_intent.amount_capturable_updated", intent)
        return intent
    money.capture(books, account, charge)
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "last_payment_error": None,
        "next_action": None,
        "processing": None,
    }
    books.tell(account, "charge.succeeded", charge)
    books.tell(account, "payment_intent.succeeded", intent)
    if token.disputed:
        money.open_dispute(books, account, charge, token.disputed)
    return intent


@route("POST", "/v1/payment_intents/{id}/capture")
def capture(call: Call) -> Json:
    intent = call.books.find(call.account, "payment_intent", call.args["id"], "intent")
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "capture")
    amount = _integer(call.params.get("amount_to_capture", str(intent["amount"])), "amount_to_capture")
    if not 0 < amount <= intent["amount"]:
        raise invalid("amount_to_capture", "The amount is more than what was authorized.", "amount_too_large")
    charge = call.account.objects["charge"][intent["latest_charge"]]
    money.capture(call.books, call.account, charge, amount)
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    call.books.tell(call.account, "charge.captured", charge)
    call.books.tell(call.account, "payment_intent.succeeded", intent)
    return intent


def authenticate(books: Books, account: Account, intent_id: str, *, approve: bool) -> Json:
    """The customer on the bank's page."""
    intent = books.find(account, "payment_intent", intent_id)
    if intent["status"] != "requires_action":
        raise unexpected_state(intent, "authenticate")
    if not approve:
        fail(books, account, intent, AUTHENTICATION_FAILED)
        return intent
    account.authenticated.add(intent["payment_method"])
    token = TOKENS[account.tokens[intent["payment_method"]]]
    decline = _decline_of(token, account.attempts[intent_id])
    if decline:
        fail(books, account, intent, decline)
        return intent
    return succeed(books, account, intent, token)


@route("POST", "/v1/payment_intents/{id}/cancel")
def cancel(call: Call) -> Json:
    intent = call.books.find(call.account, "payment_intent", call.args["id"], "intent")
    waiting = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")
    if intent["status"] not in waiting:
        raise unexpected_state(intent, "cancel")
    intent |= {"status": "canceled", "amount_capturable": 0, "canceled_at": int(call.books.now), "next_action": None}
    intent["cancellation_reason"] = call.params.get("cancellation_reason")
    call.books.tell(call.account, "payment_intent.canceled", intent)
    return intent


def settle(books: Books, account: Account, intent: Json) -> None:
    """A debit whose day has come ends."""
    if intent["status"] != "processing" or books.now < account.settles[intent["id"]]:
        return
    token = TOKENS[account.tokens[intent["payment_method"]]]
    charge = account.objects["charge"][intent["latest_charge"]]
    if token.decline:
        fail(books, account, intent, token.decline, charge)
    else:
        succeed(books, account, intent, token, charge)
