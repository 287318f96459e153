"""A processor that loses calls and answers, workers that die, people who press everything: the money stays right.

Each seed is one story (TORTURE_SEEDS says how many; 12 unless told). Afterwards the line is good again, the
resolver runs, and the processor's own books are compared with ours.
"""

import os
import random
from datetime import datetime, timedelta

import pytest

from core.context import Context
from core.errors import OstinatoError
from engine.services import collect, pay, refund
from engine.services.collect import run_collections
from engine.services.pay import complete_action, pay_invoice, record_payment
from engine.services.refund import refund_charge
from engine.services.resolve import resolve_unknown, settle_due
from invoicing.models import Invoice
from payments import gateways
from payments.gateways.base import PORT
from payments.gateways.sandbox import SandboxGateway
from payments.models import Charge, InvoicePayment, PaymentIntent, Refund, SandboxObject
from payments.services import attach_payment_method
from tests.factories.customers import customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.payments import open_invoice, subscription
from tests.factories.times import NEW_YEAR

pytestmark = pytest.mark.django_db

INSTRUMENTS = (
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_chargeCustomerFail",
    "pm_sandbox_declineThenSucceed",
    "pm_card_threeDSecure2Required",
    "pm_acss_debit",
    "pm_acss_debit_fails",
    "pm_sandbox_timeoutAfterCharge",
    "pm_sandbox_timeoutBeforeCharge",
    "pm_sandbox_serverErrorAfterCharge",
    "pm_card_refundFail",
)
FLAKY = [name for name in PORT if name not in ("attach", "detach", "ensure_customer")]


class LineIsDown(Exception):
    pass


class WorkerDied(BaseException):
    pass


class FlakyLine:
    """The sandbox behind a line that drops calls before they arrive, or their answers after."""

    name = "sandbox"

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.is_good = dice, False

    def __getattr__(self, name):
        method = getattr(SandboxGateway(), name)
        if name not in FLAKY:
            return method

        def over_the_line(*args, **kwargs):
            fate = 1.0 if self.is_good else self.dice.random()
            if fate < 0.15:
                raise LineIsDown
            answer = method(*args, **kwargs)
            if fate < 0.3:
                raise LineIsDown
            return answer

        return over_the_line


class Story:
    def __init__(self, seed: int, monkeypatch) -> None:
        self.dice = random.Random(seed)
        self.monkeypatch = monkeypatch
        self.line = FlakyLine(self.dice)
        monkeypatch.setitem(gateways._GATEWAYS, "sandbox", self.line)
        self.now: datetime = NEW_YEAR
        self.merchant = new_merchant()
        self.customer = new_customer(merchant=self.merchant)
        self.methods = [self.attach() for _ in range(2)]
        for _ in range(3):
            agreement = subscription(customer=self.customer)
            open_invoice(customer=self.customer, subscription=agreement, amount=1000)

    @property
    def ctx(self) -> Context:
        return Context(as_of=self.now, recorded_at=self.now)

    def ids(self) -> dict:
        return {"ctx": self.ctx, "merchant_id": self.merchant.id}

    def attach(self):
        return attach_payment_method(
            **self.ids(), customer_id=self.customer.id, instrument=self.dice.choice(INSTRUMENTS), make_default=True
        )

    def step(self) -> None:
        self.now += timedelta(minutes=self.dice.choice([1, 3, 10, 60, 600, 1500]))
        act = self.dice.choice([self.run, self.press, self.authenticate, self.transfer, self.give_back, self.resolve])
        try:
            self.maybe_killed(act)
        except OstinatoError:
            pass  # a named refusal: nothing moved

    def maybe_killed(self, act) -> None:
        """One act in six is done by a worker that dies between the gateway's answer and our commit."""
        if self.dice.random() > 1 / 6:
            act()
            return

        def die(*args, **kwargs):
            raise WorkerDied

        with self.monkeypatch.context() as patched:
            patched.setattr(collect, "settle_answers", die)
            patched.setattr(pay, "settle_answers", die)
            patched.setattr(refund, "_settle", die)
            try:
                act()
            except WorkerDied:
                pass

    def run(self) -> None:
        run_collections(ctx=self.ctx, max_chunks=50)

    def press(self) -> None:
        if self.dice.random() < 0.3:
            self.methods.append(self.attach())
        invoice = self.dice.choice(list(Invoice.objects.order_by("id")))
        method = self.dice.choice([*self.methods, None])
        pay_invoice(**self.ids(), invoice_id=invoice.id, payment_method_id=method.id if method else "")

    def authenticate(self) -> None:
        for intent in PaymentIntent.objects.filter(status="requires_action"):
            complete_action(**self.ids(), payment_intent_id=intent.id, approve=self.dice.random() < 0.7)

    def transfer(self) -> None:
        if self.dice.random() < 0.5:
            invoice = self.dice.choice(list(Invoice.objects.order_by("id")))
            record_payment(**self.ids(), invoice_id=invoice.id, amount=self.dice.choice([250, 1000, 1300]))

    def give_back(self) -> None:
        charges = list(Charge.objects.filter(status="succeeded").order_by("id"))
        if charges:
            refund_charge(
                **self.ids(), charge_id=self.dice.choice(charges).id, amount=self.dice.choice([None, 300, 800])
            )

    def resolve(self) -> None:
        resolve_unknown(ctx=self.ctx)
        settle_due(ctx=self.ctx)

    def calm_down(self) -> None:
        """The line is good again: the resolver and the settlements find everything out."""
        self.line.is_good = True
        for _ in range(4):
            self.now += timedelta(days=8)
            self.resolve()
            Invoice.objects.update(next_action_at=None)  # no new tries: only what is under way ends
        for intent in PaymentIntent.objects.filter(status="requires_action"):
            complete_action(**self.ids(), payment_intent_id=intent.id, approve=False)


def check_books(merchant) -> None:
    """Ours against the processor's: nothing double, nothing lost, nothing unknown."""
    assert not Charge.objects.filter(status__in=["planned", "unknown", "processing"]).exists()
    assert not Refund.objects.filter(status__in=["planned", "unknown", "pending"]).exists()
    theirs = SandboxObject.objects.filter(merchant_id=merchant.id, kind="payment_intent")
    taken = {
        entry.body["metadata"]["payment_intent"]: entry.body
        for entry in theirs
        if entry.body["standing"]["kind"] == "succeeded"
    }
    paid = {charge.payment_intent_id: charge for charge in Charge.objects.filter(status="succeeded")}
    assert taken.keys() == paid.keys(), "what they took is what we know to be taken"
    assert len(paid) == Charge.objects.filter(status="succeeded").count(), "no intent was charged twice"
    for intent_id, charge in paid.items():
        assert taken[intent_id]["amount"] == charge.amount
        assert taken[intent_id]["refunded"] == charge.amount_refunded
    for invoice in Invoice.objects.all():
        allocated = sum(InvoicePayment.objects.filter(invoice=invoice).values_list("amount_paid", flat=True))
        assert invoice.amount_paid == allocated == invoice.amount_due - invoice.amount_remaining
        charged = sum(charge.amount for charge in paid.values() if charge.invoice_id == invoice.id)
        assert charged <= invoice.amount_due, "no invoice was collected twice"


@pytest.mark.parametrize("seed", range(int(os.environ.get("TORTURE_SEEDS", "12"))))
def test_the_money_is_right_whatever_happens(seed, monkeypatch):
    story = Story(seed, monkeypatch)
    for _ in range(30):
        story.step()
    story.calm_down()
    check_books(story.merchant)


def test_the_check_finds_a_charge_that_was_made_twice(monkeypatch):
    """The check itself is checked: a worker that takes a lost answer for a decline and tries anew is caught."""
    story = Story(1, monkeypatch)
    story.line.is_good = True
    method = attach_payment_method(
        **story.ids(), customer_id=story.customer.id, instrument="pm_sandbox_timeoutAfterCharge"
    )
    invoice = Invoice.objects.first()
    pay_invoice(**story.ids(), invoice_id=invoice.id, payment_method_id=method.id)
    Charge.objects.update(status="failed")
    PaymentIntent.objects.update(status="canceled")
    good = attach_payment_method(**story.ids(), customer_id=story.customer.id, instrument="pm_card_visa")
    pay_invoice(**story.ids(), invoice_id=invoice.id, payment_method_id=good.id)
    with pytest.raises(AssertionError, match="what they took"):
        check_books(story.merchant)
