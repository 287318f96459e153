"""A payment fails, is tried again, and is recovered or not."""

import pytest

from engine.services.pay import record_payment
from events.models import Event
from invoicing.models import Invoice
from subscriptions.models import Subscription
from tests.factories.catalog import price
from tests.factories.customers import customer, payment_method
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.scenarios.story import day

pytestmark = pytest.mark.django_db


@pytest.fixture
def failing():
    """A paid subscription of 1 January whose card declines from then on."""
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    row = subscription(customer=owner, prices=[price(merchant=shop)], at=utc(2024, 1, 1))
    bad = payment_method(customer=owner, instrument="pm_card_chargeCustomerFail")
    owner.default_payment_method_id = bad.id
    owner.save(update_fields=["default_payment_method_id"])
    return row


def status_of(row: Subscription) -> str:
    row.refresh_from_db()
    return row.status


def test_past_due_then_a_retry_with_another_card_recovers(failing):
    day(utc(2024, 2, 1))
    assert status_of(failing) == "past_due"
    invoice = Invoice.objects.get(billing_reason="subscription_cycle")
    assert (invoice.status, invoice.attempt_count, invoice.next_payment_attempt) == ("open", 1, utc(2024, 2, 2))

    good = payment_method(customer=failing.customer, instrument="pm_card_visa")
    failing.customer.default_payment_method_id = good.id
    failing.customer.save(update_fields=["default_payment_method_id"])
    day(utc(2024, 2, 2))
    assert status_of(failing) == "active"
    invoice.refresh_from_db()
    assert (invoice.status, invoice.attempt_count, invoice.next_action_at) == ("paid", 2, None)
    moves = Event.objects.filter(object_id=failing.id, previous_attributes__has_key="status").order_by("id")
    assert [move.previous_attributes["status"] for move in moves] == ["incomplete", "active", "past_due"]


def test_when_tries_end_the_subscription_is_canceled_and_nothing_is_tried_again(failing):
    for number in range(1, 31):
        day(utc(2024, 2, number) if number < 30 else utc(2024, 3, 1))
    assert status_of(failing) == "canceled"
    assert failing.cancellation_reason == "payment_failed"
    open_invoices = Invoice.objects.filter(status="open")
    assert [invoice.next_action_at for invoice in open_invoices] == [None]
    assert Invoice.objects.count() == 2  # March was never billed


def test_money_that_came_by_bank_brings_it_back(failing):
    day(utc(2024, 2, 1))
    invoice = Invoice.objects.get(status="open")
    record_payment(
        ctx=context(utc(2024, 2, 5)), merchant_id=invoice.merchant_id, invoice_id=invoice.id, amount=1000, note="cheque"
    )
    assert status_of(failing) == "active"


def test_a_sent_invoice_that_is_late_makes_it_past_due():
    shop = merchant(default_days_until_due=10)
    row = subscription(
        customer=customer(merchant=shop), prices=[price(merchant=shop)], collection_method="send_invoice"
    )
    assert Invoice.objects.get().due_date == utc(2024, 1, 11)
    day(utc(2024, 1, 11))
    assert status_of(row) == "past_due"
    assert Invoice.objects.get().overdue_since == utc(2024, 1, 11)
    assert Event.objects.filter(type="invoice.overdue").count() == 1
