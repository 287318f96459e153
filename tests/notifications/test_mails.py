"""Which facts become which mails, in which language, once."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.consumers import queue_mails
from notifications.models import Message
from payments.models import Charge, PaymentIntent, Refund
from tests.factories.catalog import price, product
from tests.factories.customers import clock, customer
from tests.factories.merchants import merchant
from tests.factories.times import context, utc
from tests.invoicing.paper import paper_invoice
from tests.notifications.stories import TOLD, subscription, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return merchant(locale="fr-ca", timezone="America/Toronto", brand_color="#b3541e")


@pytest.fixture
def ada(shop):
    return customer(merchant=shop, preferred_locale="en")


def queue(*events) -> None:
    queue_mails(context(TOLD), events)


class TestReceipt:
    def test_says_what_was_paid_and_carries_the_invoice(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada)
        queue(told("invoice.paid", invoice.id, merchant=shop))
        mail = Message.objects.get()
        assert mail.subject == "Your receipt from Érable & Cie: EC-0042"
        assert (mail.kind, mail.to, mail.status, mail.invoice_id) == ("receipt", ada.email, "queued", invoice.id)
        for part in ("CA$114.98", "January 5, 2024", "Coffee box 1: CA$100.00", "Taxes: CA$14.98"):
            assert part in mail.text
        assert f"/i/{invoice.hosted_token}" in mail.text
        assert "#b3541e" in mail.html
        assert "Érable &amp; Cie" in mail.html

    def test_in_the_merchants_language_when_the_customer_has_none(self, shop):
        invoice = paper_invoice(merchant=shop, customer=customer(merchant=shop))
        queue(told("invoice.paid", invoice.id, merchant=shop))
        mail = Message.objects.get()
        assert mail.subject == "Votre reçu de Érable & Cie : EC-0042"
        assert "114,98\xa0$" in mail.text
        assert "5 janvier 2024" in mail.text

    def test_handed_over_twice_it_is_one_mail(self, shop, ada):
        event = told("invoice.paid", paper_invoice(merchant=shop, customer=ada).id, merchant=shop)
        queue(event)
        queue(event, event)
        assert Message.objects.count() == 1

    def test_nothing_is_said_of_the_simulated_past(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada)
        queue(told("invoice.paid", invoice.id, merchant=shop, recorded_at=TOLD + timedelta(days=420)))
        assert not Message.objects.exists()

    def test_a_test_clocks_mail_is_kept_and_not_queued(self, shop):
        time = clock(merchant=shop)
        ada = customer(merchant=shop, test_clock=time)
        invoice = paper_invoice(merchant=shop, customer=ada)
        queue(told("invoice.paid", invoice.id, merchant=shop, clock=time.id, recorded_at=TOLD + timedelta(days=99)))
        assert Message.objects.get().status == "kept"

    def test_without_an_address_it_fails_and_says_why(self, shop):
        nobody = customer(merchant=shop, email="")
        queue(told("invoice.paid", paper_invoice(merchant=shop, customer=nobody).id, merchant=shop))
        mail = Message.objects.get()
        assert (mail.status, mail.error) == ("failed", "Le client n’a pas d’adresse de courriel.")


class TestOtherMails:
    def test_an_invoice_to_pay_by_hand_has_its_link_and_due_date(self, shop, ada):
        invoice = paper_invoice(
            merchant=shop, customer=ada, status="open", collection_method="send_invoice", due_date=utc(2024, 2, 4, 15)
        )
        queue(told("invoice.finalized", invoice.id, merchant=shop))
        mail = Message.objects.get()
        assert mail.kind == "invoice"
        assert "CA$114.98 due February 4, 2024" in mail.text
        assert f"/i/{invoice.hosted_token}" in mail.html

    def test_a_failed_payment_says_when_it_is_tried_again_and_where_to_fix_it(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada, status="open", next_payment_attempt=utc(2024, 1, 8, 15))
        queue(told("invoice.payment_failed", invoice.id, merchant=shop))
        mail = Message.objects.get()
        assert "We will try again on January 8, 2024." in mail.text
        assert "Fix the payment:\nhttp://127.0.0.1:8000/fix/" in mail.text

    def test_a_bank_that_wants_confirmation(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada, status="open")
        queue(told("invoice.payment_action_required", invoice.id, merchant=shop))
        assert Message.objects.get().subject == "Please confirm your payment to Érable & Cie"

    def test_a_trial_that_ends_says_what_comes(self, shop, ada):
        sold = price(merchant=shop, amount=2500, product=product(merchant=shop, name="Boîte café"))
        trial = subscription(customer=ada, price=sold, status="trialing", trial_end=utc(2024, 1, 8, 15))
        queue(told("customer.subscription.trial_will_end", trial.id, merchant=shop))
        mail = Message.objects.get()
        assert mail.subject == "Your trial with Érable & Cie ends on January 8, 2024"
        assert "2 × Boîte café: CA$25.00 a month" in mail.text

    @pytest.mark.parametrize(
        ("reason", "words"),
        [
            ("cancellation_requested", "as requested"),
            ("payment_failed", "could not"),
            ("payment_disputed", "disputed with the bank"),
        ],
    )
    def test_an_end_says_why(self, shop, ada, reason, words):
        ended = subscription(
            customer=ada, price=price(merchant=shop), status="canceled", cancellation_reason=reason, ended_at=TOLD
        )
        queue(told("customer.subscription.deleted", ended.id, merchant=shop))
        assert words in Message.objects.get().text

    def test_a_tiered_price_is_told_by_its_least_unit(self, shop, ada):
        tiers = [
            {"up_to": 10, "unit_amount_decimal": "700", "flat_amount_decimal": None},
            {"up_to": None, "unit_amount_decimal": "650", "flat_amount_decimal": None},
        ]
        tiered = price(merchant=shop, amount=0, billing_scheme="tiered", tiers_mode="volume", tiers=tiers)
        ended = subscription(customer=ada, price=tiered, status="canceled", ended_at=TOLD)
        queue(told("customer.subscription.deleted", ended.id, merchant=shop))
        assert "from CA$6.50 per unit a month" in Message.objects.get().text

    def test_a_checkout_that_was_left_is_not_mourned(self, shop, ada):
        left = subscription(customer=ada, price=price(merchant=shop), status="incomplete_expired")
        queue(told("customer.subscription.deleted", left.id, merchant=shop))
        assert not Message.objects.exists()

    def test_a_refund_says_how_much_and_of_which_invoice(self, shop, ada):
        invoice = paper_invoice(merchant=shop, customer=ada)
        queue(told("refund.created", refund(invoice, 5000).id, merchant=shop))
        mail = Message.objects.get()
        assert "We are refunding you CA$50.00." in mail.text
        assert "EC-0042" in mail.text


def refund(invoice, amount):
    both = dict(merchant_id=invoice.merchant_id, currency="cad", gateway="sandbox", created=TOLD, recorded_at=TOLD)
    intent = PaymentIntent.objects.create(
        customer=invoice.customer, invoice=invoice, status="succeeded", amount=11498, **both
    )
    charge = Charge.objects.create(
        customer_id=invoice.customer_id, payment_intent=intent, amount=11498, idempotency_key="k", **both
    )
    return Refund.objects.create(
        charge=charge, invoice_id=invoice.id, amount=amount, idempotency_key="k", status="pending", **both
    )


def queries_for(shop, ada, count: int) -> int:
    invoices = [paper_invoice(merchant=shop, customer=ada, number=f"N{count}-{n:04}") for n in range(count)]
    with CaptureQueriesContext(connection) as queries:
        queue(*[told("invoice.paid", invoice.id, merchant=shop) for invoice in invoices])
    return len(queries)


def test_the_number_of_queries_does_not_depend_on_the_batch(shop, ada):
    assert queries_for(shop, ada, 2) == queries_for(shop, ada, 20)
