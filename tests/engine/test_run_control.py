"""What people do with the run: ask what it would bill, and ask again for what it refused."""

from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from engine import run_selectors, tasks
from engine.models import BillingRun, DryRun, Refusal
from engine.rules.tally import Tally
from engine.services import dry_run
from engine.services.dry_run import DryRunMoment, continue_dry_run, start_dry_run
from engine.services.finalize import run_finalizations
from engine.services.renew import run_renewals
from engine.services.retrying import NothingToRetry, retry_refusals
from events.models import Event
from invoicing.models import Invoice, InvoiceItem
from subscriptions.models import Subscription
from tests.factories.catalog import coupon, price
from tests.factories.customers import clock as sandbox_clock, customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc

pytestmark = pytest.mark.django_db

FEBRUARY = utc(2024, 2, 1)


def subscriber(shop, amount=1000, currency="", **request):
    return subscription(
        customer=customer(merchant=shop, payment_method="pm_card_visa"),
        prices=[price(merchant=shop, amount=amount, currency=currency)],
        **request,
    )


def daily(shop):
    return subscription(
        customer=customer(merchant=shop, payment_method="pm_card_visa"),
        prices=[price(merchant=shop, amount=100, interval="day")],
    )


def plan(shop, as_of=FEBRUARY, asked_at=FEBRUARY):
    found = start_dry_run(ctx=context(asked_at), merchant_id=shop.id, as_of=as_of)
    return found, Tally.of_json(found.figures)


class TestADryRun:
    def test_says_what_the_run_then_bills_to_the_cent(self):
        shop = merchant()
        subscriber(shop, 1000)
        subscriber(shop, 250, coupon_ids=(coupon(merchant=shop, percent_off=10, duration="forever").id,))
        subscriber(shop, 777, currency="eur")
        found, tally = plan(shop)
        assert (found.status, tally.subscriptions, tally.invoices) == ("finished", 3, 3)
        assert tally.billed == {"cad": [2, 1225], "eur": [1, 777]}  # 1000 + 250 - 25
        run_renewals(ctx=context(FEBRUARY))
        billed = Invoice.objects.filter(billing_reason="subscription_cycle")
        assert sorted(billed.values_list("currency", "total")) == [("cad", 225), ("cad", 1000), ("eur", 777)]

    def test_writes_nothing_but_its_figures(self):
        shop = merchant()
        subscriber(shop)
        before = (Invoice.objects.count(), Event.objects.count(), list(Subscription.objects.values()))
        plan(shop)
        assert (Invoice.objects.count(), Event.objects.count(), list(Subscription.objects.values())) == before
        assert not BillingRun.objects.exists()

    def test_looks_ahead_and_counts_every_period_until_then(self):
        shop = merchant()
        subscriber(shop)
        _, tally = plan(shop, as_of=utc(2024, 4, 15), asked_at=utc(2024, 1, 10))
        assert tally.billed == {"cad": [3, 3000]}  # February, March, April

    def test_spends_what_a_customers_subscriptions_share_once(self):
        shop = merchant()
        ada = customer(merchant=shop, payment_method="pm_card_visa")
        monthly = price(merchant=shop, amount=1000)
        for _ in range(2):
            subscription(customer=ada, prices=[monthly])
        InvoiceItem.objects.create(
            merchant=shop, customer=ada, currency="cad", amount=500, quantity=1, description="Set-up",
            period_start=NEW_YEAR, period_end=NEW_YEAR, created=NEW_YEAR, recorded_at=NEW_YEAR,
        )  # fmt: skip
        _, tally = plan(shop)
        assert tally.billed == {"cad": [2, 2500]}  # 1000 + 1000 + 500, the item on one of them

    def test_names_what_the_run_would_refuse_and_why(self):
        shop = merchant()
        row = daily(shop)
        subscriber(shop)
        _, tally = plan(shop, as_of=utc(2024, 4, 1), asked_at=utc(2024, 4, 1))
        assert (tally.refused, tally.billed) == (1, {"cad": [3, 3000]})
        [reason] = tally.refusals
        assert (reason["code"], reason["count"], reason["examples"]) == ("too_many_missed_periods", 1, [row.id])

    def test_a_defect_at_one_subscription_is_a_refusal_and_the_others_are_planned(self):
        shop = merchant()
        broken, _ = subscriber(shop), subscriber(shop)
        whole = dry_run.plan_renewal

        def plan_renewal(snapshot, as_of):
            if snapshot.subscription.id == broken.id:
                raise ZeroDivisionError
            return whole(snapshot, as_of)

        with patch("engine.services.dry_run.plan_renewal", plan_renewal):
            _, tally = plan(shop)
        assert (tally.billed, tally.refusals[0]["code"]) == ({"cad": [1, 1000]}, "internal_error")

    def test_leaves_other_merchants_and_test_clocks_alone(self):
        shop = merchant()
        subscriber(merchant(name="Elsewhere", prefix="ELSE"))
        clock = sandbox_clock(merchant=shop, frozen_time=NEW_YEAR)
        ada = customer(merchant=shop, payment_method="pm_card_visa", test_clock=clock)
        subscription(customer=ada, prices=[price(merchant=shop)], at=NEW_YEAR)
        _, tally = plan(shop)
        assert tally.subscriptions == 0

    @pytest.mark.parametrize("moment", [utc(2024, 1, 31), utc(2025, 3, 1)])
    def test_refuses_the_past_and_what_is_too_far_ahead(self, moment):
        with pytest.raises(DryRunMoment):
            plan(merchant(), as_of=moment)
        assert not DryRun.objects.exists()

    def test_more_than_one_chunk_is_left_to_the_cluster_and_comes_to_the_same(self, monkeypatch):
        monkeypatch.setattr(dry_run, "CHUNK", 2)
        shop = merchant()
        for _ in range(5):
            subscriber(shop)
        found, tally = plan(shop)
        assert (found.status, tally.subscriptions) == ("running", 2)
        assert OrmQ.objects.count() == 1
        assert continue_dry_run(ctx=context(FEBRUARY), dry_run_id=found.id, seconds=0) is False
        assert tasks.dry_run(found.id) is True
        found.refresh_from_db()
        assert (found.status, Tally.of_json(found.figures).billed) == ("finished", {"cad": [5, 5000]})

    def test_of_two_workers_at_the_same_chunk_one_counts(self, monkeypatch):
        monkeypatch.setattr(dry_run, "CHUNK", 2)
        shop = merchant()
        for _ in range(5):
            subscriber(shop)
        found, _ = plan(shop)
        late = DryRun.objects.get(id=found.id)
        continue_dry_run(ctx=context(FEBRUARY), dry_run_id=found.id, seconds=0)
        dry_run._one_chunk(context(FEBRUARY), late)  # the same two once more
        found.refresh_from_db()
        assert Tally.of_json(found.figures).subscriptions == 4

    def test_another_one_takes_the_place_of_one_that_runs(self, monkeypatch):
        monkeypatch.setattr(dry_run, "CHUNK", 1)
        shop = merchant()
        subscriber(shop), subscriber(shop)
        first, _ = plan(shop)
        plan(shop)
        first.refresh_from_db()
        assert first.status == "stopped"
        assert continue_dry_run(ctx=context(FEBRUARY), dry_run_id=first.id) is True  # nothing more to do

    def test_the_queries_of_a_chunk_do_not_grow_with_it(self):
        def queries(count):
            shop = merchant(prefix=f"Q{count}")
            for _ in range(count):
                subscriber(shop)
            with CaptureQueriesContext(connection) as captured:
                plan(shop)
            return len(captured.captured_queries)

        assert queries(1) == queries(6)


class TestRetrying:
    @pytest.fixture
    def refused(self):
        """A subscription with 91 missed days, refused on 1 April and put off by an hour."""
        shop = merchant()
        row = daily(shop)
        run_renewals(ctx=context(utc(2024, 4, 1)))
        return shop, row, Refusal.objects.get()

    def test_makes_it_due_at_once_and_wakes_the_run(self, refused):
        shop, row, refusal = refused
        moment = utc(2024, 4, 1, 0, 10)
        report = retry_refusals(ctx=context(moment, actor="user:7"), merchant_id=shop.id, refusal_ids=[refusal.id])
        row.refresh_from_db()
        refusal.refresh_from_db()
        assert (report.asked, report.over, row.next_action_at) == (1, 0, moment)
        assert (refusal.retried_at, refusal.retried_by, refusal.retry_at) == (moment, "user:7", moment)
        assert OrmQ.objects.get().func() == "engine.tasks.renew"

    def test_is_resolved_when_it_goes_through(self, refused):
        shop, _, refusal = refused
        retry_refusals(ctx=context(utc(2024, 2, 1)), merchant_id=shop.id)
        run_renewals(ctx=context(utc(2024, 2, 1)))  # 31 days are no more than it bills
        refusal.refresh_from_db()
        assert refusal.status == "resolved"

    def test_counts_when_it_is_refused_again(self, refused):
        shop, _, refusal = refused
        retry_refusals(ctx=context(utc(2024, 4, 1, 0, 10)), merchant_id=shop.id)
        run_renewals(ctx=context(utc(2024, 4, 1, 0, 10)))
        refusal.refresh_from_db()
        assert (refusal.status, refusal.times) == ("open", 2)

    def test_what_was_canceled_meanwhile_is_over(self, refused):
        shop, row, refusal = refused
        Subscription.objects.filter(id=row.id).update(status="canceled", next_action_at=None)
        report = retry_refusals(ctx=context(utc(2024, 4, 2)), merchant_id=shop.id)
        refusal.refresh_from_db()
        assert (report.asked, report.over, refusal.status) == (0, 1, "resolved")
        assert not OrmQ.objects.exists()

    def test_another_merchants_refusal_is_not_there(self, refused):
        _, row, refusal = refused
        with pytest.raises(NothingToRetry):
            retry_refusals(ctx=context(), merchant_id=merchant(prefix="ELSE").id, refusal_ids=[refusal.id])
        row.refresh_from_db()
        assert row.next_action_at == utc(2024, 4, 1, 1)

    def test_on_a_test_clock_it_is_due_at_the_clocks_time(self):
        shop = merchant()
        clock = sandbox_clock(merchant=shop, frozen_time=NEW_YEAR)
        ada = customer(merchant=shop, payment_method="pm_card_visa", test_clock=clock)
        row = subscription(customer=ada, prices=[price(merchant=shop, interval="day")], at=NEW_YEAR)
        run_renewals(ctx=context(utc(2024, 4, 1)), clock_id=clock.id)
        clock.frozen_time = utc(2024, 2, 1)
        clock.save()
        retry_refusals(ctx=context(utc(2030, 1, 1)), merchant_id=shop.id)
        row.refresh_from_db()
        assert row.next_action_at == utc(2024, 2, 1)
        tasks.run_clock(clock.id)
        assert Refusal.objects.get().status == "resolved"


class TestWhatIsSeen:
    def test_what_is_due_and_not_done_is_counted_by_kind(self):
        shop = merchant(grace=3600)
        subscriber(shop), subscriber(shop)
        assert run_selectors.waiting(shop.id, FEBRUARY).renewals == 2
        run_renewals(ctx=context(FEBRUARY))
        later = utc(2024, 2, 1, 1)
        assert run_selectors.waiting(shop.id, later) == run_selectors.Waiting(0, 2, 0, 0)
        assert run_selectors.drafts_by_currency(shop.id, later) == [{"currency": "cad", "invoices": 2, "total": 2000}]
        run_finalizations(ctx=context(later))
        assert run_selectors.waiting(shop.id, later).collections == 2

    def test_a_run_says_when_it_last_moved_and_when_it_ended(self):
        subscriber(merchant())
        run_renewals(ctx=context(FEBRUARY))
        run = BillingRun.objects.get()
        assert run.started_at == FEBRUARY < run.noted_at <= run.ended_at

    def test_a_run_that_has_not_moved_for_minutes_is_not_running(self):
        BillingRun.objects.create(
            kind="renewal", as_of=FEBRUARY, started_at=FEBRUARY, noted_at=FEBRUARY, recorded_at=FEBRUARY
        )
        assert len(run_selectors.runs_now(utc(2024, 2, 1, 0, 2))) == 1
        assert run_selectors.runs_now(utc(2024, 2, 1, 0, 4)) == []
