"""Cards that are entered on the processor's own page, and banks that ask on theirs."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from core.ids import new_id
from customers.models import PaymentMethod
from engine.services.pay import pay_invoice
from invoicing.models import Invoice
from payments.models import Charge, GatewaySetup, PaymentIntent
from payments.services import attach_payment_method
from portal.views.visitor import SESSION_KEY
from tests.factories.customers import customer as new_customer
from tests.factories.gateways import merchant_on_stripe
from tests.factories.payments import open_invoice
from tests.factories.times import context
from tests.fake_stripe import checkout, intents

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(fake):
    return merchant_on_stripe(fake)


@pytest.fixture
def theirs(fake, merchant):
    [account] = fake.books.accounts.values()
    return account


@pytest.fixture
def customer(merchant):
    return new_customer(merchant=merchant)


@pytest.fixture
def invoice(customer):
    return open_invoice(customer=customer, amount=1250, hosted_token=new_id("tok"))


@pytest.fixture
def at_home(customer):
    """A browser that is signed in to the portal."""
    client = Client()
    session = client.session
    session[SESSION_KEY] = {
        "merchant": customer.merchant_id,
        "customer": customer.id,
        "email": customer.email,
        "until": "2999-01-01T00:00:00+00:00",
    }
    session.save()
    return client


def enter(fake, theirs, token: str = "pm_card_visa") -> str:
    """The customer on the processor's page: where it leads back to."""
    [session] = theirs.objects["checkout.session"].values()
    checkout.enter(fake.books, theirs, session["id"], token)
    back = urlsplit(session["success_url"])
    return f"{back.path}?{back.query}"


def test_a_card_is_added_on_the_processors_page(fake, theirs, customer, at_home):
    there = at_home.get("/portal/payment-methods/add")
    assert (there.status_code, there["Location"].startswith(f"{fake.url}/hosted/checkout/")) == (302, True)
    page = at_home.get(enter(fake, theirs), follow=True)
    assert "Your payment method was added." in page.content.decode()
    customer.refresh_from_db()
    assert PaymentMethod.objects.get().id == customer.default_payment_method_id


def test_coming_back_without_a_card_stores_nothing_and_says_so(fake, theirs, at_home):
    at_home.get("/portal/payment-methods/add")
    page = at_home.get(f"/portal/payment-methods/setup/{GatewaySetup.objects.get().id}?setup=canceled", follow=True)
    assert "No payment method was added." in page.content.decode()
    assert not PaymentMethod.objects.exists()


def test_another_customers_setup_is_not_found(fake, theirs, merchant, at_home):
    other = new_customer(merchant=merchant, name="Bea", email="bea@example.com")
    stranger = GatewaySetup.objects.create(
        merchant=merchant,
        customer=other,
        gateway="stripe",
        gateway_setup_id="cs",
        created=other.created,
        recorded_at=other.created,
    )
    page = at_home.get(f"/portal/payment-methods/setup/{stranger.id}", follow=True)
    assert "There is no such setup" in page.content.decode()


def test_a_processor_that_does_not_answer_is_said(fake, theirs, at_home):
    fake.faults.arm("drop_before", "/v1/customers")
    page = at_home.get("/portal/payment-methods/add", follow=True)
    assert "does not answer" in page.content.decode()


def test_an_invoice_is_paid_with_a_card_entered_elsewhere_once(fake, theirs, invoice):
    page = Client().get(f"/i/{invoice.hosted_token}").content.decode()
    assert f"/i/{invoice.hosted_token}/card" in page
    assert "pm_card_visa" not in page
    Client().get(f"/i/{invoice.hosted_token}/card")
    back = enter(fake, theirs)
    for _ in range(2):
        page = Client().get(back, follow=True).content.decode()
    assert "Paid on" in page
    assert Charge.objects.get().status == "succeeded"


def test_a_stored_card_pays_and_what_is_new_cannot_be_posted(fake, theirs, customer, invoice, merchant):
    method = attach_payment_method(
        ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_card_visa"
    )
    refused = Client().post(f"/i/{invoice.hosted_token}/pay", {"method": "new", "instrument": "pm_card_visa"})
    assert refused.status_code == 422
    Client().post(f"/i/{invoice.hosted_token}/pay", {"method": method.id})
    assert Invoice.objects.get().status == "paid"


def test_the_bank_asks_on_its_own_page_and_the_way_back_pays(fake, theirs, customer, invoice, merchant):
    attach_payment_method(
        ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_card_threeDSecure2Required"
    )
    pay_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    intent = PaymentIntent.objects.get()
    page = Client().get(f"/i/{invoice.hosted_token}/authenticate").content.decode()
    assert f'href="{fake.url}/hosted/3ds/{intent.gateway_intent_id}"' in page
    assert "Approve the payment" not in page
    intents.authenticate(fake.books, theirs, intent.gateway_intent_id, approve=True)
    back = urlsplit(intent.next_action["redirect_to_url"]["return_url"])
    assert back.path == f"/pay/return/{intent.id}/"
    page = Client().get(back.path, follow=True)
    assert page.redirect_chain[-1][0] == f"/i/{invoice.hosted_token}"
    assert "Paid on" in page.content.decode()


def test_a_failed_authentication_is_said_and_another_card_may_pay(fake, theirs, customer, invoice, merchant):
    attach_payment_method(
        ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_card_threeDSecure2Required"
    )
    pay_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    intent = PaymentIntent.objects.get()
    intents.authenticate(fake.books, theirs, intent.gateway_intent_id, approve=False)
    page = Client().get(f"/pay/return/{intent.id}/", follow=True).content.decode()
    assert "did not go through" in page
    assert "Pay with another card" in page


def test_a_return_to_nothing_is_not_found():
    assert Client().get("/pay/return/pi_nonesuch/").status_code == 404


def test_a_sandboxs_invoice_has_no_way_to_a_processor(client):
    from tests.factories.merchants import merchant as new_merchant

    mine = open_invoice(customer=new_customer(merchant=new_merchant()), hosted_token=new_id("tok"))
    assert client.get(f"/i/{mine.hosted_token}/card").status_code == 404
