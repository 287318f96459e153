"""Backups: what is charged at once when the default payment method was declined."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.backups import set_backup_payment_methods
from customers.models import Customer
from customers.services import set_default_payment_method
from dunning.models import RecoveryCase
from engine.services.collect import collect_invoices, run_collections
from engine.services.pay import pay_invoice
from engine.services.recover import bring_retries_forward
from engine.services.resolve import resolve_unknown, settle_due
from events.models import Event
from payments.models import Charge, PaymentIntent, SandboxObject
from payments.services import attach_payment_method, detach_payment_method
from tests.factories.customers import customer as new_customer, payment_method
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context

pytestmark = pytest.mark.django_db

DECLINES, NO_FUNDS = "pm_card_chargeCustomerFail", "pm_card_visa_chargeDeclinedInsufficientFunds"
LOST, STOLEN = "pm_card_visa_chargeDeclinedLostCard", "pm_card_visa_chargeDeclinedStolenCard"
PAYS = "pm_card_mastercard"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def with_backups(default: str, *backups: str) -> Customer:
    customer = new_customer(merchant=new_merchant(), payment_method=default)
    methods = [payment_method(customer=customer, instrument=one) for one in backups]
    return set_backup_payment_methods(
        ctx=context(),
        merchant_id=customer.merchant_id,
        customer_id=customer.id,
        payment_method_ids=[one.id for one in methods],
    )


def collect(invoice, at=NEW_YEAR, **options):
    [outcome] = collect_invoices(ctx=context(at), invoice_ids=[invoice.id], **options)
    invoice.refresh_from_db()
    return outcome


def tried(invoice) -> list[tuple[str, str]]:
    """(the last characters of the payment method's instrument, status) of each charge, in order."""
    names = {}
    for body in SandboxObject.objects.filter(kind="payment_method").values_list("id", "body"):
        names[body[0]] = body[1]["instrument"]
    methods = dict(invoice.customer.payment_methods.values_list("id", "gateway_method_id"))
    charges = Charge.objects.filter(invoice_id=invoice.id).order_by("attempt")
    return [(names[methods[charge.payment_method_id]], charge.status) for charge in charges]


def taken() -> int:
    """What the processor's own books say was taken."""
    intents = SandboxObject.objects.filter(kind="payment_intent")
    return sum(entry.body["amount"] for entry in intents if entry.body["standing"]["kind"] == "succeeded")


def test_the_backup_pays_what_the_default_was_declined_for():
    invoice = open_invoice(customer=with_backups(DECLINES, PAYS), amount=1250)
    outcome = collect(invoice)
    first, second = Charge.objects.order_by("attempt")
    assert (outcome.status, outcome.charge_id) == ("succeeded", second.id)
    assert tried(invoice) == [(DECLINES, "failed"), (PAYS, "succeeded")]
    assert (invoice.status, invoice.amount_paid, invoice.attempt_count) == ("paid", 1250, 1)
    assert (second.backup_of, second.payment_intent_id) == (first.id, first.payment_intent_id)
    assert first.idempotency_key != second.idempotency_key
    assert taken() == 1250
    assert not RecoveryCase.objects.exists()


def test_each_charge_is_told_and_the_invoice_never_failed():
    invoice = open_invoice(customer=with_backups(DECLINES, PAYS))
    outcome = collect(invoice)
    told = Event.objects.order_by("xid", "id")
    about = {invoice.id, outcome.payment_intent_id, *Charge.objects.values_list("id", flat=True)}
    assert sorted(told.filter(object_id__in=about).values_list("type", flat=True)) == [
        "charge.failed",
        "charge.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.updated",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]


def test_backups_are_tried_in_their_order_until_one_pays():
    invoice = open_invoice(customer=with_backups(DECLINES, NO_FUNDS, PAYS, "pm_card_amex"))
    assert collect(invoice).status == "succeeded"
    assert tried(invoice) == [(DECLINES, "failed"), (NO_FUNDS, "failed"), (PAYS, "succeeded")]


def test_a_try_that_fails_on_all_of_them_counts_once():
    invoice = open_invoice(customer=with_backups(DECLINES, NO_FUNDS))
    assert collect(invoice).status == "declined"
    case = RecoveryCase.objects.get()
    assert (case.failures, case.decision, case.next_attempt_at) == (1, "retry", NEW_YEAR + DAY)
    assert (invoice.attempt_count, invoice.next_payment_attempt) == (1, NEW_YEAR + DAY)
    assert Event.objects.filter(type="invoice.payment_failed").count() == 1


def test_a_hard_decline_is_never_tried_again_and_its_backup_is():
    # Lost: never again. No funds: a day later. So the retry is the backup's alone.
    invoice = open_invoice(customer=with_backups(LOST, NO_FUNDS))
    collect(invoice)
    assert (RecoveryCase.objects.get().decision, invoice.next_payment_attempt) == ("retry", NEW_YEAR + DAY)
    run_collections(ctx=context(NEW_YEAR + DAY))
    assert tried(invoice) == [(LOST, "failed"), (NO_FUNDS, "failed"), (NO_FUNDS, "failed")]
    assert RecoveryCase.objects.get().failures == 2


def test_a_backup_with_a_hard_decline_is_not_tried_with_the_next_retry():
    invoice = open_invoice(customer=with_backups(NO_FUNDS, STOLEN))
    collect(invoice)
    run_collections(ctx=context(NEW_YEAR + DAY))
    assert tried(invoice) == [(NO_FUNDS, "failed"), (STOLEN, "failed"), (NO_FUNDS, "failed")]


def test_when_all_are_hard_declines_the_customer_is_asked():
    invoice = open_invoice(customer=with_backups(LOST, STOLEN))
    collect(invoice)
    case = RecoveryCase.objects.get()
    assert (case.decision, case.reason, invoice.next_payment_attempt) == ("ask_customer", "lost_card", None)


def test_a_new_backup_brings_the_retry_forward_and_passes_over_the_lost_card():
    customer = with_backups(LOST)
    invoice = open_invoice(customer=customer)
    collect(invoice)
    ids = {"merchant_id": customer.merchant_id, "customer_id": customer.id}
    good = payment_method(customer=customer, instrument=PAYS)
    set_backup_payment_methods(ctx=context(), payment_method_ids=[good.id], **ids)
    assert bring_retries_forward(ctx=context(NEW_YEAR + DAY), **ids) == [invoice.id]
    run_collections(ctx=context(NEW_YEAR + DAY))
    assert tried(invoice) == [(LOST, "failed"), (PAYS, "succeeded")]


def test_a_person_who_pays_by_hand_is_charged_to_nothing_else():
    customer = with_backups(DECLINES, PAYS)
    invoice = open_invoice(customer=customer)
    ids = {"ctx": context(), "merchant_id": customer.merchant_id, "invoice_id": invoice.id}
    assert pay_invoice(**ids).status == "declined"
    assert pay_invoice(**ids, payment_method_id=customer.default_payment_method_id, off_session=True).status == (
        "declined"
    )
    assert tried(invoice) == [(DECLINES, "failed"), (DECLINES, "failed")]


def test_a_bank_debit_that_fails_days_later_is_followed_by_its_backup():
    invoice = open_invoice(customer=with_backups("pm_acss_debit_fails", PAYS))
    assert collect(invoice).status == "processing"
    settle_due(ctx=context(NEW_YEAR + 5 * DAY))
    invoice.refresh_from_db()
    assert tried(invoice) == [("pm_acss_debit_fails", "failed"), (PAYS, "succeeded")]
    assert (invoice.status, invoice.paid_at) == ("paid", NEW_YEAR + 5 * DAY)


def test_a_backup_whose_answer_is_lost_is_looked_up_and_never_charged_twice():
    invoice = open_invoice(customer=with_backups(DECLINES, "pm_sandbox_timeoutAfterCharge"), amount=1250)
    assert collect(invoice).status == "unknown"
    assert collect(invoice).status == "unknown"
    resolve_unknown(ctx=context(NEW_YEAR + HOUR))
    invoice.refresh_from_db()
    assert (invoice.status, taken(), Charge.objects.count()) == ("paid", 1250, 2)


def test_a_worker_that_dies_before_the_backups_call_leaves_it_to_the_resolver(monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_args):
        raise Killed

    invoice = open_invoice(customer=with_backups(DECLINES, PAYS), amount=1250)
    monkeypatch.setattr("engine.services.settlement.send", die)
    with pytest.raises(Killed):
        collect(invoice)
    monkeypatch.undo()
    assert tried(invoice) == [(DECLINES, "failed"), (PAYS, "planned")]
    resolve_unknown(ctx=context(NEW_YEAR + HOUR))
    invoice.refresh_from_db()
    assert (invoice.status, taken()) == ("paid", 1250)
    assert PaymentIntent.objects.get().status == "succeeded"


def test_a_backup_that_was_removed_meanwhile_is_passed_over():
    customer = with_backups(DECLINES, PAYS)
    [backup] = customer.backup_payment_method_ids
    ids = {"ctx": context(), "merchant_id": customer.merchant_id, "customer_id": customer.id}
    detach_payment_method(**ids, payment_method_id=backup)
    customer.refresh_from_db()
    assert customer.backup_payment_method_ids == []
    invoice = open_invoice(customer=customer)
    assert collect(invoice).status == "declined"
    assert Charge.objects.count() == 1


def test_the_first_backup_takes_the_place_of_a_default_that_is_removed():
    customer = with_backups(DECLINES, PAYS, NO_FUNDS)
    first, second = customer.backup_payment_method_ids
    ids = {"ctx": context(), "merchant_id": customer.merchant_id, "customer_id": customer.id}
    detach_payment_method(**ids, payment_method_id=customer.default_payment_method_id)
    customer.refresh_from_db()
    assert (customer.default_payment_method_id, customer.backup_payment_method_ids) == (first, [second])


def test_a_backup_that_becomes_the_default_is_no_backup_any_more():
    customer = with_backups(DECLINES, PAYS)
    ids = {"ctx": context(), "merchant_id": customer.merchant_id, "customer_id": customer.id}
    [backup] = customer.backup_payment_method_ids
    assert set_default_payment_method(**ids, payment_method_id=backup).backup_payment_method_ids == []


def test_a_card_replaced_by_its_issuer_is_tried_again_before_its_backup():
    customer = with_backups(LOST, NO_FUNDS)
    invoice = open_invoice(customer=customer)
    collect(invoice)
    customer.payment_methods.filter(id=customer.default_payment_method_id).update(replaced_at=NEW_YEAR + 12 * HOUR)
    run_collections(ctx=context(NEW_YEAR + DAY))
    assert [name for name, _status in tried(invoice)] == [LOST, NO_FUNDS, LOST, NO_FUNDS]


def test_backups_of_a_chunk_are_planned_by_a_fixed_number_of_statements():
    def statements(customers: int) -> int:
        merchant = new_merchant()
        for number in range(customers):
            customer = new_customer(merchant=merchant, payment_method=DECLINES, email=f"{number}@example.com")
            backup = payment_method(customer=customer, instrument=PAYS)
            Customer.objects.filter(id=customer.id).update(backup_payment_method_ids=[backup.id])
            open_invoice(customer=customer)
        with CaptureQueriesContext(connection) as queries:
            run_collections(ctx=context(), max_chunks=1)
        return sum(1 for one in queries if "payments_sandboxobject" not in one["sql"])

    assert statements(6) == statements(2)


def test_attaching_leaves_backups_alone():
    customer = with_backups(DECLINES)
    ids = {"ctx": context(), "merchant_id": customer.merchant_id, "customer_id": customer.id}
    method = attach_payment_method(**ids, instrument=PAYS)
    customer.refresh_from_db()
    assert method.id not in (customer.default_payment_method_id, *customer.backup_payment_method_ids)
