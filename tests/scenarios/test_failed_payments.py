"""Stories of payments that fail, told day by day on a test clock through the services that run for real."""

from datetime import datetime, timedelta

import pytest

from customers.models import Customer
from customers.services import set_default_payment_method
from dunning.models import RecoveryCase
from engine.services.change import change_subscription
from engine.services.clocks import advance_clock, advance_clock_now, create_clock
from engine.services.finalize import finalize_invoice
from engine.services.invoices import mark_uncollectible
from engine.services.pay import complete_action, pay_invoice, record_payment
from engine.services.recover import add_payment_method
from engine.services.subscribe import subscribe
from engine.types import ChangeRequest, ItemRequest, PauseCollection, SubscribeRequest
from events.models import Event
from invoicing.models import Invoice
from payments.models import Charge, SandboxObject
from payments.services import attach_payment_method
from subscriptions.models import Subscription
from tests.factories.catalog import price as new_price
from tests.factories.customers import customer as new_customer
from tests.factories.merchants import merchant as new_merchant
from tests.factories.signups import subscription as new_subscription
from tests.factories.times import context, utc
from tests.scenarios.story import day, paper

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY, MARCH = utc(2024, 1, 1), utc(2024, 2, 1), utc(2024, 3, 1)


class Story:
    """A subscriber at 10.00 a month on a clock of its own."""

    def __init__(self, instrument: str) -> None:
        self.merchant = new_merchant()
        self.clock = create_clock(ctx=context(JANUARY), merchant_id=self.merchant.id, name="story", frozen_time=JANUARY)
        self.customer: Customer = new_customer(merchant=self.merchant, test_clock=self.clock, created=JANUARY)
        self.add_card(instrument)
        price = new_price(merchant=self.merchant, amount=1000)
        self.subscription_id = subscribe(
            ctx=context(JANUARY),
            request=SubscribeRequest(self.merchant.id, self.customer.id, (ItemRequest(price.id),)),
        ).subscription_id

    def add_card(self, instrument: str, at: datetime = JANUARY) -> None:
        add_payment_method(
            ctx=context(at), merchant_id=self.merchant.id, customer_id=self.customer.id, instrument=instrument
        )

    def until(self, to: datetime) -> None:
        advance_clock(ctx=context(to), merchant_id=self.merchant.id, clock_id=self.clock.id, to=to)
        assert advance_clock_now(ctx=context(to), clock_id=self.clock.id)

    @property
    def status(self) -> str:
        return Subscription.objects.get(id=self.subscription_id).status

    @property
    def invoices(self) -> list[tuple[str, str]]:
        return list(Invoice.objects.order_by("created", "id").values_list("number", "status"))

    @property
    def tries(self) -> list[datetime]:
        return list(Charge.objects.order_by("created", "id").values_list("created", flat=True))

    def taken(self) -> int:
        intents = SandboxObject.objects.filter(merchant_id=self.merchant.id, kind="payment_intent")
        return sum(entry.body["amount"] for entry in intents if entry.body["standing"]["kind"] == "succeeded")


def test_a_card_that_fails_once_each_month_is_past_due_for_a_day_and_recovers():
    story = Story("pm_card_visa")
    story.add_card("pm_sandbox_declineThenSucceed")

    story.until(FEBRUARY)
    assert story.status == "past_due"
    assert story.invoices == [("INV-0001", "paid"), ("INV-0002", "open")]

    story.until(FEBRUARY + timedelta(days=1))
    assert story.status == "active"
    assert story.invoices == [("INV-0001", "paid"), ("INV-0002", "paid")]

    story.until(MARCH + timedelta(days=1))
    assert story.status == "active"
    assert story.tries == [
        JANUARY,
        FEBRUARY,
        FEBRUARY + timedelta(days=1),
        MARCH,
        MARCH + timedelta(days=1),
    ]
    assert story.taken() == 3000


def test_a_card_that_always_fails_ends_the_subscription_after_two_weeks_and_nothing_is_billed_any_more():
    story = Story("pm_card_visa")
    story.add_card("pm_card_chargeCustomerFail")

    story.until(utc(2024, 6, 1))
    assert story.status == "canceled"
    assert [(tried - FEBRUARY).days for tried in story.tries[1:]] == [0, 1, 2, 4, 6, 8, 10, 14]
    assert story.invoices == [("INV-0001", "paid"), ("INV-0002", "open")]
    ended = Subscription.objects.get(id=story.subscription_id)
    assert (ended.ended_at, ended.cancellation_reason) == (utc(2024, 2, 15), "payment_failed")


def test_a_stolen_card_waits_for_another_which_pays_at_once():
    story = Story("pm_card_visa")
    story.add_card("pm_card_visa_chargeDeclinedStolenCard")

    story.until(utc(2024, 2, 8))
    assert story.status == "past_due"
    assert len(story.tries) == 2  # January's, and the one that failed

    story.add_card("pm_card_mastercard", at=utc(2024, 2, 8))
    story.until(utc(2024, 2, 8, 1))
    assert story.status == "active"
    assert RecoveryCase.objects.get().status == "recovered"


def test_a_renewal_that_needs_authentication_is_paid_by_the_customer_on_session():
    story = Story("pm_card_visa")
    story.add_card("pm_card_threeDSecure2Required")

    story.until(utc(2024, 2, 3))
    assert story.status == "past_due"
    invoice = Invoice.objects.get(status="open")
    assert Event.objects.filter(object_id=invoice.id, type="invoice.payment_action_required").exists()

    now = context(utc(2024, 2, 3))
    waiting = pay_invoice(ctx=now, merchant_id=story.merchant.id, invoice_id=invoice.id)
    complete_action(ctx=now, merchant_id=story.merchant.id, payment_intent_id=waiting.payment_intent_id, approve=True)
    assert story.status == "active"
    story.until(utc(2024, 2, 28))
    assert story.taken() == 2000


def test_a_debit_begins_the_subscription_and_one_that_comes_back_makes_it_past_due():
    story = Story("pm_acss_debit")
    assert story.status == "active"
    story.until(utc(2024, 1, 6))
    assert story.invoices == [("INV-0001", "paid")]

    failing = attach_payment_method(
        ctx=context(utc(2024, 1, 10)),
        merchant_id=story.merchant.id,
        customer_id=story.customer.id,
        instrument="pm_acss_debit_fails",
    )
    set_default_payment_method(
        ctx=context(utc(2024, 1, 10)),
        merchant_id=story.merchant.id,
        customer_id=story.customer.id,
        payment_method_id=failing.id,
    )
    story.until(utc(2024, 2, 5))
    assert story.status == "active"
    story.until(utc(2024, 2, 6))
    assert story.status == "past_due"


def test_a_first_payment_that_fails_leaves_the_subscription_incomplete_and_it_expires():
    story = Story("pm_card_chargeCustomerFail")
    assert story.status == "incomplete"
    story.until(utc(2024, 1, 3))
    assert story.status == "incomplete_expired"
    assert story.invoices == [("INV-0001", "void")]
    assert len(story.tries) == 1


@pytest.mark.parametrize(
    ("behavior", "meanwhile", "status"),
    [
        ("void", "void", "past_due"),
        ("keep_as_draft", "draft", "past_due"),
        ("mark_uncollectible", "uncollectible", "active"),
    ],
)
def test_a_debt_is_the_latest_while_what_came_after_it_is_void_or_a_draft(behavior, meanwhile, status):
    """One that was written off is the latest, and nothing is asked for it: SEMANTICS, Subscription states."""
    shop = new_merchant(grace=0)
    owner = new_customer(merchant=shop)
    row = new_subscription(
        customer=owner, prices=[new_price(merchant=shop)], collection_method="send_invoice", days_until_due=7
    )
    ids = {"ctx": context(utc(2024, 1, 20)), "merchant_id": shop.id}
    day(utc(2024, 1, 8))
    request = ChangeRequest(shop.id, row.id, pause_collection=PauseCollection(behavior))
    change_subscription(ctx=ids["ctx"], request=request)
    day(FEBRUARY)
    row.refresh_from_db()
    assert (row.status, [found for _, found, _ in paper()]) == (status, ["open", meanwhile])
    record_payment(**ids, invoice_id=Invoice.objects.get(status="open").id, amount=1000)
    row.refresh_from_db()
    assert row.status == "active"


def test_an_invoice_that_is_overdue_while_the_next_is_a_draft_is_the_latest():
    """Sent on 1 January at 00:30, due on 1 February at 00:30, when the next one is a draft for another half an hour."""
    shop = new_merchant(grace=3600)
    row = new_subscription(
        customer=new_customer(merchant=shop),
        prices=[new_price(merchant=shop)],
        collection_method="send_invoice",
        days_until_due=31,
    )
    sent = {"merchant_id": shop.id, "invoice_id": Invoice.objects.get().id}
    finalize_invoice(ctx=context(JANUARY + timedelta(minutes=30)), **sent)
    day(FEBRUARY)
    day(FEBRUARY + timedelta(minutes=59))
    row.refresh_from_db()
    assert (row.status, [found for _, found, _ in paper()]) == ("past_due", ["open", "draft"])


def test_what_was_written_off_and_fails_again_leaves_its_subscription_well():
    story = Story("pm_card_visa")
    story.add_card("pm_card_chargeCustomerFail", JANUARY)
    story.until(FEBRUARY + timedelta(hours=1))
    assert story.status == "past_due"
    ids = {"ctx": context(utc(2024, 2, 2)), "merchant_id": story.merchant.id}
    [owed] = Invoice.objects.filter(status="open")
    mark_uncollectible(**ids, invoice_id=owed.id)
    assert story.status == "active"
    assert pay_invoice(**ids, invoice_id=owed.id).status == "declined"
    assert (story.status, Invoice.objects.get(id=owed.id).status) == ("active", "uncollectible")
