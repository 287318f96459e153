"""Checkout in mode=setup with its SetupIntent, and what the customer does on its page."""

from tests.fake_stripe.books import DAY, Account, Books, Json
from tests.fake_stripe.cards import TOKENS
from tests.fake_stripe.errors import invalid
from tests.fake_stripe.people import living_customer, new_method
from tests.fake_stripe.routing import Call, listed, route

_ABSENT = (
    "after_expiration",
    "allow_promotion_codes",
    "amount_subtotal",
    "amount_total",
    "billing_address_collection",
    "client_reference_id",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency",
    "currency_conversion",
    "customer_creation",
    "customer_details",
    "customer_email",
    "invoice",
    "invoice_creation",
    "payment_intent",
    "payment_link",
    "payment_method_collection",
    "payment_method_configuration_details",
    "recovered_from",
    "saved_payment_method_options",
    "shipping_address_collection",
    "shipping_cost",
    "submit_type",
    "subscription",
    "total_details",
)


@route("POST", "/v1/checkout/sessions")
def create_session(call: Call) -> Json:
    given = call.params
    if given.get("mode") != "setup":
        raise invalid("mode", "This server sets up payment methods only: mode must be setup.")
    owner = living_customer(call.books, call.account, given.get("customer", ""), "customer")
    types = given.get("payment_method_types", ["card"])
    metadata = given.get("setup_intent_data", {}).get("metadata", {})
    intent = new_setup_intent(call.books, call.account, owner["id"], types, metadata)
    made = call.books.add(
        call.account,
        "checkout.session",
        "cs_test",
        **dict.fromkeys(_ABSENT),
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        cancel_url=given.get("cancel_url"),
        custom_fields=[],
        custom_text={
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        customer=owner["id"],
        expires_at=int(call.books.now) + DAY,
        livemode=False,
        locale=given.get("locale"),
        metadata=given.get("metadata", {}),
        mode="setup",
        payment_method_options=given.get("payment_method_options", {}),
        payment_method_types=types,
        payment_status="no_payment_required",
        setup_intent=intent["id"],
        shipping_options=[],
        status="open",
        success_url=given.get("success_url"),
        ui_mode="hosted",
        url=None,
    )
    made["url"] = f"{call.url}/hosted/checkout/{made['id']}"
    return made


@route("GET", "/v1/checkout/sessions/{id}")
def read_session(call: Call) -> Json:
    session = call.books.find(call.account, "checkout.session", call.args["id"], "session")
    expire(call.books, call.account, session)
    return session


def expire(books: Books, account: Account, session: Json) -> None:
    if session["status"] == "open" and books.now >= session["expires_at"]:
        session |= {"status": "expired", "url": None}
        account.objects["setup_intent"][session["setup_intent"]]["status"] = "canceled"
        books.tell(account, "checkout.session.expired", session)


def new_setup_intent(books: Books, account: Account, customer_id: str, types: list[str], metadata: Json) -> Json:
    return books.add(
        account,
        "setup_intent",
        "seti",
        application=None,
        automatic_payment_methods=None,
        cancellation_reason=None,
        client_secret=books.new_id("secret"),
        customer=customer_id,
        description=None,
        flow_directions=None,
        last_setup_error=None,
        latest_attempt=None,
        livemode=False,
        mandate=None,
        metadata=metadata,
        next_action=None,
        on_behalf_of=None,
        payment_method=None,
        payment_method_configuration_details=None,
        payment_method_options={},
        payment_method_types=types,
        single_use_mandate=None,
        status="requires_payment_method",
        usage="off_session",
    )


@route("GET", "/v1/setup_intents/{id}")
def read_setup_intent(call: Call) -> Json:
    return call.books.find(call.account, "setup_intent", call.args["id"], "intent")


@route("GET", "/v1/setup_intents")
def list_setup_intents(call: Call) -> Json:
    return listed(call, "setup_intent", customer=call.params.get("customer"))


def enter(books: Books, account: Account, session_id: str, token: str) -> Json:
    """The customer entered this on the page. A card that is refused leaves the page open, with its error."""
    session = books.find(account, "checkout.session", session_id)
    expire(books, account, session)
    if session["status"] != "open":
        raise invalid("session", "This page is over.")
    intent = account.objects["setup_intent"][session["setup_intent"]]
    if TOKENS[token].refuses_attach:
        intent["last_setup_error"] = {
            "code": "card_declined",
            "decline_code": "generic_decline",
            "message": "Your card was declined.",
            "type": "card_error",
        }
        books.tell(account, "setup_intent.setup_failed", intent)
        return session
    method = new_method(books, account, token, session["customer"])
    account.authenticated.add(method["id"])  # the page asks for 3-D Secure itself
    intent |= {"status": "succeeded", "payment_method": method["id"], "last_setup_error": None}
    intent["mandate"] = None if method["type"] == "card" else books.new_id("mandate")
    session |= {"status": "complete", "url": None}
    books.tell(account, "payment_method.attached", method)
    books.tell(account, "setup_intent.succeeded", intent)
    books.tell(account, "checkout.session.completed", session)
    return session
