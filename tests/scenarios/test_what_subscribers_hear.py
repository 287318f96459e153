"""What a subscriber is told over some months, from the engine's own facts through the relay to mails and figures."""

import pytest
from django.core import mail as django_mail

from billing_site.event_routes import CONSUMERS
from engine.services.cancel import cancel_subscription
from engine.services.recover import add_payment_method
from engine.services.refund import refund_charge
from engine.services.subscribe import subscribe
from engine.types import ItemRequest, SubscribeRequest
from insights.models import MrrMovement
from insights.selectors import overview_kpis
from invoicing.models import Invoice
from notifications.models import Message
from notifications.services import send_queued_messages
from payments.models import Charge
from tests.events.outbox import drain
from tests.factories.catalog import coupon as new_coupon, price as new_price
from tests.factories.customers import customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.times import context, utc
from tests.invoicing.test_pdf import pdf_text
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db(transaction=True)
JANUARY, FEBRUARY, MARCH = utc(2024, 1, 1), utc(2024, 2, 1), utc(2024, 3, 1)


def relay(wall) -> None:
    for consumer in CONSUMERS:
        drain(consumer, wall=wall)


def heard() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("created", "id").values_list("kind", "status"))


def test_a_subscription_from_its_first_receipt_to_its_end():
    merchant = new_merchant(locale="fr-ca")
    ada = new_customer(merchant=merchant, created=JANUARY)
    who = dict(merchant_id=merchant.id)
    add_payment_method(ctx=context(JANUARY), customer_id=ada.id, instrument="pm_card_visa", **who)
    plan = new_price(merchant=merchant, amount=2000)
    half = new_coupon(merchant=merchant, percent_off=50, duration="once", name="Bienvenue")
    subscription = subscribe(
        ctx=context(JANUARY),
        request=SubscribeRequest(merchant.id, ada.id, (ItemRequest(plan.id),), coupon_ids=(half.id,)),
    ).subscription_id
    relay(JANUARY)
    assert heard() == [("receipt", "queued")]
    assert send_queued_messages(ctx=context(JANUARY)) == (1, 0)
    assert django_mail.outbox[0].subject.startswith("Votre reçu de Érable & Cie")
    text = pdf_text(Invoice.objects.get())
    for part in ("Facture", "Payée", "Bienvenue (50 % de rabais)", "10,00 $", "Ada Tremblay", "TPS/TVH"):
        assert part in text

    day(FEBRUARY)
    relay(FEBRUARY)
    assert heard()[1:] == [("receipt", "queued")]

    add_payment_method(ctx=context(FEBRUARY), customer_id=ada.id, instrument="pm_card_chargeCustomerFail", **who)
    day(MARCH)
    relay(MARCH)
    assert heard()[2:] == [("payment_failed", "queued")]

    charge = Charge.objects.filter(status="succeeded").latest("created")
    refund_charge(ctx=context(MARCH), charge_id=charge.id, amount=500, **who)
    cancel_subscription(ctx=context(MARCH), subscription_id=subscription, **who)
    relay(MARCH)
    assert sorted(heard()[3:]) == [("refund", "queued"), ("subscription_ended", "queued")]

    # A coupon given once is not recurring: 2000 a month from the first day to the last.
    assert list(MrrMovement.objects.order_by("created", "id").values_list("type", "amount")) == [
        ("new", 2000),
        ("churn", -2000),
    ]
    assert overview_kpis(merchant.id, MARCH).collected.series[-3:] == (1000, 2000, 0)


def test_an_invoice_to_pay_by_hand_is_sent():
    merchant = new_merchant()
    ada = new_customer(merchant=merchant, created=JANUARY)
    subscribe(
        ctx=context(JANUARY),
        request=SubscribeRequest(
            merchant.id, ada.id, (ItemRequest(new_price(merchant=merchant).id),), collection_method="send_invoice",
            days_until_due=30,
        ),
    )  # fmt: skip
    day(utc(2024, 1, 1, 2))
    relay(utc(2024, 1, 1, 2))
    assert heard() == [("invoice", "queued")]
