"""Money that goes back."""

from datetime import timedelta

import pytest

from customers.models import Customer
from engine.services.collect import collect_invoices
from engine.services.refund import refund_charge, resolve_refunds, settle_due_refunds
from events.models import Event
from payments.models import Charge, Refund, SandboxObject
from payments.rules import (
    ChargeAlreadyRefunded,
    NothingToRefund,
    RefundMoreThanCharged,
    RefundNotPositive,
)
from payments.selectors import ChargeNotFound
from tests.factories.customers import customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context

pytestmark = pytest.mark.django_db


def a_charge(instrument: str = "pm_card_visa", amount: int = 1000) -> Charge:
    customer: Customer = new_customer(merchant=new_merchant(), payment_method=instrument)
    [outcome] = collect_invoices(ctx=context(), invoice_ids=[open_invoice(customer=customer, amount=amount).id])
    return Charge.objects.get(id=outcome.charge_id)


def refund(charge: Charge, amount: int | None = None, **options):
    outcome = refund_charge(
        ctx=context(), merchant_id=charge.merchant_id, charge_id=charge.id, amount=amount, **options
    )
    charge.refresh_from_db()
    return outcome


def refunded_at_the_gateway() -> int:
    return sum(entry.body["refunded"] for entry in SandboxObject.objects.filter(kind="payment_intent"))


def test_all_of_it_goes_back_unless_told():
    charge = a_charge()
    outcome = refund(charge, reason="requested_by_customer")
    assert (outcome.status, outcome.amount, charge.amount_refunded) == ("succeeded", 1000, 1000)
    assert refunded_at_the_gateway() == 1000
    told = [
        event.type for event in Event.objects.filter(object_id__in=[outcome.refund_id, charge.id]).order_by("xid", "id")
    ]
    assert told == ["charge.succeeded", "refund.created", "refund.updated", "charge.refunded"]


def test_parts_go_back_until_nothing_is_left():
    charge = a_charge()
    refund(charge, 600)
    with pytest.raises(RefundMoreThanCharged, match="400 of 1000"):
        refund(charge, 401)
    assert refund(charge).amount == 400
    with pytest.raises(ChargeAlreadyRefunded):
        refund(charge)
    assert refunded_at_the_gateway() == 1000


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_is_more_than_zero(amount):
    with pytest.raises(RefundNotPositive):
        refund(a_charge(), amount)


def test_a_failed_charge_has_nothing_to_give_back():
    with pytest.raises(NothingToRefund):
        refund(a_charge("pm_card_chargeCustomerFail"))


def test_another_merchants_charge_is_not_there():
    charge = a_charge()
    with pytest.raises(ChargeNotFound):
        refund_charge(ctx=context(), merchant_id=new_merchant().id, charge_id=charge.id)


def test_a_refund_may_be_pending_for_a_day():
    charge = a_charge("pm_card_pendingRefund")
    assert refund(charge).status == "pending"
    assert settle_due_refunds(ctx=context()).done == 0
    settle_due_refunds(ctx=context(NEW_YEAR + timedelta(days=1)))
    assert (Refund.objects.get().status, charge.amount_refunded) == ("succeeded", 1000)


def test_a_refund_that_fails_later_puts_things_back():
    charge = a_charge("pm_card_refundFail")
    refund(charge, 700)
    assert charge.amount_refunded == 700
    settle_due_refunds(ctx=context(NEW_YEAR + timedelta(days=1)))
    charge.refresh_from_db()
    row = Refund.objects.get()
    assert (row.status, row.failure_reason, charge.amount_refunded) == ("failed", "expired_or_canceled_card", 0)
    assert Event.objects.filter(object_id=row.id, type="refund.failed").exists()
    assert refund(charge, 1000).status == "pending"


def test_a_refund_whose_worker_died_before_the_call_is_made_once(monkeypatch):
    charge = a_charge()
    monkeypatch.setattr("engine.services.refund._ask", _die)
    with pytest.raises(_WorkerDied):
        refund(charge)
    monkeypatch.undo()
    assert (Refund.objects.get().status, refunded_at_the_gateway()) == ("planned", 0)
    later = context(NEW_YEAR, recorded_at=NEW_YEAR + timedelta(minutes=6))
    assert resolve_refunds(ctx=later).done == 1
    assert (Refund.objects.get().status, refunded_at_the_gateway()) == ("succeeded", 1000)


def test_a_refund_whose_worker_died_after_the_call_is_found(monkeypatch):
    charge = a_charge()
    monkeypatch.setattr("engine.services.refund._settle", _die)
    with pytest.raises(_WorkerDied):
        refund(charge)
    monkeypatch.undo()
    day_later = context(NEW_YEAR + timedelta(days=1))  # past the life of its key
    assert resolve_refunds(ctx=day_later).done == 1
    assert (Refund.objects.get().status, refunded_at_the_gateway()) == ("succeeded", 1000)


class _WorkerDied(BaseException):
    pass


def _die(*args, **kwargs):
    raise _WorkerDied
