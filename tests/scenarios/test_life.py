"""The life of a subscription on the real engine: anchors, trials, pauses, changes that wait to be paid."""

import pytest

from core.periods import AnchorConfig
from customers.models import Customer
from engine.rules.ending import CancelTwice
from engine.rules.pending_updates import PendingUpdateUnsupported
from engine.services.cancel import cancel_subscription
from engine.services.change import change_subscription, preview_change
from engine.services.clocks import advance_clock, advance_clock_now, create_clock
from engine.services.pause import pause_subscription, resume_subscription
from engine.services.pay import pay_invoice
from engine.services.paying_change_first import ChangePaymentFailed
from engine.services.recover import add_payment_method
from engine.services.update import update_subscription
from engine.types import ChangeRequest, ItemChange, PauseCollection, ResumeRequest
from events.models import Event
from invoicing.models import Invoice, InvoiceItem
from subscriptions.models import BilledPeriod, Subscription
from subscriptions.rules.periods import TrialTooLong
from subscriptions.rules.status import SubscriptionIsTerminal
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.scenarios.story import day, paper

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return merchant()


APRIL = utc(2024, 4, 1)


def subscribed(shop, amount=1000, *, at=APRIL, instrument="pm_card_visa", clock=None, **request):
    owner = customer(merchant=shop, payment_method=instrument, **({"test_clock": clock} if clock else {}))
    return subscription(customer=owner, prices=[price(merchant=shop, amount=amount)], at=at, **request)


def update(row, moment, *items, **fields):
    request = ChangeRequest(row.merchant_id, row.id, items, **fields)
    result = update_subscription(ctx=context(moment), request=request)
    row.refresh_from_db()
    return result


def upgrade(row, amount=3000):
    other = price(merchant=row.merchant, amount=amount)
    return ItemChange(row.items.get(deleted_at=None).id, other.id)


def told(row):
    return list(Event.objects.filter(object_id=row.id).order_by("object_version", "id").values_list("type", flat=True))


class TestAnchors:
    def test_the_31st_through_a_leap_year(self, shop):
        row = subscribed(
            shop, 3000, at=utc(2024, 1, 16), billing_cycle_anchor_config=AnchorConfig(day_of_month=31, hour=0)
        )
        assert (row.billing_cycle_anchor, row.anchor_day_of_month) == (utc(2024, 1, 31), 31)
        assert paper()[0][2] == 1452  # 15 of the 31 days from 31 December: 3000 * 15 / 31
        for moment in (utc(2024, 1, 31), utc(2024, 2, 29), utc(2024, 3, 31), utc(2024, 4, 30)):
            day(moment)
        starts = list(BilledPeriod.objects.order_by("start").values_list("start", flat=True))
        assert starts == [
            utc(2024, 1, 16),
            utc(2024, 1, 31),
            utc(2024, 2, 29),
            utc(2024, 3, 31),
            utc(2024, 4, 30),
        ]

    def test_a_backdated_start_is_paid_at_once(self, shop):
        row = subscribed(shop, at=utc(2024, 4, 10), backdate_start_date=utc(2024, 1, 1))
        assert [(status, total) for _, status, total in paper()] == [("paid", 4000)]
        day(utc(2024, 5, 1))
        assert paper()[-1][2] == 1000
        assert row.start_date == utc(2024, 1, 1)

    def test_a_new_anchor_is_invoiced_and_paid_at_once_as_the_preview_said(self, shop):
        row = subscribed(shop)
        request = ChangeRequest(row.merchant_id, row.id, billing_cycle_anchor="now")
        preview = preview_change(ctx=context(utc(2024, 4, 16)), request=request)
        result = update(row, utc(2024, 4, 16), billing_cycle_anchor="now")
        assert (preview.due_now, result.payment.status) == (500, "succeeded")
        assert row.billing_cycle_anchor == utc(2024, 4, 16)
        day(utc(2024, 5, 1))
        assert len(paper()) == 2
        day(utc(2024, 5, 16))
        assert [total for *_, total in paper()] == [1000, 500, 1000]


class TestTrials:
    @pytest.mark.parametrize(
        ("behavior", "status", "papers"),
        [("create_invoice", "past_due", [0, 1000]), ("cancel", "canceled", [0]), ("pause", "paused", [0])],
    )
    def test_a_trial_that_ends_without_a_card(self, shop, behavior, status, papers):
        row = subscribed(
            shop,
            at=utc(2024, 4, 1),
            instrument=None,
            trial_end=utc(2024, 4, 11),
            trial_missing_payment_method=behavior,
        )
        day(utc(2024, 4, 8))
        assert "customer.subscription.trial_will_end" in told(row)
        day(utc(2024, 4, 11))
        row.refresh_from_db()
        assert (row.status, [total for *_, total in paper()]) == (status, papers)

    def test_paused_by_its_trial_and_resumed_with_a_card(self, shop):
        row = subscribed(shop, instrument=None, trial_end=utc(2024, 4, 11), trial_missing_payment_method="pause")
        day(utc(2024, 4, 11))
        add_payment_method(
            ctx=context(utc(2024, 4, 20)),
            merchant_id=shop.id,
            customer_id=row.customer_id,
            instrument="pm_card_visa",
        )
        result = resume_subscription(ctx=context(utc(2024, 4, 20)), request=ResumeRequest(shop.id, row.id))
        row.refresh_from_db()
        assert (row.status, row.billing_cycle_anchor, result.payment.status) == (
            "active",
            utc(2024, 4, 20),
            "succeeded",
        )
        assert paper()[-1][1:] == ("paid", 1000)
        assert {"customer.subscription.paused", "customer.subscription.resumed"} <= set(told(row))

    def test_extended_then_ended_now(self, shop):
        row = subscribed(shop, trial_end=utc(2024, 4, 11))
        update(row, utc(2024, 4, 10), trial_end=utc(2024, 4, 30))
        day(utc(2024, 4, 11))
        assert (row.status, len(paper())) == ("trialing", 2)
        result = update(row, utc(2024, 4, 15), trial_end="now")
        assert (row.status, row.trial_end, result.payment.status) == ("active", utc(2024, 4, 15), "succeeded")
        day(utc(2024, 5, 15))
        assert [total for *_, total in paper()] == [0, 0, 1000, 1000]

    def test_added_to_a_running_subscription_gives_back_the_rest(self, shop):
        row = subscribed(shop)
        update(row, utc(2024, 4, 16), trial_end=utc(2024, 5, 10))
        assert (row.status, row.billing_cycle_anchor) == ("trialing", utc(2024, 5, 10))
        assert Customer.objects.get().balance == -500
        day(utc(2024, 5, 10))
        row.refresh_from_db()
        assert (row.status, paper()[-1][1:]) == ("active", ("paid", 1000))

    def test_of_more_than_730_days_is_refused_and_nothing_written(self, shop):
        row = subscribed(shop)
        with pytest.raises(TrialTooLong):
            update(row, utc(2024, 4, 16), trial_end=utc(2026, 4, 17), description="no")
        row.refresh_from_db()
        assert (row.status, row.description, len(paper())) == ("active", "", 1)


class TestPausedCollection:
    @pytest.mark.parametrize(
        ("behavior", "status"), [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")]
    )
    def test_the_invoices_made_meanwhile_and_what_comes_after(self, shop, behavior, status):
        row = subscribed(shop)
        update(row, utc(2024, 4, 10), pause_collection=PauseCollection(behavior, utc(2024, 5, 20)))
        day(utc(2024, 5, 1))
        row.refresh_from_db()
        assert (row.status, paper()[-1][1:]) == ("active", (status, 1000))
        day(utc(2024, 5, 20))
        row.refresh_from_db()
        assert (row.pause_behavior, row.pause_resumes_at) == ("", None)
        day(utc(2024, 6, 1))
        assert paper()[-1][1:] == ("paid", 1000)

    def test_taken_back_before_its_time(self, shop):
        row = subscribed(shop)
        update(row, utc(2024, 4, 10), pause_collection=PauseCollection("void"))
        update(row, utc(2024, 4, 20), pause_collection=PauseCollection(""))
        day(utc(2024, 5, 1))
        assert paper()[-1][1:] == ("paid", 1000)


class TestServicePause:
    def test_paused_with_credit_and_resumed(self, shop):
        row = subscribed(shop)
        ids = {"merchant_id": shop.id, "subscription_id": row.id}
        pause_subscription(ctx=context(utc(2024, 4, 16)), prorate=True, invoice_now=True, **ids)
        day(utc(2024, 5, 1))
        row.refresh_from_db()
        assert (row.status, [total for *_, total in paper()]) == ("paused", [1000, -500])
        resume_subscription(ctx=context(utc(2024, 6, 10)), request=ResumeRequest(shop.id, row.id))
        invoice = Invoice.objects.latest("created")
        assert (invoice.total, invoice.amount_due, invoice.status) == (1000, 500, "paid")


class TestChangesThatWaitToBePaid:
    def test_paid_at_once_it_applies_at_once(self, shop):
        row = subscribed(shop)
        result = update(
            row,
            utc(2024, 4, 16),
            upgrade(row),
            proration_behavior="always_invoice",
            payment_behavior="pending_if_incomplete",
        )
        assert result.payment.status == "succeeded"
        assert row.items.get(deleted_at=None).price.unit_amount_decimal == 3000
        assert row.pending_update_expires_at is None
        assert BilledPeriod.objects.filter(invoice_id=result.invoice_id, amount=1500).exists()
        assert "customer.subscription.pending_update_applied" in told(row)
        day(utc(2024, 5, 1))
        assert [total for *_, total in paper()] == [1000, 1000, 3000]

    def test_not_paid_it_lapses_after_23_hours_and_its_invoice_is_void(self, shop):
        row = self.refused(shop)
        assert (row.status, row.pending_update_expires_at) == ("active", utc(2024, 4, 16, 23))
        assert paper()[-1][1:] == ("open", 1000)
        day(utc(2024, 4, 16, 23))
        row.refresh_from_db()
        assert (row.status, row.pending_update_expires_at) == ("active", None)
        assert paper()[-1][1:] == ("void", 1000)
        assert row.items.get(deleted_at=None).price.unit_amount_decimal == 1000
        assert "customer.subscription.pending_update_expired" in told(row)

    def test_paid_later_it_applies_with_the_figures_of_its_day(self, shop):
        row = self.refused(shop)
        owner = Customer.objects.get()
        invoice = Invoice.objects.get(status="open")
        add_payment_method(
            ctx=context(utc(2024, 4, 16, 5)), merchant_id=shop.id, customer_id=owner.id, instrument="pm_card_visa"
        )
        pay_invoice(ctx=context(utc(2024, 4, 16, 6)), merchant_id=shop.id, invoice_id=invoice.id)
        row.refresh_from_db()
        assert row.items.get(deleted_at=None).price.unit_amount_decimal == 3000
        debit = BilledPeriod.objects.get(invoice_id=invoice.id)
        assert (debit.amount, debit.start, debit.end) == (1500, utc(2024, 4, 16), utc(2024, 5, 1))
        assert BilledPeriod.objects.get(credited_from=utc(2024, 4, 16)).amount == 1000
        day(utc(2024, 5, 1))
        assert paper()[-1][1:] == ("paid", 3000)

    def test_error_if_incomplete_changes_nothing(self, shop):
        row = subscribed(shop)
        self.break_card(row)
        before = paper()
        with pytest.raises(ChangePaymentFailed):
            update(
                row,
                utc(2024, 4, 16),
                upgrade(row),
                proration_behavior="always_invoice",
                payment_behavior="error_if_incomplete",
            )
        row.refresh_from_db()
        assert (row.status, row.pending_update_expires_at, paper()) == ("active", None, before)
        assert row.items.get(deleted_at=None).price.unit_amount_decimal == 1000
        day(utc(2024, 5, 1))
        assert row.items.get(deleted_at=None).quantity == 1

    def test_default_incomplete_changes_and_leaves_the_invoice_to_be_paid(self, shop):
        row = subscribed(shop)
        result = update(
            row,
            utc(2024, 4, 16),
            upgrade(row),
            proration_behavior="always_invoice",
            payment_behavior="default_incomplete",
        )
        assert (row.status, result.payment, paper()[-1][1:]) == ("past_due", None, ("open", 1000))

    def test_what_costs_nothing_cannot_wait(self, shop):
        row = subscribed(shop)
        with pytest.raises(PendingUpdateUnsupported):
            update(row, utc(2024, 4, 16), description="x", payment_behavior="pending_if_incomplete")

    def refused(self, shop):
        row = subscribed(shop)
        self.break_card(row)
        result = update(
            row,
            utc(2024, 4, 16),
            upgrade(row),
            proration_behavior="always_invoice",
            payment_behavior="pending_if_incomplete",
        )
        assert result.payment.status == "declined"
        return row

    def break_card(self, row):
        add_payment_method(
            ctx=context(utc(2024, 4, 15)),
            merchant_id=row.merchant_id,
            customer_id=row.customer_id,
            instrument="pm_card_chargeCustomerFail",
        )


class TestUpdates:
    def test_several_items_at_once(self, shop):
        row = subscribed(shop)
        extra = price(merchant=shop, amount=600)
        update(row, utc(2024, 4, 16), upgrade(row, 2000), ItemChange(price_id=extra.id, quantity=2))
        waiting = list(InvoiceItem.objects.filter(invoice_id="").order_by("id").values_list("amount", flat=True))
        assert waiting == [-500, 1000, 600]

    def test_what_it_says_and_how_it_is_collected(self, shop):
        row = subscribed(shop)
        update(
            row,
            utc(2024, 4, 16),
            description="Gold",
            metadata={"team": "a"},
            collection_method="send_invoice",
            days_until_due=14,
        )
        assert (row.description, row.metadata, row.days_until_due) == ("Gold", {"team": "a"}, 14)
        day(utc(2024, 5, 1))
        invoice = Invoice.objects.latest("created")
        assert (invoice.collection_method, invoice.due_date) == ("send_invoice", utc(2024, 5, 15))

    def test_an_end_and_its_recall_with_a_change_beside(self, shop):
        row = subscribed(shop)
        update(row, utc(2024, 4, 16), cancel_at_period_end=True, metadata={"why": "x"}, cancellation_comment="Bye")
        assert (row.cancel_at, row.cancellation_comment, row.metadata) == (utc(2024, 5, 1), "Bye", {"why": "x"})
        update(row, utc(2024, 4, 17), cancel_at_period_end=False)
        assert (row.cancel_at, row.cancel_at_period_end) == (None, False)
        update(row, utc(2024, 4, 18), cancel_at="max_period_end")
        assert row.cancel_at == utc(2024, 5, 1)
        update(row, utc(2024, 4, 18), cancel_at="")
        assert row.cancel_at is None
        with pytest.raises(CancelTwice):
            update(row, utc(2024, 4, 18), cancel_at="max_period_end", cancel_at_period_end=True)

    def test_a_refused_end_takes_the_change_with_it(self, shop):
        row = subscribed(shop)
        with pytest.raises(Exception, match="future"):
            update(row, utc(2024, 4, 16), description="New", cancel_at=utc(2024, 4, 1))
        assert Subscription.objects.get().description == ""

    def test_the_same_again_changes_nothing(self, shop):
        row = subscribed(shop)
        before = row.version
        update(row, utc(2024, 4, 16), metadata={}, description="")
        assert row.version == before

    def test_a_canceled_subscription_changes_no_more(self, shop):
        row = subscribed(shop)
        cancel_subscription(ctx=context(utc(2024, 4, 10)), merchant_id=shop.id, subscription_id=row.id)
        with pytest.raises(SubscriptionIsTerminal):
            update(row, utc(2024, 4, 16), description="Too late")


def test_a_lapse_and_a_pause_on_a_clock(shop):
    clock = create_clock(ctx=context(utc(2026, 7, 1)), merchant_id=shop.id, name="life", frozen_time=utc(2024, 4, 1))
    row = subscribed(shop, clock=clock)
    change_subscription(
        ctx=context(utc(2024, 4, 1)),
        request=ChangeRequest(shop.id, row.id, pause_collection=PauseCollection("void", resumes_at=utc(2024, 6, 15))),
    )
    ctx = context(utc(2026, 7, 1))
    advance_clock(ctx=ctx, merchant_id=shop.id, clock_id=clock.id, to=utc(2024, 8, 2))
    assert advance_clock_now(ctx=ctx, clock_id=clock.id)
    assert [status for _, status, _ in paper()] == ["paid", "void", "void", "paid", "paid"]
