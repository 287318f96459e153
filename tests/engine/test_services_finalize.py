"""Finalization: after the grace, in bulk, once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from engine.models import Refusal
from engine.services import finalize
from engine.services.finalize import finalize_invoice, run_finalizations
from engine.services.renew import run_renewals
from engine.types import RefusedPlan
from invoicing.models import Invoice
from invoicing.selectors import InvoiceNotFound
from payments.models import Charge, PaymentIntent
from subscriptions.models import Subscription
from tests.factories.catalog import price
from tests.factories.customers import customer, payment_method
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db

FEBRUARY, ONE_HOUR_LATER = utc(2024, 2, 1), utc(2024, 2, 1, 1)


def drafts(count, *, owner=None, **fields):
    """`count` subscriptions that were renewed and wait for their grace to end."""
    shop = owner.merchant if owner else merchant(grace=3600, **fields)
    for _ in range(count):
        payer = owner or customer(merchant=shop, payment_method="pm_card_visa")
        subscription(customer=payer, prices=[price(merchant=shop)])
    run_renewals(ctx=context(FEBRUARY))
    return shop


def test_not_a_second_before_the_grace_is_over():
    drafts(1)
    assert run_finalizations(ctx=context(utc(2024, 2, 1, 0, 59, 59))).done == 0
    assert run_finalizations(ctx=context(ONE_HOUR_LATER)).done == 1


def test_plans_the_payment_and_does_not_make_it():
    drafts(1)
    run_finalizations(ctx=context(ONE_HOUR_LATER))
    invoice = Invoice.objects.get(billing_reason="subscription_cycle")
    assert (invoice.status, invoice.next_payment_attempt) == ("open", ONE_HOUR_LATER)
    assert PaymentIntent.objects.get(invoice=invoice).id == invoice.payment_intent_id
    assert Charge.objects.get(invoice_id=invoice.id).status == "planned"


def test_charges_the_subscriptions_own_card_before_the_customers():
    shop = merchant(grace=3600)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    own = payment_method(customer=owner)
    subscription(customer=owner, prices=[price(merchant=shop)], default_payment_method_id=own.id)
    run_renewals(ctx=context(FEBRUARY))
    run_finalizations(ctx=context(ONE_HOUR_LATER))
    assert Charge.objects.get(status="planned").payment_method_id == own.id


def test_two_invoices_of_one_customer_spend_its_credit_once():
    owner = customer(merchant=merchant(grace=3600), payment_method="pm_card_visa")
    drafts(2, owner=owner)
    Customer.objects.update(balance=-1500)
    run_finalizations(ctx=context(ONE_HOUR_LATER))
    renewed = Invoice.objects.filter(billing_reason="subscription_cycle")
    assert sorted(renewed.values_list("amount_due", flat=True)) == [0, 500]
    owner.refresh_from_db()
    assert owner.balance == 0
    entries = owner.balance_transactions.order_by("sequence").values_list("amount", "ending_balance")
    assert list(entries) == [(1000, -500), (500, 0)]


def test_less_than_the_minimum_charge_goes_to_the_balance():
    owner = customer(merchant=merchant(grace=3600, minimum_charges={"cad": 50}), payment_method="pm_card_visa")
    drafts(1, owner=owner)
    Customer.objects.update(balance=-970)
    run_finalizations(ctx=context(ONE_HOUR_LATER))
    invoice = Invoice.objects.get(billing_reason="subscription_cycle")
    owner.refresh_from_db()
    assert (invoice.status, invoice.amount_due, owner.balance) == ("paid", 0, 30)


def test_paid_by_credit_wakes_a_past_due_subscription():
    owner = customer(merchant=merchant(grace=3600), payment_method="pm_card_visa")
    drafts(1, owner=owner)
    Subscription.objects.update(status="past_due")
    Customer.objects.update(balance=-5000)
    run_finalizations(ctx=context(ONE_HOUR_LATER))
    assert Subscription.objects.get().status == "active"


def test_the_number_of_queries_is_the_same_for_any_chunk():
    shop = drafts(2)
    with CaptureQueriesContext(connection) as few:
        run_finalizations(ctx=context(ONE_HOUR_LATER))
    for _ in range(14):
        subscription(customer=customer(merchant=shop, payment_method="pm_card_visa"), prices=[price(merchant=shop)])
    run_renewals(ctx=context(utc(2024, 3, 1)))
    with CaptureQueriesContext(connection) as many:
        report = run_finalizations(ctx=context(utc(2024, 3, 1, 1)))
    assert report.done == 16 + 14  # the later ones caught up with February
    assert len(many.captured_queries) == len(few.captured_queries)


def test_a_draft_that_is_refused_stays_a_draft_and_says_why(monkeypatch):
    drafts(2)
    waiting = Invoice.objects.filter(status="draft").first()
    honest = finalize.plan_finalization

    def plan(snapshot, as_of):
        if snapshot.invoice.id == waiting.id:
            return RefusedPlan(waiting.id, waiting.merchant_id, "customer_tax_location_invalid", "Where?")
        return honest(snapshot, as_of)

    monkeypatch.setattr(finalize, "plan_finalization", plan)
    report = run_finalizations(ctx=context(ONE_HOUR_LATER))
    assert (report.done, report.refused) == (1, 1)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.next_action_at) == ("draft", utc(2024, 2, 1, 2))
    assert Refusal.objects.get().code == "customer_tax_location_invalid"
    monkeypatch.setattr(finalize, "plan_finalization", honest)
    run_finalizations(ctx=context(utc(2024, 2, 1, 2)))
    assert Refusal.objects.get().status == "resolved"
    numbers = Invoice.objects.order_by("number_value").values_list("number_value", flat=True)
    assert list(numbers) == [1, 2, 3, 4]


def test_another_merchants_draft_is_not_found():
    drafts(1)
    draft = Invoice.objects.get(status="draft")
    with pytest.raises(InvoiceNotFound):
        finalize_invoice(ctx=context(FEBRUARY), merchant_id=merchant(prefix="B").id, invoice_id=draft.id)
