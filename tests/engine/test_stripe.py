"""Invoices collected through Stripe, over real HTTP: what its own books say, and what ours do."""

from datetime import timedelta

import pytest

from customers.backups import set_backup_payment_methods
from engine.services.collect import collect_invoices, run_collections
from engine.services.invoices import void_invoice
from engine.services.pay import InvoiceAlreadyPaid, complete_action, pay_invoice, record_payment
from engine.services.refund import refund_charge
from engine.services.resolve import resolve_unknown, settle_due
from payments.models import Charge, GatewayCustomer, PaymentIntent, Refund
from payments.services import attach_payment_method
from tests.factories.customers import customer as new_customer
from tests.factories.gateways import merchant_on_stripe
from tests.factories.payments import open_invoice, subscription
from tests.factories.times import NEW_YEAR, context
from tests.fake_stripe import intents as fake_intents

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(fake):
    fake.books.started = NEW_YEAR.timestamp()
    return merchant_on_stripe(fake)


@pytest.fixture
def account(fake, merchant):
    [account] = fake.books.accounts.values()
    return account


def paying_with(merchant, instrument: str):
    customer = new_customer(merchant=merchant)
    attach_payment_method(ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument=instrument)
    customer.refresh_from_db()
    return customer


def collect(invoice, at=NEW_YEAR, **options):
    [outcome] = collect_invoices(ctx=context(at), invoice_ids=[invoice.id], **options)
    invoice.refresh_from_db()
    return outcome


def taken(account) -> int:
    """What Stripe's books say was taken and not given back."""
    return sum(
        row["amount_captured"] - row["amount_refunded"]
        for row in account.objects["charge"].values()
        if row["status"] == "succeeded"
    )


def test_a_renewal_is_collected_off_session(merchant, account):
    customer = paying_with(merchant, "pm_card_visa")
    invoice = open_invoice(customer=customer, subscription=subscription(customer=customer), amount=1250)
    run_collections(ctx=context())
    invoice.refresh_from_db()
    [theirs] = account.objects["payment_intent"].values()
    ours = PaymentIntent.objects.get()
    assert (invoice.status, invoice.amount_paid, taken(account)) == ("paid", 1250, 1250)
    assert (ours.status, ours.gateway_intent_id) == ("succeeded", theirs["id"])
    assert theirs["metadata"] == {"payment_intent": ours.id, "invoice": invoice.id}
    assert Charge.objects.get().gateway_charge_id == theirs["latest_charge"]


def test_the_intent_is_made_unconfirmed_under_its_own_key_then_confirmed_under_the_attempts(fake, merchant):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_visa"))
    collect(invoice)
    intent, charge = PaymentIntent.objects.get(), Charge.objects.get()
    posts = [(path, key) for method, path, key in fake.books.calls if method == "POST"]
    assert posts[-2:] == [
        ("/v1/payment_intents", f"{intent.id}/create"),
        (f"/v1/payment_intents/{intent.gateway_intent_id}/confirm", charge.idempotency_key),
    ]


def test_a_customer_is_made_at_stripe_once_with_our_id_on_it(merchant, account):
    customer = paying_with(merchant, "pm_card_visa")
    collect(open_invoice(customer=customer))
    collect(open_invoice(customer=customer))
    [theirs] = account.objects["customer"].values()
    assert (theirs["metadata"], theirs["email"]) == ({"customer": customer.id}, customer.email)
    assert GatewayCustomer.objects.get().gateway_customer_id == theirs["id"]


def test_a_declined_card_is_tried_again_under_a_new_key(merchant, account):
    invoice = open_invoice(customer=paying_with(merchant, "pm_fake_declineThenSucceed"))
    assert collect(invoice).decline_code == "insufficient_funds"
    assert collect(invoice, NEW_YEAR + timedelta(days=3)).status == "succeeded"
    first, second = Charge.objects.order_by("attempt")
    assert first.idempotency_key != second.idempotency_key
    assert (first.network_decline_code, first.failure_code) == ("51", "card_declined")
    assert len(account.objects["payment_intent"]) == 1
    assert taken(account) == 1000


def test_a_backup_is_charged_by_the_same_intent_under_its_own_key(fake, merchant, account):
    """A card that declines, then a bank debit: one intent there, two confirmations, one payment."""
    customer = paying_with(merchant, "pm_card_chargeCustomerFail")
    backup = attach_payment_method(
        ctx=context(), merchant_id=merchant.id, customer_id=customer.id, instrument="pm_fake_acss"
    )
    set_backup_payment_methods(
        ctx=context(), merchant_id=merchant.id, customer_id=customer.id, payment_method_ids=[backup.id]
    )
    invoice = open_invoice(customer=customer)
    assert collect(invoice).status == "processing"
    first, second = Charge.objects.order_by("attempt")
    confirmed = [key for _method, path, key in fake.books.calls if path.endswith("/confirm")]
    assert confirmed == [first.idempotency_key, second.idempotency_key]
    assert (first.status, second.backup_of, second.payment_method_id) == ("failed", first.id, backup.id)
    assert len(account.objects["payment_intent"]) == 1
    fake.books.advance(7 * 86400)
    settle_due(ctx=context(NEW_YEAR + timedelta(days=7)))
    invoice.refresh_from_db()
    assert (invoice.status, taken(account)) == ("paid", 1000)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "500_before", "500_after", "429"])
@pytest.mark.parametrize("where", ["POST /v1/payment_intents$", "/confirm$"])
def test_a_lost_answer_is_found_out_and_charged_once(fake, merchant, account, fault, where):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_visa"))
    fake.faults.arm(fault, where)
    assert collect(invoice).status == "unknown"
    assert fake.faults.armed == []
    for hours in (1, 25, 50):  # a 500 replays for as long as its key lives; after that a new attempt is due
        fake.books.advance(25 * 3600 if hours > 1 else 3600)
        at = NEW_YEAR + timedelta(hours=hours)
        resolve_unknown(ctx=context(at))
        run_collections(ctx=context(at))
    invoice.refresh_from_db()
    assert invoice.status == "paid"
    assert taken(account) == 1000
    assert not Charge.objects.filter(status__in=["planned", "unknown"]).exists()


@pytest.mark.parametrize("where", ["POST /v1/payment_intents$", "/confirm$"])
def test_what_a_stored_500_hid_is_let_go_of_when_the_books_say_that_nothing_was_taken(fake, merchant, account, where):
    """The error comes back under its key for a day; ten minutes on, the look-up that finds nothing is believed."""
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_visa"))
    fake.faults.arm("500_before", where)
    assert collect(invoice).status == "unknown"
    at = NEW_YEAR + timedelta(minutes=5)
    resolve_unknown(ctx=context(at))
    assert Charge.objects.get().status == "unknown"
    at = NEW_YEAR + timedelta(minutes=15)
    resolve_unknown(ctx=context(at))
    run_collections(ctx=context(at))
    invoice.refresh_from_db()
    assert list(Charge.objects.order_by("attempt").values_list("status", flat=True)) == ["canceled", "succeeded"]
    assert (invoice.status, invoice.attempt_count, taken(account)) == ("paid", 1, 1000)


@pytest.mark.parametrize("where", ["POST /v1/payment_intents$", "/confirm$"])
def test_what_a_stored_500_hid_is_settled_as_soon_as_the_books_tell_of_it(fake, merchant, account, where):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_visa"))
    fake.faults.arm("500_after", where)
    assert collect(invoice).status == "unknown"
    resolve_unknown(ctx=context(NEW_YEAR + timedelta(minutes=2)))
    invoice.refresh_from_db()
    assert (invoice.status, Charge.objects.count(), taken(account)) == ("paid", 1, 1000)


def test_authentication_off_session_is_a_decline_that_asks_for_the_customer(merchant, account):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_threeDSecure2Required"))
    assert collect(invoice).decline_code == "authentication_required"
    assert taken(account) == 0


def test_on_session_the_bank_is_asked_on_its_own_page_and_then_it_is_paid(fake, merchant, account):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_threeDSecure2Required"))
    outcome = pay_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    assert outcome.status == "requires_action"
    intent = PaymentIntent.objects.get()
    assert intent.next_action["redirect_to_url"]["url"].startswith(fake.url)
    fake_intents.authenticate(fake.books, account, intent.gateway_intent_id, approve=True)
    done = complete_action(ctx=context(), merchant_id=merchant.id, payment_intent_id=intent.id, approve=True)
    assert (done.status, taken(account)) == ("succeeded", 1000)


def test_paying_another_way_cancels_the_waiting_authentication_at_stripe_first(merchant, account):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_threeDSecure2Required"))
    pay_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    record_payment(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id, amount=1000)
    [theirs] = account.objects["payment_intent"].values()
    assert theirs["status"] == "canceled"
    assert taken(account) == 0


def test_voiding_cancels_the_waiting_authentication_at_stripe_too(merchant, account):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_threeDSecure2Required"))
    pay_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    void_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    [theirs] = account.objects["payment_intent"].values()
    invoice.refresh_from_db()
    assert (theirs["status"], invoice.status) == ("canceled", "void")


def test_paid_at_the_bank_before_it_was_canceled_is_paid_and_nothing_is_lost(fake, merchant, account):
    """The customer approves at the very moment at which somebody records a transfer."""
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_threeDSecure2Required"))
    pay_invoice(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id)
    fake_intents.authenticate(fake.books, account, PaymentIntent.objects.get().gateway_intent_id, approve=True)
    with pytest.raises(InvoiceAlreadyPaid):
        record_payment(ctx=context(), merchant_id=merchant.id, invoice_id=invoice.id, amount=1000)
    invoice.refresh_from_db()
    assert (invoice.status, invoice.amount_paid, taken(account)) == ("paid", 1000, 1000)


def test_an_amount_that_stripe_cannot_write_is_refused_by_name_and_nothing_is_asked(merchant, account):
    customer = paying_with(merchant, "pm_card_visa")
    outcome = collect(open_invoice(customer=customer, amount=1001, currency="kwd"))
    assert (outcome.status, outcome.failure_code) == ("declined", "currency_not_supported")
    assert not account.objects["payment_intent"]


def test_a_currency_that_stripe_lacks_is_a_named_decline_and_nothing_is_taken(merchant, account):
    outcome = collect(open_invoice(customer=paying_with(merchant, "pm_card_visa"), currency="irr"))
    assert (outcome.status, outcome.failure_code) == ("declined", "currency_not_supported")
    assert not account.objects["payment_intent"]


def test_a_card_of_the_sandbox_is_not_sent_to_stripe(merchant, account):
    customer = new_customer(merchant=merchant, payment_method="pm_card_visa")
    outcome = collect(open_invoice(customer=customer))
    assert (outcome.status, outcome.failure_code) == ("declined", "payment_method_not_available")
    assert not account.objects["payment_intent"]


def test_a_debit_is_processing_and_settles_when_asked_after(fake, merchant, account):
    invoice = open_invoice(customer=paying_with(merchant, "pm_fake_acss"))
    assert collect(invoice).status == "processing"
    fake.books.advance(6 * 86_400)
    settle_due(ctx=context(NEW_YEAR + timedelta(days=6)))
    invoice.refresh_from_db()
    assert (invoice.status, taken(account)) == ("paid", 1000)


def test_a_refund_goes_back_and_one_that_fails_later_puts_things_back(fake, merchant, account):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_refundFail"))
    collect(invoice)
    charge = Charge.objects.get()
    refunded = refund_charge(ctx=context(), merchant_id=merchant.id, charge_id=charge.id, amount=400)
    assert (refunded.status, taken(account)) == ("pending", 600)
    fake.books.advance(86_400)
    settle_due(ctx=context(NEW_YEAR + timedelta(days=1)))
    charge.refresh_from_db()
    assert (Refund.objects.get().status, charge.amount_refunded, taken(account)) == ("failed", 0, 1000)


def test_a_refund_without_an_answer_is_found_out_and_made_once(fake, merchant, account):
    collect(open_invoice(customer=paying_with(merchant, "pm_card_visa")))
    charge = Charge.objects.get()
    fake.faults.arm("drop_after", "POST /v1/refunds")
    outcome = refund_charge(ctx=context(), merchant_id=merchant.id, charge_id=charge.id, amount=400)
    assert outcome.status == "unknown"
    resolve_unknown(ctx=context(NEW_YEAR + timedelta(hours=1)))
    assert (Refund.objects.get().status, taken(account)) == ("succeeded", 600)


def test_a_revoked_key_is_no_decline_and_the_charge_goes_on_with_the_next_key(fake, merchant, account):
    invoice = open_invoice(customer=paying_with(merchant, "pm_card_visa"))
    keys, account.keys = account.keys, set()
    assert collect(invoice).status == "unknown"
    assert invoice.attempt_count == 0
    account.keys = keys
    resolve_unknown(ctx=context(NEW_YEAR + timedelta(hours=1)))
    invoice.refresh_from_db()
    assert (invoice.status, taken(account)) == ("paid", 1000)
