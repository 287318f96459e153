"""The pages behind a mail's link: fixed or confirmed without signing in, once, until the link's day."""

import re
from datetime import datetime

import pytest
from django.test import Client

from customers.models import Customer, PaymentMethod
from invoicing.models import Invoice
from notifications.consumers import queue_mails
from notifications.links import CONFIRM, FIX, OnePurpose, sign_link
from notifications.models import Message
from payments.models import Charge, PaymentIntent
from subscriptions.models import Subscription
from tests.factories.catalog import price
from tests.factories.customers import customer, payment_method
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.notifications.stories import told
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db
FEBRUARY = utc(2024, 2, 1)
FAR_AHEAD = utc(2100, 1, 1)  # the pages compare a link's day with the real now


def renewal_with(instrument: str) -> Invoice:
    """The renewal of 1 February, charged to that method and refused."""
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa", preferred_locale="en")
    row = subscription(customer=owner, prices=[price(merchant=shop, amount=2300)], at=utc(2024, 1, 1))
    bad = payment_method(customer=owner, instrument=instrument, last4="3220")
    Subscription.objects.filter(id=row.id).update(default_payment_method_id=bad.id)
    day(FEBRUARY)
    return Invoice.objects.get(billing_reason="subscription_cycle")


@pytest.fixture
def refused() -> Invoice:
    return renewal_with("pm_card_visa_chargeDeclinedInsufficientFunds")


@pytest.fixture
def unconfirmed() -> Invoice:
    return renewal_with("pm_card_threeDSecure2Required")


def link_to(invoice: Invoice, purpose: str, until: datetime = FAR_AHEAD) -> str:
    token = sign_link(OnePurpose(purpose, invoice.merchant_id, invoice.id, until))
    return f"/{purpose}/{token}"


def succeeded(invoice: Invoice) -> int:
    return Charge.objects.filter(invoice_id=invoice.id, status="succeeded").count()


def test_the_mail_of_a_refusal_leads_to_the_page_that_fixes_it(refused):
    queue_mails(context(recorded_at=FAR_AHEAD), [told("invoice.payment_failed", refused.id, merchant=refused.merchant)])
    mail = Message.objects.get(kind="payment_failed")
    url = re.search(r"http://127.0.0.1:8000(/fix/\S+)", mail.text)[1]
    html = Client().get(url).content.decode()
    assert "CA$23.00" in html
    assert "insufficient funds" in html


def test_another_card_pays_at_once_and_is_kept_for_what_comes(refused):
    url = link_to(refused, FIX)
    answer = Client().post(url, {"method": "new", "instrument": "pm_card_mastercard"}, follow=True)
    assert "This invoice is paid" in answer.content.decode()
    refused.refresh_from_db()
    assert (refused.status, refused.subscription.status) == ("paid", "active")
    mastercard = PaymentMethod.objects.get(brand="mastercard")
    assert refused.subscription.default_payment_method_id == mastercard.id
    assert Customer.objects.get().default_payment_method_id == mastercard.id


def test_a_stored_card_pays_and_the_refused_one_is_offered_last(refused):
    url = link_to(refused, FIX)
    stored = PaymentMethod.objects.get(last4="4242")
    html = Client().get(url).content.decode()
    assert html.index("4242") < html.index("3220")
    Client().post(url, {"method": stored.id})
    refused.refresh_from_db()
    assert refused.status == "paid"
    assert refused.subscription.default_payment_method_id == stored.id


def test_a_second_click_pays_nothing_and_says_so(refused):
    url = link_to(refused, FIX)
    for _ in range(2):
        answer = Client().post(url, {"method": "new", "instrument": "pm_card_visa"}, follow=True)
        assert answer.status_code == 200
        assert "This invoice is paid" in answer.content.decode()
    assert succeeded(refused) == 1
    assert PaymentMethod.objects.count() == 3  # the second click stored no card either


def test_another_refusal_is_said_and_the_page_stays(refused):
    answer = Client().post(
        link_to(refused, FIX), {"method": "new", "instrument": "pm_card_chargeDeclinedExpiredCard"}, follow=True
    )
    html = answer.content.decode()
    assert "Your card has expired." in html
    assert "Pay CA$23.00" in html


@pytest.mark.parametrize("fields", [{}, {"method": "pm_of_another"}, {"method": "new"}])
def test_a_form_that_says_nothing_is_shown_again(refused, fields):
    answer = Client().post(link_to(refused, FIX), fields)
    assert answer.status_code == 422
    assert not succeeded(refused)


def test_an_authentication_is_asked_for_answered_and_pays(unconfirmed):
    visitor = Client()
    url = link_to(unconfirmed, CONFIRM)
    assert "Your bank wants to know that it is you" in visitor.get(url).content.decode()
    assert not Charge.objects.filter(status="requires_action").exists()  # a scanner that looks starts nothing

    bank = visitor.post(url).url
    assert bank == f"/i/{unconfirmed.hosted_token}/authenticate"
    assert visitor.get(url).url == bank  # the link again, while the bank waits
    assert visitor.post(url).url == bank
    visitor.post(bank, {"answer": "approve"})
    unconfirmed.refresh_from_db()
    assert (unconfirmed.status, unconfirmed.subscription.status) == ("paid", "active")
    assert "This invoice is paid" in visitor.get(url).content.decode()
    assert "This invoice is paid" in visitor.post(url).content.decode()
    assert succeeded(unconfirmed) == 1


def test_an_authentication_that_fails_can_be_tried_again_or_paid_another_way(unconfirmed):
    visitor = Client()
    url = link_to(unconfirmed, CONFIRM)
    visitor.post(visitor.post(url).url, {"answer": "fail"})
    html = visitor.get(url).content.decode()
    assert "Answer your bank" in html
    assert "Pay with something else" in html
    visitor.post(visitor.post(url).url, {"answer": "approve"})
    unconfirmed.refresh_from_db()
    assert unconfirmed.status == "paid"


def test_a_card_that_is_gone_cannot_be_confirmed(unconfirmed):
    PaymentMethod.objects.filter(last4="3220").update(detached_at=FEBRUARY)
    assert Client().get(link_to(unconfirmed, CONFIRM)).url == f"/i/{unconfirmed.hosted_token}"


@pytest.mark.parametrize("purpose", [FIX, CONFIRM])
class TestLinksThatDoNotOpen:
    def test_after_its_day(self, refused, purpose):
        answer = Client().get(link_to(refused, purpose, utc(2024, 3, 1)))
        assert answer.status_code == 410
        assert "This link was valid until March 1, 2024" in answer.content.decode()

    def test_for_another_purpose(self, refused, purpose):
        other = link_to(refused, CONFIRM if purpose == FIX else FIX).split("/")[2]
        answer = Client().get(f"/{purpose}/{other}")
        assert answer.status_code == 404
        assert "This link is incomplete or was changed." in answer.content.decode()

    def test_cut_off_by_a_mail_program(self, refused, purpose):
        assert Client().get(link_to(refused, purpose)[:-4]).status_code == 404
        assert Client().post(link_to(refused, purpose)[:-4]).status_code == 404

    def test_of_an_invoice_that_was_voided(self, refused, purpose):
        Invoice.objects.filter(id=refused.id).update(status="void", voided_at=FEBRUARY)
        assert "Nothing is owed" in Client().get(link_to(refused, purpose)).content.decode()

    def test_while_the_bank_takes_its_days(self, refused, purpose):
        PaymentIntent.objects.filter(invoice=refused).update(status="processing")
        assert "Your payment is on its way" in Client().post(link_to(refused, purpose)).content.decode()
        assert not succeeded(refused)
