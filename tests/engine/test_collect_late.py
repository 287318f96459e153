"""Answers that come late or never: debits, lost calls, lost answers."""

from datetime import timedelta

import pytest

from customers.models import Customer
from engine.services.collect import collect_invoices, run_collections
from engine.services.resolve import resolve_unknown, settle_due
from events.models import Event
from payments.models import Charge, SandboxObject
from tests.factories.customers import clock, customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice, subscription
from tests.factories.times import NEW_YEAR, context, utc

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return new_merchant()


def paying_with(merchant, instrument: str, **fields) -> Customer:
    return new_customer(merchant=merchant, payment_method=instrument, **fields)


def collect(invoice, at=NEW_YEAR, **options):
    [outcome] = collect_invoices(ctx=context(at), invoice_ids=[invoice.id], **options)
    invoice.refresh_from_db()
    return outcome


def events_of(object_id: str) -> list[str]:
    return list(Event.objects.filter(object_id=object_id).order_by("xid", "id").values_list("type", flat=True))


def charged_at_the_gateway(merchant) -> int:
    """What the processor's own books say was taken."""
    intents = SandboxObject.objects.filter(merchant_id=merchant.id, kind="payment_intent")
    return sum(entry.body["amount"] for entry in intents if entry.body["standing"]["kind"] == "succeeded")


# --- debits -----------------------------------------------------------------------------------------------------


def test_a_debit_settles_on_its_day(merchant):
    customer = paying_with(merchant, "pm_sepa_debit")
    agreement = subscription(customer=customer, status="incomplete")
    invoice = open_invoice(customer=customer, subscription=agreement)
    assert collect(invoice).status == "processing"
    agreement.refresh_from_db()
    assert agreement.status == "active"  # as in Stripe: a debit under way begins the subscription
    assert settle_due(ctx=context(NEW_YEAR + timedelta(days=2))).done == 0
    assert settle_due(ctx=context(NEW_YEAR + timedelta(days=3))).done == 1
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at) == ("paid", NEW_YEAR + timedelta(days=3))


def test_a_debit_that_comes_back_is_a_failure_that_is_retried(merchant):
    customer = paying_with(merchant, "pm_acss_debit_fails")
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    collect(invoice)
    back = NEW_YEAR + timedelta(days=5)
    settle_due(ctx=context(back))
    invoice.refresh_from_db()
    agreement.refresh_from_db()
    assert (agreement.status, invoice.next_payment_attempt) == ("past_due", back + timedelta(days=1))
    assert Charge.objects.get().network_decline_code == "901"


def test_a_clocks_debits_settle_on_that_clock_alone(merchant):
    frozen = clock(merchant=merchant)
    customer = paying_with(merchant, "pm_sepa_debit", test_clock=frozen)
    invoice = open_invoice(customer=customer)
    collect(invoice)
    due = NEW_YEAR + timedelta(days=3)
    assert settle_due(ctx=context(due)).done == 0
    assert settle_due(ctx=context(due), clock_id=frozen.id).done == 1


def test_the_run_of_a_clock_takes_its_own_invoices_alone(merchant):
    frozen = clock(merchant=merchant)
    mine = open_invoice(customer=paying_with(merchant, "pm_card_visa", test_clock=frozen))
    other = open_invoice(customer=paying_with(merchant, "pm_card_visa"))
    assert run_collections(ctx=context(), clock_id=frozen.id).done == 1
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.status, other.status) == ("paid", "open")


# --- lost answers -----------------------------------------------------------------------------------------------


def minutes(count: int):
    """The same business day, later by the wall."""
    return context(NEW_YEAR, recorded_at=NEW_YEAR + timedelta(minutes=count))


def test_a_lost_answer_is_looked_up_and_never_charged_again(merchant):
    invoice = open_invoice(customer=paying_with(merchant, "pm_sandbox_timeoutAfterCharge"))
    assert collect(invoice).status == "unknown"
    assert invoice.status == "open"
    assert run_collections(ctx=context(NEW_YEAR + timedelta(days=3))).done == 0  # nothing is retried meanwhile
    assert resolve_unknown(ctx=minutes(0)).done == 0
    assert resolve_unknown(ctx=minutes(2)).done == 1
    invoice.refresh_from_db()
    assert invoice.status == "paid"
    assert (Charge.objects.count(), charged_at_the_gateway(merchant)) == (1, 1000)


def test_a_replayed_server_error_is_no_answer(merchant):
    invoice = open_invoice(customer=paying_with(merchant, "pm_sandbox_serverErrorAfterCharge"))
    assert collect(invoice).status == "unknown"
    assert resolve_unknown(ctx=minutes(2)).done == 1
    invoice.refresh_from_db()
    assert (invoice.status, Charge.objects.count(), charged_at_the_gateway(merchant)) == ("paid", 1, 1000)


def test_a_call_that_never_arrived_is_sent_again_under_its_key(merchant):
    invoice = open_invoice(customer=paying_with(merchant, "pm_sandbox_timeoutBeforeCharge"))
    assert collect(invoice).status == "unknown"
    resolve_unknown(ctx=minutes(2))
    invoice.refresh_from_db()
    assert (invoice.status, Charge.objects.count(), charged_at_the_gateway(merchant)) == ("paid", 1, 1000)


def test_after_20_hours_a_call_that_never_arrived_is_a_new_attempt(merchant):
    invoice = open_invoice(customer=paying_with(merchant, "pm_sandbox_timeoutBeforeCharge"))
    collect(invoice)
    late = context(utc(2024, 1, 1, 20, 1))
    resolve_unknown(ctx=late)
    assert [charge.status for charge in Charge.objects.all()] == ["canceled"]
    run_collections(ctx=late)
    invoice.refresh_from_db()
    assert invoice.status == "paid"
    assert sorted(Charge.objects.values_list("attempt", "status")) == [(1, "canceled"), (2, "succeeded")]
    assert charged_at_the_gateway(merchant) == 1000
