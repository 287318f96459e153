"""The fake is checked too: its objects against the library's annotations, its habits against what Stripe documents."""

import ast
import inspect
import json

import pytest
import stripe

from tests.fake_stripe import checkout, forms, hooks, intents, money, people

KEY = "sk_test_0123456789abcdefghijklmnop"


@pytest.fixture
def client(fake):
    fake.books.open_account(KEY, "acct_fake")
    return stripe.StripeClient(KEY, base_addresses={"api": fake.url}, max_network_retries=0)


@pytest.fixture
def account(fake, client):
    return fake.books.accounts["acct_fake"]


def a_customer(client) -> str:
    return client.v1.customers.create({"email": "ada@example.com"}).id


def a_paid_intent(client, token: str = "pm_card_visa", amount: int = 1000):
    customer = a_customer(client)
    method = client.v1.payment_methods.attach(token, {"customer": customer})
    intent = client.v1.payment_intents.create({"amount": amount, "currency": "cad", "customer": customer})
    return client.v1.payment_intents.confirm(intent.id, {"payment_method": method.id, "off_session": True})


# --- shapes --------------------------------------------------------------------------------------------------


def annotations(cls) -> dict[str, bool]:
    """Field -> whether it is always there, from the class's own source."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(cls)))
    [body] = [node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__]
    found = [
        node for node in body if isinstance(node, ast.AnnAssign) and "ClassVar" not in ast.unparse(node.annotation)
    ]
    return {node.target.id: "Optional" not in ast.unparse(node.annotation) for node in found}


def everything(fake, client, account):
    """One of each object, as the API gives it."""
    paid = a_paid_intent(client)
    refund = client.v1.refunds.create({"payment_intent": paid.id, "amount": 300})
    charge = account.objects["charge"][paid.latest_charge]
    money.open_dispute(fake.books, account, charge, "fraudulent")
    money.pay_out(fake.books, account, 500, "cad")
    session = client.v1.checkout.sessions.create(
        {"mode": "setup", "customer": paid.customer, "success_url": "http://x"}
    )
    checkout.enter(fake.books, account, session.id, "pm_fake_acss")
    client.v1.webhook_endpoints.create({"url": "http://x/", "enabled_events": ["*"]})
    assert refund.status == "succeeded"
    return {kind: list(rows.values()) for kind, rows in account.objects.items()}


CLASSES = {
    "customer": stripe.Customer,
    "payment_method": stripe.PaymentMethod,
    "payment_intent": stripe.PaymentIntent,
    "setup_intent": stripe.SetupIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "balance_transaction": stripe.BalanceTransaction,
    "payout": stripe.Payout,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
    "checkout.session": stripe.checkout.Session,
}


def test_every_object_is_one_that_the_library_knows(fake, client, account):
    made = everything(fake, client, account)
    assert made.keys() == CLASSES.keys()
    for kind, rows in made.items():
        known = annotations(CLASSES[kind])
        for row in rows:
            assert row["object"] == kind
            assert row.keys() <= known.keys(), kind
            assert {name for name, always in known.items() if always} <= row.keys(), kind
    assert people.account_body(account).keys() <= annotations(stripe.Account).keys()


def test_every_event_has_a_type_that_the_library_knows(fake, client, account):
    everything(fake, client, account)
    types = inspect.getsource(inspect.getmodule(stripe.Event))
    assert all(f'"{event["type"]}"' in types for event in account.objects["event"].values())


# --- idempotency ---------------------------------------------------------------------------------------------


def make(client, key: str, amount: int = 1000):
    return client.v1.payment_intents.create({"amount": amount, "currency": "cad"}, {"idempotency_key": key})


def test_a_key_gives_the_same_object_and_another_body_is_refused(client):
    assert make(client, "k1").id == make(client, "k1").id
    assert make(client, "k1").id != make(client, "k2").id
    with pytest.raises(stripe.IdempotencyError):
        make(client, "k1", 1001)


def test_a_402_replays_under_its_key(client, account):
    customer = a_customer(client)
    method = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "cad", "customer": customer})
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_intents.confirm(intent.id, {"payment_method": method.id}, {"idempotency_key": "k"})
        assert declined.value.headers.get("Idempotent-Replayed") == (None if _ == 0 else "true")
    assert len(account.objects["charge"]) == 1


@pytest.mark.parametrize(("fault", "made"), [("500_before", 0), ("500_after", 1)])
def test_a_500_replays_under_its_key_for_a_day(fake, client, account, fault, made):
    fake.faults.arm(fault)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            make(client, "k")
    assert len(account.objects["payment_intent"]) == made
    fake.books.advance(86_400)
    make(client, "k")
    assert len(account.objects["payment_intent"]) == made + 1


@pytest.mark.parametrize(("fault", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_line_says_nothing_and_the_key_finds_out(fake, client, account, fault, made):
    fake.faults.arm(fault)
    with pytest.raises(stripe.APIConnectionError):
        make(client, "k")
    assert len(account.objects["payment_intent"]) == made
    make(client, "k")
    assert len(account.objects["payment_intent"]) == 1


def test_too_many_requests_do_nothing_and_keep_no_answer(fake, client, account):
    fake.faults.arm("429")
    with pytest.raises(stripe.RateLimitError):
        make(client, "k")
    assert make(client, "k").id in account.objects["payment_intent"]


# --- money ---------------------------------------------------------------------------------------------------


def test_authentication_off_session_is_a_402(client):
    with pytest.raises(stripe.CardError) as declined:
        a_paid_intent(client, "pm_card_threeDSecure2Required")
    assert declined.value.code == "authentication_required"


def test_refunds_end_at_the_charge(client):
    paid = a_paid_intent(client)
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 600})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})


def test_a_disputed_charge_is_not_refunded(fake, client, account):
    paid = a_paid_intent(client, "pm_card_createDispute")
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        client.v1.refunds.create({"payment_intent": paid.id})


def test_a_paid_intent_is_neither_confirmed_nor_canceled(client):
    paid = a_paid_intent(client)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.cancel(paid.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_lists_are_paged_to_their_end(client):
    for number in range(25):
        make(client, f"k{number}")
    found = list(client.v1.payment_intents.list({"limit": 10}).auto_paging_iter())
    assert len({intent.id for intent in found}) == 25


def test_another_accounts_key_sees_nothing(fake, client):
    paid = a_paid_intent(client)
    other = "sk_test_zyxwvutsrqponmlkjihgfedcba"
    fake.books.open_account(other)
    stranger = stripe.StripeClient(other, base_addresses={"api": fake.url}, max_network_retries=0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stranger.v1.payment_intents.retrieve(paid.id)
    assert refused.value.code == "resource_missing"
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("sk_test_revoked0123456789abcdef", base_addresses={"api": fake.url}).v1.customers.list()


def test_a_debit_ends_on_its_day(fake, client, account):
    paid = a_paid_intent_of_type(client, "pm_fake_sepa", "sepa_debit")
    assert paid.status == "processing"
    fake.books.advance(3 * 86_400)
    assert client.v1.payment_intents.retrieve(paid.id).status == "succeeded"


def a_paid_intent_of_type(client, token: str, kind: str):
    customer = a_customer(client)
    method = client.v1.payment_methods.attach(token, {"customer": customer})
    intent = client.v1.payment_intents.create(
        {"amount": 1000, "currency": "cad", "customer": customer, "payment_method_types": [kind]}
    )
    return client.v1.payment_intents.confirm(intent.id, {"payment_method": method.id})


# --- deliveries ------------------------------------------------------------------------------------------------


def test_deliveries_are_signed_as_the_library_expects():
    body = json.dumps({"id": "evt_1"})
    header = hooks.signed(body, "whsec_1", 1_700_000_000)
    assert stripe.WebhookSignature.verify_header(body, header, "whsec_1")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body, header, "whsec_2")


def test_nothing_is_delivered_until_somebody_flushes_and_then_once(fake, client, account):
    client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["customer.created"]})
    a_customer(client)
    make(client, "k")
    assert [delivery.event["type"] for delivery in hooks.pending(fake.books, account)] == ["customer.created"]
    assert hooks.pending(fake.books, account) == []


def test_forms_with_brackets_are_read():
    given = "a=1&metadata[x]=y&items[0][price]=p&items[1][price]=q&expand[]=e&expand[]=f&created[gte]=5"
    assert forms.parse(given) == {
        "a": "1",
        "metadata": {"x": "y"},
        "items": [{"price": "p"}, {"price": "q"}],
        "expand": ["e", "f"],
        "created": {"gte": "5"},
    }


def test_the_banks_page_is_answered_once(fake, client, account):
    customer = a_customer(client)
    method = client.v1.payment_methods.attach("pm_card_threeDSecure2Required", {"customer": customer})
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "cad", "customer": customer})
    waiting = client.v1.payment_intents.confirm(
        intent.id, {"payment_method": method.id, "return_url": "https://shop.example/back"}
    )
    assert waiting.next_action.redirect_to_url.url.startswith(f"{fake.url}/hosted/3ds/")
    assert intents.authenticate(fake.books, account, intent.id, approve=True)["status"] == "succeeded"
