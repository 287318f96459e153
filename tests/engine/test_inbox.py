"""What Stripe tells is applied once, in whatever order it comes, and what it told nobody is fetched."""

from datetime import timedelta

import pytest

from engine.services.collect import collect_invoices
from engine.services.disputes import close_dispute, submit_evidence
from engine.services.inbox import apply_inbox
from engine.services.pay import pay_invoice
from engine.services.refund import refund_charge
from events.models import Event
from invoicing.models import Invoice
from payments.inbox import facts_of, store_events
from payments.models import (
    BalanceTransaction,
    Charge,
    Dispute,
    GatewayAccount,
    GatewayCustomer,
    GatewayEvent,
    PaymentIntent,
    Payout,
    Refund,
)
from payments.services import attach_payment_method
from payments.setups import finish_setup, start_setup
from tests.engine.inbox_steps import a_paid_charge, later, paying_with, told
from tests.factories.customers import customer as new_customer
from tests.factories.gateways import merchant_on_stripe
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context
from tests.fake_stripe import checkout, intents, money, people

pytestmark = pytest.mark.django_db

DAY = 86_400


def test_a_debit_that_settled_is_told_and_the_invoice_is_paid(fake, merchant, theirs, ours):
    charge = a_paid_charge(merchant, "pm_fake_sepa")
    assert charge.status == "processing"
    fake.books.advance(3 * DAY)
    [intent] = theirs.objects["payment_intent"].values()
    intents.settle(fake.books, theirs, intent)
    told(theirs, ours, "payment_intent.succeeded")
    assert Invoice.objects.get().status == "paid"
    assert GatewayEvent.objects.get().status == "applied"


def test_a_debit_that_failed_is_told_with_its_reason(fake, merchant, theirs, ours):
    a_paid_charge(merchant, "pm_fake_sepa_fails")
    fake.books.advance(3 * DAY)
    [intent] = theirs.objects["payment_intent"].values()
    intents.settle(fake.books, theirs, intent)
    told(theirs, ours, "payment_intent.payment_failed")
    charge = Charge.objects.get()
    assert (charge.status, charge.decline_code, charge.network_decline_code) == ("failed", "insufficient_funds", "AM04")


def test_the_customer_who_never_came_back_from_the_bank_has_paid(fake, merchant, theirs, ours):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_threeDSecure2Required"))
    pay_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    intents.authenticate(fake.books, theirs, PaymentIntent.objects.get().gateway_intent_id, approve=True)
    told(theirs, ours)
    invoice.refresh_from_db()
    assert (invoice.status, Charge.objects.get().status) == ("paid", "succeeded")


def test_an_authentication_that_failed_is_told_though_it_left_no_charge(fake, merchant, theirs, ours):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_threeDSecure2Required"))
    pay_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    intents.authenticate(fake.books, theirs, PaymentIntent.objects.get().gateway_intent_id, approve=False)
    told(theirs, ours)
    charge = Charge.objects.get()
    assert (charge.status, charge.failure_code) == ("failed", "payment_intent_authentication_failure")


@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_answer_comes_by_webhook_and_counts_once(fake, merchant, theirs, ours, times):
    fake.faults.arm("drop_after", "/confirm$")
    assert a_paid_charge(merchant).status == "unknown"
    for _ in range(times):
        told(theirs, ours)
        GatewayEvent.objects.update(apply_after=NEW_YEAR, status="received")
    apply_inbox(ctx=context())
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.amount_paid, Charge.objects.get().status) == ("paid", 1000, "succeeded")
    assert Event.objects.filter(type="invoice.paid").count() == 1


def test_events_in_the_wrong_order_leave_things_as_they_are(merchant, theirs, ours):
    a_paid_charge(merchant, "pm_fake_declineThenSucceed")
    collect_invoices(ctx=later(3), invoice_ids=[Invoice.objects.get().id])
    told(theirs, ours, "payment_intent.succeeded", at=NEW_YEAR + timedelta(days=3))
    told(theirs, ours, "payment_intent.payment_failed", at=NEW_YEAR + timedelta(days=4))
    assert Invoice.objects.get().status == "paid"
    assert list(Charge.objects.order_by("attempt").values_list("status", flat=True)) == ["failed", "succeeded"]


def test_several_events_of_one_object_are_one_look_at_it(fake, merchant, theirs, ours):
    a_paid_charge(merchant)
    fake.books.calls.clear()
    events = [facts_of(row) for row in theirs.objects["event"].values() if "payment_intent." in row["type"]]
    assert len(events) == 2
    store_events(ours, events, NEW_YEAR, "webhook")
    apply_inbox(ctx=context())
    looks = [path for method, path, _ in fake.books.calls if path.startswith("/v1/payment_intents/")]
    assert len(looks) == 2  # ours, and the mirror's


def test_money_for_an_attempt_that_was_let_go_of_is_money(fake, merchant, theirs, ours):
    fake.faults.arm("drop_after", "/confirm$")
    a_paid_charge(merchant)
    Charge.objects.update(status="canceled", resolve_after=None)
    told(theirs, ours)
    assert (Charge.objects.get().status, Invoice.objects.get().status) == ("succeeded", "paid")


def test_an_intent_paid_without_us_is_paid(fake, merchant, theirs, ours):
    """Somebody took the payment on Stripe's own dashboard, with another card."""
    charge = a_paid_charge(merchant, "pm_card_chargeCustomerFail")
    [intent] = theirs.objects["payment_intent"].values()
    method = people.new_method(fake.books, theirs, "pm_card_visa", intent["customer"])
    intent["payment_method"] = method["id"]
    intents.succeed(fake.books, theirs, intent, intents.TOKENS["pm_card_visa"])
    told(theirs, ours)
    paid = Charge.objects.exclude(id=charge.id).get()
    assert (paid.status, paid.attempt, paid.gateway_charge_id) == ("succeeded", 2, intent["latest_charge"])
    assert Invoice.objects.get().status == "paid"


def test_an_intent_that_is_not_ours_is_left_alone(fake, merchant, theirs, ours):
    client_made = intents.create(intents.Call(fake.books, theirs, {"amount": "1000", "currency": "cad"}, {}))
    told(theirs, ours, "payment_intent.created")
    event = GatewayEvent.objects.get()
    assert (event.status, event.object_id, event.apply_after) == ("ignored", client_made["id"], None)


def test_another_merchants_object_is_not_found_with_our_key(fake, merchant, theirs, ours):
    other = merchant_on_stripe(fake, api_key="sk_test_othermerchant0123456789")
    a_paid_charge(merchant)
    events = [facts_of(row) for row in theirs.objects["event"].values()]
    store_events(GatewayAccount.objects.get(merchant=other), events, NEW_YEAR, "webhook")
    before = Charge.objects.values().get()
    apply_inbox(ctx=context())
    assert set(GatewayEvent.objects.values_list("status", flat=True)) == {"ignored"}
    assert Charge.objects.values().get() == before


# --- refunds, disputes, payouts ----------------------------------------------------------------------------------


def test_a_refund_that_fails_later_is_told_and_puts_the_amount_back(fake, merchant, theirs, ours):
    charge = a_paid_charge(merchant, "pm_card_refundFail")
    refund_charge(ctx=context(), merchant_id=merchant.id, charge_id=charge.id, amount=400)
    fake.books.advance(DAY)
    [refund] = theirs.objects["refund"].values()
    money.settle_refund(fake.books, theirs, refund)
    told(theirs, ours, "refund.failed")
    charge.refresh_from_db()
    assert (Refund.objects.get().status, charge.amount_refunded) == ("failed", 0)


def test_a_refund_made_on_stripes_dashboard_is_known_once(fake, merchant, theirs, ours):
    charge = a_paid_charge(merchant)
    made = money.make_refund(fake.books, theirs, theirs.objects["charge"][charge.gateway_charge_id], 300, "succeeded")
    told(theirs, ours)
    GatewayEvent.objects.update(apply_after=NEW_YEAR)
    apply_inbox(ctx=context())
    refund = Refund.objects.get()
    charge.refresh_from_db()
    assert (refund.gateway_refund_id, refund.status, refund.amount) == (made["id"], "succeeded", 300)
    assert charge.amount_refunded == 300


def test_a_refund_told_before_its_payment_brings_the_payment_with_it(fake, merchant, theirs, ours):
    fake.faults.arm("drop_after", "/confirm$")
    charge = a_paid_charge(merchant)
    [row] = theirs.objects["charge"].values()
    money.make_refund(fake.books, theirs, row, 300, "succeeded")
    told(theirs, ours, "refund.created")
    charge.refresh_from_db()
    assert (charge.status, charge.amount_refunded) == ("succeeded", 300)


def test_a_dispute_is_mirrored_with_its_deadline_and_outcome(fake, merchant, theirs, ours):
    charge = a_paid_charge(merchant, "pm_card_createDispute")
    told(theirs, ours)
    dispute = Dispute.objects.get()
    assert (dispute.charge_id, dispute.invoice_id, dispute.status) == (charge.id, charge.invoice_id, "needs_response")
    assert (dispute.amount, dispute.reason) == (1000, "fraudulent")
    assert dispute.evidence_due_by == NEW_YEAR + timedelta(days=14)
    money.close_dispute(fake.books, theirs, dispute.gateway_dispute_id, "won")
    told(theirs, ours, "charge.dispute.closed", at=NEW_YEAR + timedelta(days=20))
    dispute.refresh_from_db()
    assert (dispute.status, dispute.closed_at, dispute.version) == ("won", NEW_YEAR + timedelta(days=20), 2)
    kinds = Event.objects.filter(object_id=dispute.id).order_by("xid", "id").values_list("type", flat=True)
    assert list(kinds) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]


def test_a_dispute_is_answered_at_stripe_and_its_outcome_comes_back(fake, merchant, theirs, ours):
    """Stripe's fee of 15.00 stays when the CA$10.00 come back. Our charge's id is theirs to Stripe."""
    charge = a_paid_charge(merchant, "pm_card_createDispute")
    told(theirs, ours)
    dispute = Dispute.objects.get()
    of_ours = {"merchant_id": merchant.id, "dispute_id": dispute.id}
    said = {"customer_name": "Zoé", "service_date": "1 May", "duplicate_charge_id": charge.id}
    kept = submit_evidence(ctx=later(1), **of_ours, evidence=said, submit=False)
    assert kept.evidence == said
    answered = submit_evidence(ctx=later(2), **of_ours, evidence={"service_date": ""}, submit=True)
    [held] = theirs.objects["dispute"].values()
    assert (answered.status, answered.evidence) == (
        "under_review",
        {"customer_name": "Zoé", "duplicate_charge_id": charge.id},
    )
    assert (held["status"], held["evidence"]) == (
        "under_review",
        {"customer_name": "Zoé", "service_date": None, "duplicate_charge_id": charge.gateway_charge_id},
    )
    money.close_dispute(fake.books, theirs, dispute.gateway_dispute_id, "won")
    told(theirs, ours, "charge.dispute.closed", at=NEW_YEAR + timedelta(days=20))
    moved = BalanceTransaction.objects.filter(source_id=dispute.id).order_by("id").values_list("amount", "fee")
    assert list(moved) == [(-1000, 1500), (1000, 0)]


def test_a_dispute_is_accepted_at_stripe_and_told_of_once(fake, merchant, theirs, ours):
    a_paid_charge(merchant, "pm_card_createDispute")
    told(theirs, ours)
    dispute = close_dispute(ctx=later(1), merchant_id=merchant.id, dispute_id=Dispute.objects.get().id)
    told(theirs, ours, "charge.dispute.closed", at=NEW_YEAR + timedelta(days=2))
    assert (dispute.status, Dispute.objects.get().version) == ("lost", dispute.version)
    assert Event.objects.filter(object_id=dispute.id, type="charge.dispute.closed").count() == 1


def test_a_payout_is_mirrored_and_may_fail_after_it_was_paid(fake, merchant, theirs, ours):
    made = money.pay_out(fake.books, theirs, 5000, "cad")
    money.end_payout(fake.books, theirs, made["id"], "paid")
    told(theirs, ours)
    assert (Payout.objects.get().status, Payout.objects.get().amount) == ("paid", 5000)
    money.end_payout(fake.books, theirs, made["id"], "failed")
    told(theirs, ours, "payout.failed")
    assert (Payout.objects.get().status, Payout.objects.get().failure_code) == ("failed", "account_closed")


# --- customers and ways to pay -----------------------------------------------------------------------------------


def test_a_card_that_its_issuer_replaced_is_updated(fake, merchant, theirs, ours):
    customer = paying_with(merchant, "pm_card_visa")
    method = customer.payment_methods.get()
    people.replace_card(fake.books, theirs, method.gateway_method_id, exp_month=3, exp_year=2039, last4="1111")
    told(theirs, ours, "payment_method.automatically_updated")
    method.refresh_from_db()
    assert (method.exp_month, method.exp_year, method.last4, method.version) == (3, 2039, "1111", 2)
    event = Event.objects.get(type="payment_method.automatically_updated")
    assert event.previous_attributes == {"last4": "4242", "exp_month": 12, "exp_year": 2035}


def test_a_method_detached_at_stripe_is_detached_and_no_default_any_more(fake, merchant, theirs, ours):
    customer = paying_with(merchant, "pm_card_visa")
    method = customer.payment_methods.get()
    people.detach(people.Call(fake.books, theirs, {}, {"id": method.gateway_method_id}))
    told(theirs, ours)
    method.refresh_from_db()
    customer.refresh_from_db()
    assert (method.detached_at, customer.default_payment_method_id) == (NEW_YEAR, "")


def test_a_customer_deleted_at_stripe_is_made_anew_when_needed(fake, merchant, theirs, ours):
    customer = paying_with(merchant, "pm_card_visa")
    gone = GatewayCustomer.objects.get().gateway_customer_id
    people.delete_customer(people.Call(fake.books, theirs, {}, {"id": gone}))
    told(theirs, ours)
    assert customer.payment_methods.get().detached_at == NEW_YEAR
    attach_payment_method(ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_card_visa")
    assert GatewayCustomer.objects.get(deleted_at__isnull=True).gateway_customer_id != gone


def a_setup(merchant, customer, **fields):
    url = "https://x.example/{setup}"
    return start_setup(ctx=context(), merchant_id=merchant.id, customer_id=customer.id, return_url=url, **fields)


def test_a_card_set_up_on_stripes_page_is_stored_though_the_browser_was_closed(fake, merchant, theirs, ours):
    customer = new_customer(merchant=merchant)
    setup, url = a_setup(merchant, customer)
    assert url.startswith(fake.url)
    checkout.enter(fake.books, theirs, setup.gateway_setup_id, "pm_card_mastercard")
    told(theirs, ours)
    customer.refresh_from_db()
    method = customer.payment_methods.get()
    assert (method.brand, method.last4, customer.default_payment_method_id) == ("mastercard", "4444", method.id)


def test_coming_back_and_being_told_store_one_card(fake, merchant, theirs, ours):
    customer = new_customer(merchant=merchant)
    setup, _ = a_setup(merchant, customer)
    assert finish_setup(ctx=context(), merchant_id=merchant.id, setup_id=setup.id).status == "open"
    checkout.enter(fake.books, theirs, setup.gateway_setup_id, "pm_card_visa")
    done = finish_setup(ctx=context(), merchant_id=merchant.id, setup_id=setup.id)
    told(theirs, ours)
    assert (done.status, done.payment_method_id) == ("succeeded", customer.payment_methods.get().id)


def test_a_bank_account_comes_with_its_mandate_and_is_collected_under_it(fake, merchant, theirs, ours):
    customer = new_customer(merchant=merchant)
    setup, _ = start_setup(
        ctx=context(),
        merchant_id=merchant.id,
        customer_id=customer.id,
        return_url="https://x.example",
        with_debits=True,
    )
    [session] = theirs.objects["checkout.session"].values()
    assert session["payment_method_types"] == ["card", "acss_debit"]
    checkout.enter(fake.books, theirs, setup.gateway_setup_id, "pm_fake_acss")
    finish_setup(ctx=context(), merchant_id=merchant.id, setup_id=setup.id)
    method = customer.payment_methods.get()
    assert (method.type, method.gateway_mandate_id.startswith("mandate_")) == ("acss_debit", True)
    [outcome] = collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=customer).id])
    assert outcome.status == "processing"


def test_a_setup_that_nobody_finished_expires(fake, merchant, theirs, ours):
    setup, _ = a_setup(merchant, new_customer(merchant=merchant))
    fake.books.advance(DAY)
    checkout.expire(fake.books, theirs, theirs.objects["checkout.session"][setup.gateway_setup_id])
    told(theirs, ours)
    setup.refresh_from_db()
    assert setup.status == "expired"
