"""Collecting invoices, what an answer does to them, and the tries that follow."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_site.event_routes import CONSUMERS
from customers.models import Customer
from dunning.models import RecoveryCase, RecoveryPolicy
from engine.services.collect import collect_invoices, run_collections
from engine.services.recover import add_payment_method, bring_retries_forward
from events.models import Event, ObjectVersion
from events.types import DeliveredEvent
from payments.models import Charge, InvoicePayment, PaymentIntent, SandboxObject
from payments.services import attach_payment_method
from tests.factories.customers import customer as new_customer, payment_method
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice, subscription
from tests.factories.times import NEW_YEAR, context

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


def test_a_good_card_pays_the_invoice(merchant):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_visa"), amount=1250)
    outcome = collect(invoice)
    charge, intent = Charge.objects.get(), PaymentIntent.objects.get()
    assert outcome.status == "succeeded"
    assert (invoice.status, invoice.amount_paid, invoice.amount_remaining) == ("paid", 1250, 0)
    assert (invoice.paid_at, invoice.attempt_count, invoice.next_payment_attempt) == (NEW_YEAR, 1, None)
    assert (charge.status, charge.succeeded_at, intent.status, intent.amount_received) == (
        "succeeded",
        NEW_YEAR,
        "succeeded",
        1250,
    )
    assert InvoicePayment.objects.get(invoice=invoice).amount_paid == 1250
    assert charged_at_the_gateway(merchant) == 1250


def test_a_payment_is_told_with_stripes_words(merchant):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_visa"))
    outcome = collect(invoice)
    assert events_of(outcome.payment_intent_id) == ["payment_intent.created", "payment_intent.succeeded"]
    assert events_of(outcome.charge_id) == ["charge.succeeded"]
    assert events_of(invoice.id) == ["invoice.updated", "invoice.paid", "invoice.payment_succeeded"]
    body = ObjectVersion.objects.get(object_id=outcome.charge_id).body
    assert (body["object"], body["status"], body["amount"], body["paid"]) == ("charge", "succeeded", 1000, True)


def test_a_merchant_that_keeps_no_bodies_gets_none():
    merchant = new_merchant(keep_event_bodies=False)
    collect(open_invoice(customer=paying_with(merchant, "pm_card_visa")))
    assert not ObjectVersion.objects.exists()


def test_the_invoices_method_wins_then_the_subscriptions_then_the_customers(merchant):
    customer = paying_with(merchant, "pm_card_visa")
    own, agreed = (payment_method(customer=customer, instrument="pm_card_mastercard") for _ in range(2))
    agreement = subscription(customer=customer, default_payment_method_id=agreed.id)
    invoices = [
        open_invoice(customer=customer, subscription=agreement, default_payment_method_id=own.id),
        open_invoice(customer=customer, subscription=agreement),
        open_invoice(customer=customer),
    ]
    outcomes = collect_invoices(ctx=context(), invoice_ids=[invoice.id for invoice in invoices])
    used = [Charge.objects.get(id=outcome.charge_id).payment_method_id for outcome in outcomes]
    assert used == [own.id, agreed.id, customer.default_payment_method_id]


def test_a_detached_method_is_passed_over(merchant):
    customer = paying_with(merchant, "pm_card_visa")
    gone = payment_method(customer=customer, detached_at=NEW_YEAR)
    invoice = open_invoice(customer=customer, default_payment_method_id=gone.id)
    assert collect(invoice).status == "succeeded"


def test_a_paid_invoice_is_not_collected_again(merchant):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_visa"))
    collect(invoice)
    assert collect(invoice).status == "not_needed"
    assert Charge.objects.count() == 1


def test_an_open_invoice_that_owes_nothing_any_more_is_not_found_due_for_ever(merchant):
    credited = {"pre_payment_credit_notes_amount": 1000, "amount_remaining": 0}
    open_invoice(customer=paying_with(merchant, "pm_card_visa"), amount=1000, **credited)
    assert [run_collections(ctx=context()).done for _ in range(2)] == [1, 0]
    assert not Charge.objects.exists()


def test_many_invoices_take_as_many_queries_as_a_few(merchant):
    """Our own queries, that is: the sandbox's books are on the other side of the wire."""
    customer = paying_with(merchant, "pm_card_visa")

    def queries_for(count: int) -> int:
        invoices = [open_invoice(customer=customer) for _ in range(count)]
        with CaptureQueriesContext(connection) as captured:
            collect_invoices(ctx=context(), invoice_ids=[invoice.id for invoice in invoices])
        ours = [query for query in captured.captured_queries if "payments_sandbox" not in query["sql"]]
        return len([query for query in ours if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "SET LOCAL"))])

    assert queries_for(3) == queries_for(12)


# --- declines ---------------------------------------------------------------------------------------------------


def test_a_decline_makes_the_subscription_past_due_and_schedules_a_retry(merchant):
    customer = paying_with(merchant, "pm_card_visa_chargeDeclinedInsufficientFunds")
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    outcome = collect(invoice)
    agreement.refresh_from_db()
    intent, case = PaymentIntent.objects.get(), RecoveryCase.objects.get()
    assert (outcome.status, outcome.failure_code, outcome.decline_code) == (
        "declined",
        "card_declined",
        "insufficient_funds",
    )
    assert (agreement.status, invoice.status, invoice.attempt_count) == ("past_due", "open", 1)
    assert invoice.next_payment_attempt == NEW_YEAR + timedelta(days=1) == invoice.next_action_at
    assert (intent.status, intent.last_payment_error["decline_code"]) == (
        "requires_payment_method",
        "insufficient_funds",
    )
    assert (case.status, case.failures, case.decision, case.next_attempt_at) == (
        "open",
        1,
        "retry",
        NEW_YEAR + timedelta(days=1),
    )
    assert events_of(invoice.id) == ["invoice.updated", "invoice.payment_failed"]
    assert events_of(intent.id) == ["payment_intent.created", "payment_intent.payment_failed"]
    assert events_of(agreement.id) == ["customer.subscription.updated"]


def test_a_retry_is_made_on_its_day_with_a_new_key_and_recovers(merchant):
    customer = paying_with(merchant, "pm_sandbox_declineThenSucceed")
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    run_collections(ctx=context(NEW_YEAR))
    assert run_collections(ctx=context(NEW_YEAR + timedelta(hours=23))).done == 0
    assert run_collections(ctx=context(NEW_YEAR + timedelta(hours=24))).done == 1
    invoice.refresh_from_db()
    agreement.refresh_from_db()
    assert (invoice.status, invoice.attempt_count, agreement.status) == ("paid", 2, "active")
    assert PaymentIntent.objects.count() == 1
    assert len(set(Charge.objects.values_list("idempotency_key", flat=True))) == 2
    assert RecoveryCase.objects.get().status == "recovered"


def test_when_tries_end_the_subscription_is_canceled_and_nothing_is_tried_any_more(merchant):
    customer = paying_with(merchant, "pm_card_chargeCustomerFail")
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    tried = []
    for day in range(40):
        if run_collections(ctx=context(NEW_YEAR + timedelta(days=day))).done:
            tried.append(day)
    invoice.refresh_from_db()
    agreement.refresh_from_db()
    assert tried == [0, 1, 2, 4, 6, 8, 10, 14]  # eight tries in two weeks
    assert (agreement.status, agreement.cancellation_reason, agreement.ended_at) == (
        "canceled",
        "payment_failed",
        NEW_YEAR + timedelta(days=14),
    )
    assert (invoice.status, invoice.auto_advance, invoice.next_action_at) == ("open", False, None)
    assert RecoveryCase.objects.get().status == "exhausted"
    assert events_of(agreement.id)[-1] == "customer.subscription.deleted"


@pytest.mark.parametrize("end", ["unpaid", "past_due"])
def test_the_policy_says_how_it_ends(merchant, end):
    RecoveryPolicy.objects.update(end_behavior=end, retry_delays_hours=[24])
    customer = paying_with(merchant, "pm_card_chargeCustomerFail")
    agreement = subscription(customer=customer)
    open_invoice(customer=customer, subscription=agreement)
    for day in range(5):
        run_collections(ctx=context(NEW_YEAR + timedelta(days=day)))
    agreement.refresh_from_db()
    assert agreement.status == end
    assert Charge.objects.count() == 2


def test_a_stolen_card_is_not_tried_again_and_the_customer_has_two_weeks(merchant):
    customer = paying_with(merchant, "pm_card_visa_chargeDeclinedStolenCard")
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    for day in range(20):
        run_collections(ctx=context(NEW_YEAR + timedelta(days=day)))
    invoice.refresh_from_db()
    agreement.refresh_from_db()
    assert Charge.objects.count() == 1
    assert (agreement.status, agreement.ended_at) == ("canceled", NEW_YEAR + timedelta(days=14))
    assert invoice.next_payment_attempt is None


def test_an_end_locks_the_subscription_before_its_invoice_as_settling_does(merchant):
    customer = paying_with(merchant, "pm_card_visa_chargeDeclinedStolenCard")
    collect(open_invoice(customer=customer, subscription=subscription(customer=customer)))
    with CaptureQueriesContext(connection) as seen:
        run_collections(ctx=context(NEW_YEAR + timedelta(days=14)))
    locked = [query["sql"].split("FROM ")[1].split()[0] for query in seen if "FOR NO KEY UPDATE" in query["sql"]]
    assert locked.index('"subscriptions_subscription"') < locked.index('"invoicing_invoice"')


def test_an_end_takes_the_subscriptions_other_invoices_along_that_were_due_the_same_moment(merchant):
    customer = paying_with(merchant, "pm_card_visa_chargeDeclinedStolenCard")
    agreement = subscription(customer=customer)
    collect(open_invoice(customer=customer, subscription=agreement))
    end = NEW_YEAR + timedelta(days=14)
    other = open_invoice(customer=customer, subscription=agreement, created=end)
    run_collections(ctx=context(end))
    agreement.refresh_from_db()
    other.refresh_from_db()
    assert (agreement.status, Charge.objects.count()) == ("canceled", 1)
    assert (other.auto_advance, other.next_action_at, other.version) == (False, None, 2)


def test_a_new_card_brings_the_retry_forward(merchant):
    customer = paying_with(merchant, "pm_card_visa_chargeDeclinedStolenCard")
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    run_collections(ctx=context(NEW_YEAR))
    later = NEW_YEAR + timedelta(days=3)
    add_payment_method(
        ctx=context(later), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_card_mastercard"
    )
    run_collections(ctx=context(later))
    invoice.refresh_from_db()
    agreement.refresh_from_db()
    assert (invoice.status, invoice.paid_at, agreement.status) == ("paid", later, "active")
    assert "invoice.updated" in events_of(invoice.id)


def test_bringing_forward_what_is_not_failing_does_nothing(merchant):
    customer = paying_with(merchant, "pm_card_visa")
    open_invoice(customer=customer)
    assert bring_retries_forward(ctx=context(), merchant_id=merchant.id, customer_id=customer.id) == []


def test_nothing_is_tried_after_a_cancellation(merchant):
    customer = paying_with(merchant, "pm_card_chargeCustomerFail")
    agreement = subscription(customer=customer, status="canceled", ended_at=NEW_YEAR)
    invoice = open_invoice(customer=customer, subscription=agreement)
    collect(invoice)
    assert (invoice.next_payment_attempt, invoice.next_action_at) == (None, None)
    assert not RecoveryCase.objects.exists()


def test_without_a_method_the_customer_is_asked_and_then_it_ends(merchant):
    customer = new_customer(merchant=merchant)
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    assert collect(invoice).status == "no_payment_method"
    agreement.refresh_from_db()
    assert (agreement.status, invoice.next_action_at) == ("past_due", NEW_YEAR + timedelta(days=14))
    assert run_collections(ctx=context(NEW_YEAR + timedelta(days=14))).done == 1
    agreement.refresh_from_db()
    assert agreement.status == "canceled"
    assert not Charge.objects.exists()


def test_the_run_leaves_a_first_invoice_to_its_customer(merchant):
    customer = paying_with(merchant, "pm_card_visa")
    agreement = subscription(customer=customer, status="incomplete")
    invoice = open_invoice(customer=customer, subscription=agreement)
    run_collections(ctx=context())
    assert not Charge.objects.exists()
    assert run_collections(ctx=context()).done == 0
    assert collect(invoice).status == "succeeded"
    agreement.refresh_from_db()
    assert agreement.status == "active"


def test_a_first_invoice_that_fails_is_not_chased(merchant):
    customer = paying_with(merchant, "pm_card_chargeCustomerFail")
    agreement = subscription(customer=customer, status="incomplete")
    invoice = open_invoice(customer=customer, subscription=agreement)
    collect(invoice)
    agreement.refresh_from_db()
    assert (agreement.status, invoice.next_action_at) == ("incomplete", None)
    assert not RecoveryCase.objects.exists()


def test_an_authentication_that_is_needed_off_session_asks_the_customer(merchant):
    customer = paying_with(merchant, "pm_card_threeDSecure2Required")
    invoice = open_invoice(customer=customer, subscription=subscription(customer=customer))
    outcome = collect(invoice)
    assert (outcome.status, outcome.decline_code) == ("declined", "authentication_required")
    assert RecoveryCase.objects.get().decision == "ask_customer"
    assert events_of(invoice.id) == ["invoice.updated", "invoice.payment_failed", "invoice.payment_action_required"]


# --- another method, whoever's form it came from ----------------------------------------------------------------


def hand_over(at):
    """What the relay would hand to the engine, every event since the beginning."""
    route = next(each for each in CONSUMERS if each.name == "engine.retries")
    names = DeliveredEvent.__dataclass_fields__
    events = [
        DeliveredEvent(**{name: getattr(event, name) for name in names} | {"xid": int(event.xid)})
        for event in Event.objects.order_by("xid", "id")
        if route.wants(event.type)
    ]
    route.handler(context(at), events)


def test_the_outbox_brings_retries_forward_when_the_default_changes(merchant):
    customer = paying_with(merchant, "pm_card_visa_chargeDeclinedStolenCard")
    invoice = open_invoice(customer=customer, subscription=subscription(customer=customer))
    run_collections(ctx=context(NEW_YEAR))
    later = NEW_YEAR + timedelta(days=2)
    attach_payment_method(
        ctx=context(later),
        merchant_id=merchant.id,
        customer_id=customer.id,
        instrument="pm_card_visa",
        make_default=True,
    )
    hand_over(later)
    run_collections(ctx=context(later))
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_at) == ("paid", later)


def test_a_card_that_would_not_be_charged_brings_nothing_forward(merchant):
    customer = paying_with(merchant, "pm_card_chargeCustomerFail")
    invoice = open_invoice(customer=customer, subscription=subscription(customer=customer))
    run_collections(ctx=context(NEW_YEAR))
    invoice.refresh_from_db()
    due = invoice.next_payment_attempt
    attach_payment_method(
        ctx=context(NEW_YEAR), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_card_visa"
    )
    hand_over(NEW_YEAR)
    invoice.refresh_from_db()
    assert invoice.next_payment_attempt == due
