"""Every detail page opens, in both languages, with what its object really has."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from engine.services.cancel import schedule_cancel
from engine.services.intents import capture_intent, confirm_intent
from events.models import Event
from invoicing.models import Invoice
from notifications.models import Message
from payments.intents import NewIntent, create_intent
from payments.models import PaymentIntent
from payments.services import create_payment_method
from subscriptions.models import Subscription
from tests.factories import catalog, customers
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc


@pytest.fixture
def ada(shop) -> Customer:
    """A customer with a discounted, taxed, paid subscription."""
    gst = catalog.tax_rate(merchant=shop)
    coupon = catalog.coupon(merchant=shop, name="Twenty off", duration="forever")
    price = catalog.price(merchant=shop, amount=2000)
    customer = customers.customer(merchant=shop, payment_method="pm_card_visa")
    subscription(
        customer=customer,
        prices=[price],
        at=utc(2024, 1, 5),
        coupon_ids=(coupon.pk,),
        default_tax_rate_ids=(gst.pk,),
    )
    return customer


def test_the_customers_page_tells_what_was_paid(desk, ada) -> None:
    page = desk.get("customer", ada.pk).content.decode()
    assert "CA$16.80" in page  # 20.00 less 20 %, plus 5 %
    assert "•••• 4242" in page
    assert "Invoice paid" in page


def test_the_invoices_page_adds_up_before_the_readers_eyes(desk, ada) -> None:
    page = desk.get("invoice", Invoice.objects.get().pk).content.decode()
    for figure in ("CA$20.00", "−CA$4.00", "GST 5%", "CA$0.80", "CA$16.80"):
        assert figure in page


def test_the_subscriptions_page_names_discount_tax_and_period(desk, ada) -> None:
    page = desk.get("subscription", Subscription.objects.get().pk).content.decode()
    assert "Twenty off" in page
    assert "GST 5%" in page
    assert "Feb 5, 2024" in page


def test_the_payments_page_offers_a_refund(desk, ada) -> None:
    payment = PaymentIntent.objects.get()
    page = desk.get("payment", payment.pk).content.decode()
    assert f"/dashboard/payments/{payment.pk}/charges/" in page


def test_a_scheduled_end_is_said_and_can_be_taken_back(desk, ada, shop) -> None:
    sub = Subscription.objects.get()
    schedule_cancel(ctx=context(utc(2024, 1, 10)), merchant_id=shop.pk, subscription_id=sub.pk)
    page = desk.get("subscription", sub.pk).content.decode()
    assert "at the end of its period" in page
    assert "Keep it running" in page


def test_an_event_shows_the_object_as_it_was(desk, ada) -> None:
    event = (
        Event.objects.get(type="customer.created")
        if Event.objects.filter(type="customer.created").exists()
        else (Event.objects.filter(type="invoice.paid").get())
    )
    page = desk.get("event", event.pk).content.decode()
    assert event.object_id in page
    assert "&quot;object&quot;" in page


@pytest.mark.parametrize("language", ["en", "fr-ca", "fr"])
def test_details_open_in_each_language(desk_of, ada, language: str) -> None:
    desk = desk_of(language=language)
    for name, row in (
        ("customer", ada),
        ("subscription", Subscription.objects.get()),
        ("invoice", Invoice.objects.get()),
        ("payment", PaymentIntent.objects.get()),
    ):
        response = desk.get(name, row.pk)
        assert response.status_code == 200
        assert f'lang="{language}"' in response.content.decode()


def test_canadian_french_speaks_of_factures_and_writes_its_amounts(desk_of, ada) -> None:
    page = desk_of(language="fr-ca").get("invoice", Invoice.objects.get().pk).content.decode()
    assert "Sous-total" in page
    assert "16,80\xa0$" in page
    assert "Payée" in page


def test_a_customers_page_takes_the_same_queries_whatever_the_history(desk, ada, shop) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get("customer", ada.pk).status_code == 200
        return len(captured)

    count()
    few = count()
    for amount in (300, 400, 500):
        subscription(customer=ada, prices=[catalog.price(merchant=shop, amount=amount)], at=utc(2024, 1, 7))
    assert count() == few
    assert few <= 18  # three of them are the entitlements'


def test_a_mail_is_shown_as_sent_and_nothing_in_it_can_run(desk, shop) -> None:
    message = Message.objects.create(
        merchant=shop,
        kind="receipt",
        dedupe_key="one",
        locale="en",
        to="ada@example.com",
        subject="Your receipt",
        text="Thank you.",
        html="<p style='color:red'>Thank you.</p>",
        created=NEW_YEAR,
        recorded_at=NEW_YEAR,
    )
    assert "Thank you." in desk.get("message", message.pk).content.decode()
    response = desk.get("message_as_sent", message.pk)
    assert response.content.decode() == message.html
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_a_payment_of_nobody_without_an_invoice_is_listed_and_shown(desk, shop) -> None:
    ctx = context(utc(2024, 1, 5))
    method = create_payment_method(ctx=ctx, merchant_id=shop.pk, instrument="pm_card_visa")
    wanted = NewIntent(
        merchant_id=shop.pk,
        amount=2500,
        currency="cad",
        payment_method_id=method.pk,
        capture_method="manual",
        description="Counter sale",
    )
    made = create_intent(ctx=ctx, wanted=wanted)
    confirm_intent(ctx=ctx, merchant_id=shop.pk, payment_intent_id=made.pk)
    for page in (desk.get("payments"), desk.get("payment", made.pk)):
        text = page.content.decode()
        assert ("Counter sale" in text, "CA$25.00" in text, "To capture" in text) == (True, True, True)
        assert "None" not in text
    capture_intent(ctx=ctx, merchant_id=shop.pk, payment_intent_id=made.pk, amount=2000)
    assert f"/dashboard/payments/{made.pk}/charges/" in desk.get("payment", made.pk).content.decode()
