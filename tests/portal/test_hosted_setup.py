"""A merchant with an account at Stripe: cards are entered on Stripe's page, and whoever comes back has paid."""

import re
from types import SimpleNamespace

import pytest
from django.conf import settings

from customers.models import PaymentMethod
from invoicing.models import Invoice
from payments.models import Charge, GatewaySetup, PaymentIntent
from subscriptions.models import Subscription
from tests.factories import catalog, customers, merchants
from tests.factories.gateways import merchant_on_stripe
from tests.factories.payments import open_invoice
from tests.fake_stripe import intents as fake_intents
from tests.fake_stripe.checkout import enter
from tests.portal.conftest import QUEBEC, sign_in_by_link

pytestmark = pytest.mark.django_db
BUYER = {name: value for name, value in QUEBEC.items() if name != "instrument"}


@pytest.fixture
def shop(fake):
    """CA$20.00 a month, collected through Stripe."""
    merchant = merchant_on_stripe(fake)
    price = catalog.price(merchant=merchant, product=catalog.product(merchant=merchant, name="Box"), amount=2000)
    link = catalog.payment_link(merchant=merchant, prices=[price])
    [account] = fake.books.accounts.values()
    return SimpleNamespace(merchant=merchant, link=link, account=account, fake=fake)


def sent_on_to(response) -> str:
    """The processor's page that the visitor is taken to."""
    if response.status_code == 302:
        return response.url
    assert response.status_code == 200, response.content.decode()[:2000]
    return re.fullmatch(r"0; url=(\S+)", response["Refresh"])[1]


def enters(shop, url: str, token: str) -> str:
    """The customer enters this on Stripe's page; gives our address that Stripe leads back to."""
    session_id = url.rsplit("/", 1)[1]
    return enter(shop.fake.books, shop.account, session_id, token)["success_url"].removeprefix(settings.SITE_URL)


def invoice_of(merchant, customer) -> Invoice:
    """CA$42.00, open, at an address of its own."""
    return open_invoice(merchant=merchant, customer=customer, amount=4200, hosted_token="token-of-the-invoice")


def checked_out(client, shop, token="pm_card_visa"):
    url = client.get(f"/pay/{shop.link.id}").url
    back = enters(shop, sent_on_to(client.post(url, BUYER)), token)
    return url, back


def test_the_checkout_sells_nothing_before_there_is_something_to_pay_with(client, shop):
    url = client.get(f"/pay/{shop.link.id}").url
    page = client.get(url).content.decode()
    assert "pm_card_visa" not in page
    assert "payment processor" in page
    sent_on_to(client.post(url, BUYER))
    assert (Subscription.objects.count(), Invoice.objects.count()) == (0, 0)
    assert "Zoé Gagnon" in client.get(url).content.decode()  # back without having paid: the form is as it was


def test_who_comes_back_from_stripes_page_has_bought_and_paid_once(client, shop):
    url, back = checked_out(client, shop)
    for _ in range(2):  # a reload of the address buys nothing
        assert client.get(back).url == url
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.amount_paid, Charge.objects.count()) == ("paid", 2000, 1)
    assert Subscription.objects.get().status == "active"
    assert invoice.customer.default_payment_method_id == PaymentMethod.objects.get().id
    assert [row["amount"] for row in shop.account.objects["charge"].values()] == [2000]


def test_a_card_that_does_not_pay_is_said_and_another_one_pays(client, shop):
    url, back = checked_out(client, shop, "pm_card_chargeCustomerFail")
    page = client.get(back, follow=True).content.decode()
    assert "did not go through" in page
    assert client.get(back).url == url
    assert Charge.objects.count() == 1  # the reload tried nothing
    back = enters(shop, sent_on_to(client.post(url, {})), "pm_card_visa")
    client.get(back)
    assert Invoice.objects.get().status == "paid"
    assert PaymentMethod.objects.filter(detached_at=None).count() == 1


def test_a_bank_that_asks_is_answered_on_its_own_page(client, shop):
    url, back = checked_out(client, shop, "pm_card_authenticationRequired")
    client.get(back)
    intent = PaymentIntent.objects.get()
    assert intent.gateway_intent_id in client.get(f"{url}/authenticate").content.decode()
    fake_intents.authenticate(shop.fake.books, shop.account, intent.gateway_intent_id, approve=True)
    assert client.get(f"/pay/return/{intent.id}/").url == url
    assert Invoice.objects.get().status == "paid"


def test_another_visits_setup_opens_nothing(client, shop):
    url, _back = checked_out(client, shop)
    other = GatewaySetup.objects.create(
        merchant=shop.merchant,
        customer=customers.customer(merchant=shop.merchant),
        gateway="stripe",
        gateway_setup_id="cs_test_other",
        created=shop.merchant.created,
        recorded_at=shop.merchant.created,
    )
    assert client.get(f"{url}/entered/{other.id}").status_code == 404
    assert not Subscription.objects.exists()


def test_a_subscriber_adds_a_card_on_stripes_page(client, shop):
    customer = customers.customer(merchant=shop.merchant)
    sign_in_by_link(client, customer)
    away = sent_on_to(client.get("/portal/payment-methods/add"))
    shown = client.get(enters(shop, away, "pm_card_visa"), follow=True).content.decode()
    assert "Your payment method was added." in shown
    assert "Visa •••• 4242" in shown
    customer.refresh_from_db()
    assert customer.default_payment_method_id == PaymentMethod.objects.get().id


def test_who_turns_back_has_stored_nothing(client, shop):
    sign_in_by_link(client, customers.customer(merchant=shop.merchant))
    client.get("/portal/payment-methods/add")
    setup = GatewaySetup.objects.get()
    shown = client.get(f"/portal/payment-methods/setup/{setup.id}", follow=True).content.decode()
    assert "No payment method was added." in shown
    assert not PaymentMethod.objects.exists()


def test_an_invoice_is_paid_with_a_card_entered_on_stripes_page_without_a_login(client, shop):
    invoice = invoice_of(shop.merchant, customers.customer(merchant=shop.merchant))
    address = f"/i/{invoice.hosted_token}"
    assert "pm_card_visa" not in client.get(address).content.decode()
    away = sent_on_to(client.get(f"{address}/card"))
    back = enters(shop, away, "pm_card_visa")
    for _ in range(2):
        assert client.get(back).url == address
    invoice.refresh_from_db()
    assert (invoice.status, Charge.objects.filter(status="succeeded").count()) == ("paid", 1)


def test_a_setup_of_another_customer_pays_nothing(client, shop):
    invoice = invoice_of(shop.merchant, customers.customer(merchant=shop.merchant))
    eve = customers.customer(merchant=shop.merchant)
    sign_in_by_link(client, eve)
    enters(shop, sent_on_to(client.get("/portal/payment-methods/add")), "pm_card_visa")
    setup = GatewaySetup.objects.get()
    assert client.get(f"/i/{invoice.hosted_token}/card/{setup.id}").status_code == 404
    assert not Charge.objects.exists()


@pytest.mark.parametrize(("demo", "offered"), [(False, False), (True, True)])
def test_a_live_merchant_without_a_processor_offers_no_test_methods(client, db, settings, demo, offered):
    settings.DEMO_PAYMENTS = demo
    merchant = merchants.merchant(livemode=True)
    customer = customers.customer(merchant=merchant)
    invoice = invoice_of(merchant, customer)
    sign_in_by_link(client, customer)
    link = catalog.payment_link(merchant=merchant, prices=[catalog.price(merchant=merchant, amount=2000)])
    checkout = client.get(f"/pay/{link.id}").url
    for address in ("/portal/payment-methods/add", f"/i/{invoice.hosted_token}", checkout):
        page = client.get(address).content.decode()
        assert ("pm_card_visa" in page) is offered
        assert ("are not taken here yet" in page) is not offered
    if not offered:
        answer = client.post(f"/i/{invoice.hosted_token}/pay", {"method": "new", "instrument": "pm_card_visa"})
        assert answer.status_code == 422
        assert client.post(checkout, QUEBEC).status_code == 422
        assert not Charge.objects.exists()
