"""Paying one invoice by hand: on session, after an authentication, or outside the gateway."""

from datetime import timedelta

import pytest

from customers.models import Customer, CustomerBalanceTransaction
from customers.selectors import PaymentMethodNotFound
from dunning.models import RecoveryCase
from engine.services.collect import collect_invoices, run_collections
from engine.services.pay import (
    InvoiceAlreadyPaid,
    InvoiceNotPayable,
    NoPaymentMethod,
    NothingToAuthenticate,
    PaymentNotPositive,
    complete_action,
    pay_invoice,
    record_payment,
)
from engine.services.resolve import settle_due
from events.models import Event
from invoicing.selectors import InvoiceNotFound
from payments.cancellation import PaymentInFlight
from payments.models import Charge, InvoicePayment, PaymentIntent, SandboxObject
from payments.selectors import PaymentIntentNotFound
from payments.services import attach_payment_method, detach_payment_method
from tests.factories.customers import customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice, subscription
from tests.factories.times import NEW_YEAR, context

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    return new_merchant()


@pytest.fixture
def customer(merchant):
    return new_customer(merchant=merchant)


def attach(customer: Customer, instrument: str, **options):
    return attach_payment_method(
        ctx=context(), merchant_id=customer.merchant_id, customer_id=customer.id, instrument=instrument, **options
    )


def pay(invoice, method=None, at=NEW_YEAR, **options):
    outcome = pay_invoice(
        ctx=context(at),
        merchant_id=invoice.merchant_id,
        invoice_id=invoice.id,
        payment_method_id=method.id if method else "",
        **options,
    )
    invoice.refresh_from_db()
    return outcome


def record(invoice, amount: int, at=NEW_YEAR, **options):
    record_payment(ctx=context(at), merchant_id=invoice.merchant_id, invoice_id=invoice.id, amount=amount, **options)
    invoice.refresh_from_db()


def standing_at_the_gateway(intent_id: str) -> str:
    intent = PaymentIntent.objects.get(id=intent_id)
    return SandboxObject.objects.get(id=intent.gateway_intent_id).body["standing"]["kind"]


def test_a_customer_pays_with_a_card_of_its_choice(customer):
    attach(customer, "pm_card_chargeCustomerFail")
    invoice = open_invoice(customer=customer)
    assert pay(invoice, attach(customer, "pm_card_mastercard")).status == "succeeded"
    assert invoice.status == "paid"


def test_without_a_choice_the_default_is_charged(customer):
    attach(customer, "pm_card_visa")
    assert pay(open_invoice(customer=customer)).status == "succeeded"


def test_pressed_again_after_it_was_paid_it_says_so(customer):
    attach(customer, "pm_card_visa")
    invoice = open_invoice(customer=customer)
    pay(invoice)
    with pytest.raises(InvoiceAlreadyPaid):
        pay(invoice)
    assert Charge.objects.count() == 1


def test_pressed_while_a_debit_is_under_way_it_is_refused(customer):
    attach(customer, "pm_sepa_debit")
    invoice = open_invoice(customer=customer)
    assert pay(invoice).status == "processing"
    with pytest.raises(PaymentInFlight):
        pay(invoice)


def test_pressed_while_the_answer_is_unknown_it_is_refused(customer):
    attach(customer, "pm_sandbox_timeoutAfterCharge")
    invoice = open_invoice(customer=customer)
    assert pay(invoice).status == "unknown"
    with pytest.raises(PaymentInFlight):
        pay(invoice, attach(customer, "pm_card_visa"))
    assert Charge.objects.count() == 1


def test_a_declined_customer_may_try_another_card(customer):
    attach(customer, "pm_card_chargeCustomerFail")
    invoice = open_invoice(customer=customer)
    assert pay(invoice).decline_code == "generic_decline"
    assert pay(invoice, attach(customer, "pm_card_visa")).status == "succeeded"
    assert PaymentIntent.objects.count() == 1


def test_a_customers_own_failed_try_uses_up_no_retry(customer):
    attach(customer, "pm_card_chargeCustomerFail")
    invoice = open_invoice(customer=customer, subscription=subscription(customer=customer))
    run_collections(ctx=context())
    invoice.refresh_from_db()
    due = invoice.next_payment_attempt
    pay(invoice, at=NEW_YEAR + timedelta(hours=2))
    assert (RecoveryCase.objects.get().failures, invoice.next_payment_attempt, invoice.attempt_count) == (1, due, 1)
    assert invoice.next_action_at == due


def test_a_payment_by_hand_ends_the_recovery(customer):
    attach(customer, "pm_card_chargeCustomerFail")
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    run_collections(ctx=context())
    pay(invoice, attach(customer, "pm_card_visa"))
    agreement.refresh_from_db()
    assert (agreement.status, RecoveryCase.objects.get().status) == ("active", "recovered")
    assert run_collections(ctx=context(NEW_YEAR + timedelta(days=1))).done == 0


def test_an_uncollectible_invoice_can_still_be_paid(customer):
    attach(customer, "pm_card_visa")
    invoice = open_invoice(customer=customer, status="uncollectible", next_action_at=None)
    pay(invoice)
    assert invoice.status == "paid"


@pytest.mark.parametrize("status", ["void"])
def test_a_void_invoice_cannot_be_paid(customer, status):
    attach(customer, "pm_card_visa")
    invoice = open_invoice(customer=customer, status=status, next_action_at=None)
    with pytest.raises(InvoiceNotPayable):
        pay(invoice)


def test_another_customers_method_is_refused(merchant, customer):
    theirs = attach(new_customer(merchant=merchant), "pm_card_visa")
    with pytest.raises(PaymentMethodNotFound):
        pay(open_invoice(customer=customer), theirs)


def test_another_merchants_invoice_is_not_there(customer):
    invoice = open_invoice(customer=customer)
    with pytest.raises(InvoiceNotFound):
        pay_invoice(ctx=context(), merchant_id=new_merchant().id, invoice_id=invoice.id)


def test_without_any_method_it_is_said(customer):
    with pytest.raises(NoPaymentMethod):
        pay(open_invoice(customer=customer))


def test_detaching_the_default_leaves_none(customer):
    method = attach(customer, "pm_card_visa")
    detach_payment_method(
        ctx=context(), merchant_id=customer.merchant_id, customer_id=customer.id, payment_method_id=method.id
    )
    customer.refresh_from_db()
    assert customer.default_payment_method_id == ""
    told = set(Event.objects.filter(object_id=method.id).values_list("type", flat=True))
    assert told == {"payment_method.attached", "payment_method.detached"}


# --- authentication ---------------------------------------------------------------------------------------------


def complete(customer, outcome, approve: bool):
    return complete_action(
        ctx=context(),
        merchant_id=customer.merchant_id,
        payment_intent_id=outcome.payment_intent_id,
        approve=approve,
    )


def test_an_approved_authentication_pays(customer):
    attach(customer, "pm_card_threeDSecure2Required")
    agreement = subscription(customer=customer, status="incomplete")
    invoice = open_invoice(customer=customer, subscription=agreement)
    waiting = pay(invoice)
    assert (waiting.status, invoice.status) == ("requires_action", "open")
    assert complete(customer, waiting, True).status == "succeeded"
    agreement.refresh_from_db()
    assert agreement.status == "active"
    told = list(Event.objects.filter(object_id=waiting.payment_intent_id).order_by("xid", "id"))
    assert [event.type for event in told] == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
    ]


def test_a_failed_authentication_is_a_decline(customer):
    attach(customer, "pm_card_threeDSecure2Required")
    waiting = pay(open_invoice(customer=customer))
    failed = complete(customer, waiting, False)
    assert (failed.status, failed.failure_code) == ("declined", "payment_intent_authentication_failure")


def test_a_waiting_authentication_is_shown_again(customer):
    attach(customer, "pm_card_threeDSecure2Required")
    invoice = open_invoice(customer=customer)
    assert pay(invoice) == pay(invoice)
    assert Charge.objects.count() == 1


def test_another_card_lets_go_of_a_waiting_authentication_first(customer):
    attach(customer, "pm_card_threeDSecure2Required")
    invoice = open_invoice(customer=customer)
    waiting = pay(invoice)
    assert pay(invoice, attach(customer, "pm_card_visa")).status == "succeeded"
    assert standing_at_the_gateway(waiting.payment_intent_id) == "canceled"
    assert sorted(PaymentIntent.objects.values_list("status", flat=True)) == ["canceled", "succeeded"]
    with pytest.raises(NothingToAuthenticate):
        complete(customer, waiting, True)


def test_a_due_retry_wins_over_an_authentication_that_nobody_answered(customer):
    attach(customer, "pm_card_chargeCustomerFail")
    invoice = open_invoice(customer=customer, subscription=subscription(customer=customer))
    run_collections(ctx=context())
    waiting = pay(invoice, attach(customer, "pm_card_threeDSecure2Required"))
    attach(customer, "pm_card_visa", make_default=True)
    assert run_collections(ctx=context(NEW_YEAR + timedelta(days=1))).done == 1
    invoice.refresh_from_db()
    assert invoice.status == "paid"
    assert standing_at_the_gateway(waiting.payment_intent_id) == "canceled"


def test_completing_another_merchants_payment_is_refused(customer):
    attach(customer, "pm_card_threeDSecure2Required")
    waiting = pay(open_invoice(customer=customer))
    with pytest.raises(PaymentIntentNotFound):
        complete_action(
            ctx=context(),
            merchant_id=new_merchant().id,
            payment_intent_id=waiting.payment_intent_id,
            approve=True,
        )


# --- outside the gateway ----------------------------------------------------------------------------------------


def test_a_transfer_pays_the_invoice(customer):
    agreement = subscription(customer=customer, status="past_due")
    invoice = open_invoice(customer=customer, subscription=agreement)
    record(invoice, 1000, note="transfer 4711")
    agreement.refresh_from_db()
    allocation = InvoicePayment.objects.get()
    assert (invoice.status, invoice.attempt_count, agreement.status) == ("paid", 0, "active")
    assert (allocation.type, allocation.amount_paid, allocation.note) == ("out_of_band", 1000, "transfer 4711")
    told = Event.objects.filter(object_id=invoice.id).order_by("id")
    assert list(told.values_list("type", flat=True)) == ["invoice.updated", "invoice.paid"]


def test_a_part_is_taken_and_the_rest_is_collected(customer):
    attach(customer, "pm_card_visa")
    invoice = open_invoice(customer=customer, amount=1000)
    record(invoice, 300)
    assert (invoice.status, invoice.amount_paid, invoice.amount_remaining) == ("open", 300, 700)
    collect_invoices(ctx=context(), invoice_ids=[invoice.id])
    assert Charge.objects.get().amount == 700
    assert sum(InvoicePayment.objects.values_list("amount_paid", flat=True)) == 1000


def test_a_part_paid_between_retries_changes_what_is_retried(customer):
    attach(customer, "pm_sandbox_declineThenSucceed")
    invoice = open_invoice(customer=customer, subscription=subscription(customer=customer), amount=1000)
    run_collections(ctx=context())
    record(invoice, 400)
    method = attach(customer, "pm_card_visa", make_default=True)
    run_collections(ctx=context(NEW_YEAR + timedelta(days=1)))
    invoice.refresh_from_db()
    last = Charge.objects.get(status="succeeded")
    assert (invoice.status, last.amount, last.payment_method_id) == ("paid", 600, method.id)
    assert sorted(PaymentIntent.objects.values_list("status", "amount")) == [("canceled", 1000), ("succeeded", 600)]


def test_what_is_over_goes_to_the_balance(customer):
    invoice = open_invoice(customer=customer, amount=1000)
    record(invoice, 1500)
    customer.refresh_from_db()
    assert (invoice.status, invoice.amount_paid, customer.balance) == ("paid", 1000, -500)
    assert CustomerBalanceTransaction.objects.get().amount == -500


def test_a_transfer_cancels_a_waiting_authentication(customer):
    attach(customer, "pm_card_threeDSecure2Required")
    invoice = open_invoice(customer=customer)
    waiting = pay(invoice)
    record(invoice, 1000)
    assert invoice.status == "paid"
    assert standing_at_the_gateway(waiting.payment_intent_id) == "canceled"
    assert PaymentIntent.objects.get().status == "canceled"


@pytest.mark.parametrize("instrument", ["pm_sepa_debit", "pm_sandbox_timeoutAfterCharge"])
def test_a_transfer_is_refused_while_a_payment_is_under_way(customer, instrument):
    attach(customer, instrument)
    invoice = open_invoice(customer=customer)
    pay(invoice)
    with pytest.raises(PaymentInFlight):
        record(invoice, 1000)
    assert not InvoicePayment.objects.exists()


@pytest.mark.parametrize("amount", [0, -5])
def test_a_transfer_is_more_than_zero(customer, amount):
    with pytest.raises(PaymentNotPositive):
        record(open_invoice(customer=customer), amount)


def test_money_for_an_invoice_that_was_voided_meanwhile_is_not_lost(customer):
    attach(customer, "pm_sepa_debit")
    invoice = open_invoice(customer=customer, amount=1000)
    pay(invoice)
    type(invoice).objects.filter(id=invoice.id).update(status="void", next_action_at=None)
    settle_due(ctx=context(NEW_YEAR + timedelta(days=3)))
    customer.refresh_from_db()
    assert (Charge.objects.get().status, customer.balance) == ("succeeded", -1000)
