"""Several workers, threads and deaths at once, on committed rows: nothing is charged or given back twice."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from engine.services import collect, sending
from engine.services.collect import collect_invoices, run_collections
from engine.services.pay import InvoiceAlreadyPaid, pay_invoice, record_payment
from engine.services.refund import refund_charge
from engine.services.resolve import resolve_unknown
from payments.cancellation import PaymentInFlight
from payments.gateways.base import CalledInsideTransaction
from payments.models import Charge, InvoicePayment, Refund, SandboxObject
from payments.rules import ChargeAlreadyRefunded, RefundMoreThanCharged
from payments.services import attach_payment_method
from tests.factories.customers import customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice, subscription
from tests.factories.times import NEW_YEAR, context

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def customer():
    """Its card is attached by the real service: every gateway call of this module is outside any transaction."""
    row = new_customer(merchant=new_merchant())
    attach_payment_method(ctx=context(), merchant_id=row.merchant_id, customer_id=row.id, instrument="pm_card_visa")
    row.refresh_from_db()
    return row


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run each in a thread of its own, started together: results or errors, in order."""
    results: list[object] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(index: int) -> None:
        try:
            gate.wait(timeout=10)
            results[index] = works[index]()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def taken_at_the_gateway() -> list[int]:
    """What the processor's own books say was taken, payment by payment."""
    intents = SandboxObject.objects.filter(kind="payment_intent")
    return [entry.body["amount"] for entry in intents if entry.body["standing"]["kind"] == "succeeded"]


def test_a_button_pressed_by_five_fingers_pays_once(customer):
    invoice = open_invoice(customer=customer)

    def press():
        return pay_invoice(ctx=context(), merchant_id=customer.merchant_id, invoice_id=invoice.id)

    results = at_once(*[press] * 5)
    assert sum(getattr(result, "status", "") == "succeeded" for result in results) == 1
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(refused) == 4
    assert all(isinstance(error, PaymentInFlight | InvoiceAlreadyPaid) for error in refused)
    assert (Charge.objects.count(), taken_at_the_gateway()) == (1, [1000])


def test_two_workers_that_collect_the_same_invoices_charge_each_once(customer):
    invoices = [open_invoice(customer=customer, amount=100 + index) for index in range(20)]
    ids = [invoice.id for invoice in invoices]

    def work(order):
        return lambda: collect_invoices(ctx=context(), invoice_ids=order)

    results = at_once(work(ids), work(list(reversed(ids))))
    assert not [result for result in results if isinstance(result, Exception)]
    assert sorted(taken_at_the_gateway()) == [100 + index for index in range(20)]
    assert Charge.objects.count() == InvoicePayment.objects.count() == 20


def test_three_runs_share_the_due_invoices(customer):
    for _ in range(30):
        open_invoice(customer=customer)
    results = at_once(*[lambda: run_collections(ctx=context(), chunk_size=5).done] * 3)
    assert sum(results) == 30
    assert len(taken_at_the_gateway()) == Charge.objects.count() == 30


def test_a_retry_that_races_a_payment_by_hand_charges_once(customer):
    agreement = subscription(customer=customer)
    invoice = open_invoice(customer=customer, subscription=agreement)
    at_once(
        lambda: run_collections(ctx=context()),
        lambda: pay_invoice(ctx=context(), merchant_id=customer.merchant_id, invoice_id=invoice.id),
    )
    invoice.refresh_from_db()
    assert (invoice.status, taken_at_the_gateway()) == ("paid", [1000])


def test_a_transfer_that_races_a_charge_never_pays_twice(customer):
    invoice = open_invoice(customer=customer)
    at_once(
        lambda: pay_invoice(ctx=context(), merchant_id=customer.merchant_id, invoice_id=invoice.id),
        lambda: record_payment(ctx=context(), merchant_id=customer.merchant_id, invoice_id=invoice.id, amount=1000),
    )
    invoice.refresh_from_db()
    assert (invoice.status, invoice.amount_paid) == ("paid", 1000)
    assert InvoicePayment.objects.count() == 1
    assert len(taken_at_the_gateway()) == InvoicePayment.objects.filter(type="payment_intent").count()


def test_refunds_at_once_never_exceed_the_charge(customer):
    [outcome] = collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=customer, amount=1000).id])

    def give_back():
        return refund_charge(ctx=context(), merchant_id=customer.merchant_id, charge_id=outcome.charge_id, amount=400)

    results = at_once(*[give_back] * 4)
    assert sum(getattr(result, "status", "") == "succeeded" for result in results) == 2
    assert sum(isinstance(result, RefundMoreThanCharged | ChargeAlreadyRefunded) for result in results) == 2
    assert Charge.objects.get().amount_refunded == sum(Refund.objects.values_list("amount", flat=True)) == 800
    assert SandboxObject.objects.get(kind="payment_intent").body["refunded"] == 800


def test_the_database_itself_refuses_a_second_charge_in_flight(customer):
    invoice = open_invoice(customer=customer)
    collect_invoices(ctx=context(), invoice_ids=[invoice.id])
    charge = Charge.objects.get()
    Charge.objects.update(status="unknown")
    charge.pk, charge.idempotency_key, charge.status = "ch_second", "another", "planned"
    with pytest.raises(IntegrityError, match="one_charge_in_flight_per_intent"):
        charge.save(force_insert=True)


def test_the_database_itself_refuses_to_give_back_more_than_was_charged(customer):
    collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=customer).id])
    with pytest.raises(IntegrityError, match="charge_refunds_at_most_itself"):
        Charge.objects.update(amount_refunded=1001)


def test_paying_inside_a_transaction_is_a_fault_of_the_program(customer):
    invoice = open_invoice(customer=customer)
    with transaction.atomic(), pytest.raises((RuntimeError, CalledInsideTransaction)):
        collect_invoices(ctx=context(), invoice_ids=[invoice.id])
    assert taken_at_the_gateway() == []


# --- deaths -------------------------------------------------------------------------------------------------------


class WorkerDied(BaseException):
    """A SIGKILL as Python sees it: nothing catches it, nothing is cleaned up, what was committed stays."""


def dies(*args, **kwargs):
    raise WorkerDied


def minutes_later(count: int):
    return context(NEW_YEAR, recorded_at=NEW_YEAR + timedelta(minutes=count))


def killed_at(monkeypatch, module, name: str, invoice) -> None:
    """Collect the invoice with a worker that dies when it comes to `name`."""
    with monkeypatch.context() as patched:
        patched.setattr(module, name, dies)
        with pytest.raises(WorkerDied):
            collect_invoices(ctx=context(), invoice_ids=[invoice.id])


@pytest.mark.parametrize(
    ("module", "name", "taken_before"),
    [
        pytest.param(collect, "send", [], id="between commit and call"),
        pytest.param(sending.payments, "store_gateway_intent_ids", [], id="after the intent was made, its id lost"),
        pytest.param(sending, "_confirm_all", [], id="between the intent's id and its confirmation"),
        pytest.param(collect, "settle_answers", [1000], id="between call and commit"),
    ],
)
def test_a_worker_that_is_killed_leaves_what_another_finds_out(customer, monkeypatch, module, name, taken_before):
    invoice = open_invoice(customer=customer, subscription=subscription(customer=customer))
    killed_at(monkeypatch, module, name, invoice)
    assert taken_at_the_gateway() == taken_before
    assert Charge.objects.get().status == "planned"

    # Nobody charges it meanwhile, whatever is due; then the resolver asks.
    assert run_collections(ctx=context(NEW_YEAR + timedelta(days=2), recorded_at=NEW_YEAR)).done == 0
    assert resolve_unknown(ctx=minutes_later(1)).done == 0
    assert resolve_unknown(ctx=minutes_later(6)).done == 1
    invoice.refresh_from_db()
    assert (invoice.status, Charge.objects.count(), taken_at_the_gateway()) == ("paid", 1, [1000])


def test_killed_after_the_charge_and_found_a_day_later_it_is_not_charged_again(customer, monkeypatch):
    invoice = open_invoice(customer=customer)
    killed_at(monkeypatch, collect, "settle_answers", invoice)
    assert resolve_unknown(ctx=context(NEW_YEAR + timedelta(days=1))).done == 1
    invoice.refresh_from_db()
    assert (invoice.status, taken_at_the_gateway()) == ("paid", [1000])


def test_killed_before_the_call_and_found_a_day_later_it_is_a_new_attempt(customer, monkeypatch):
    """The gateway may have forgotten the key: the old attempt is let go of, and only then another is made."""
    invoice = open_invoice(customer=customer)
    killed_at(monkeypatch, sending, "_confirm_all", invoice)
    day_later = context(NEW_YEAR + timedelta(days=1))
    resolve_unknown(ctx=day_later)
    run_collections(ctx=day_later)
    invoice.refresh_from_db()
    assert (invoice.status, taken_at_the_gateway()) == ("paid", [1000])
    assert sorted(Charge.objects.values_list("attempt", "status")) == [(1, "canceled"), (2, "succeeded")]


def test_several_resolvers_at_once_settle_each_charge_once(customer, monkeypatch):
    invoices = [open_invoice(customer=customer) for _ in range(12)]
    with monkeypatch.context() as patched:
        patched.setattr(collect, "settle_answers", dies)
        with pytest.raises(WorkerDied):
            collect_invoices(ctx=context(), invoice_ids=[invoice.id for invoice in invoices])
    results = at_once(*[lambda: resolve_unknown(ctx=minutes_later(6)).done] * 3)
    assert sum(results) == 12
    assert InvoicePayment.objects.count() == len(taken_at_the_gateway()) == 12
