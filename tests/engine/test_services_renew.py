"""The renewal run: in bulk, in a number of queries that the chunk's size does not raise, and stopped by nothing."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.models import BillingRun, Refusal
from engine.services import renew
from engine.services.chunks import CommonFault, RunGoesRound
from engine.services.renew import run_renewals
from events.models import Event, ObjectVersion
from invoicing.models import Invoice, InvoiceLine, NumberSeries
from subscriptions.models import BilledPeriod, Subscription, SubscriptionItem
from tests.factories.catalog import coupon, price, tax_rate
from tests.factories.customers import clock as sandbox_clock, customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db

FEBRUARY = utc(2024, 2, 1)


def subscribers(shop, count, **request):
    """`count` customers of the shop, each with a paid monthly subscription of two prices."""
    prices = [price(merchant=shop, amount=1000), price(merchant=shop, amount=250)]
    return [
        subscription(customer=customer(merchant=shop, payment_method="pm_card_visa"), prices=prices, **request)
        for _ in range(count)
    ]


def queries_of(run):
    with CaptureQueriesContext(connection) as captured:
        run()
    return len(captured.captured_queries)


class TestOneRun:
    def test_bills_the_next_period_and_moves_on(self):
        [row] = subscribers(merchant(), 1)
        report = run_renewals(ctx=context(FEBRUARY))
        assert (report.chunks, report.done, report.refused) == (1, 1, 0)
        invoice = Invoice.objects.get(billing_reason="subscription_cycle")
        assert (invoice.status, invoice.total, invoice.number) == ("open", 1250, "INV-0002")
        row.refresh_from_db()
        assert (row.latest_invoice_id, row.next_action_at) == (invoice.id, utc(2024, 3, 1))
        assert set(SubscriptionItem.objects.values_list("current_period_end", flat=True)) == {utc(2024, 3, 1)}

    def test_leaves_what_is_not_due(self):
        subscribers(merchant(), 1)
        assert run_renewals(ctx=context(utc(2024, 1, 31, 23, 59, 59))).done == 0
        assert not BillingRun.objects.exists()  # a waking with nothing to do leaves no trace

    def test_a_second_run_at_the_same_time_bills_nothing(self):
        subscribers(merchant(), 3)
        run_renewals(ctx=context(FEBRUARY))
        assert run_renewals(ctx=context(FEBRUARY)).done == 0
        assert Invoice.objects.filter(billing_reason="subscription_cycle").count() == 3

    def test_catches_up_with_every_period_that_was_missed(self):
        subscribers(merchant(), 1)
        run_renewals(ctx=context(utc(2024, 4, 1)))
        ends = BilledPeriod.objects.order_by("end").values_list("end", flat=True).distinct()
        assert list(ends) == [utc(2024, 2, 1), utc(2024, 3, 1), utc(2024, 4, 1), utc(2024, 5, 1)]

    def test_tells_the_outbox_with_the_objects_as_they_are(self):
        [row] = subscribers(merchant(), 1)
        Event.objects.all().delete()
        run_renewals(ctx=context(FEBRUARY))
        types = list(Event.objects.exclude(object_type="payment_intent").order_by("id").values_list("type", flat=True))
        assert types == ["customer.subscription.updated", "invoice.created", "invoice.finalized"]
        row.refresh_from_db()
        body = ObjectVersion.objects.get(object_id=row.id, version=row.version).body
        assert body["items"]["data"][0]["current_period_end"] == int(utc(2024, 3, 1).timestamp())

    def test_keeps_no_bodies_for_a_merchant_that_wants_none(self):
        subscribers(merchant(keep_event_bodies=False), 1)
        ObjectVersion.objects.all().delete()
        run_renewals(ctx=context(FEBRUARY))
        assert not ObjectVersion.objects.filter(object_id__startswith="in_").exists()

    def test_with_an_hour_of_grace_it_leaves_drafts(self):
        subscribers(merchant(grace=3600), 1)
        run_renewals(ctx=context(FEBRUARY))
        draft = Invoice.objects.get(billing_reason="subscription_cycle")
        assert (draft.status, draft.number, draft.next_action_at) == ("draft", None, utc(2024, 2, 1, 1))

    def test_leaves_customers_on_a_clock_to_their_clock(self):
        shop = merchant()
        clock = sandbox_clock(merchant=shop)
        owner = customer(merchant=shop, payment_method="pm_card_visa", test_clock=clock)
        subscription(customer=owner, prices=[price(merchant=shop)])
        assert run_renewals(ctx=context(FEBRUARY)).done == 0
        assert run_renewals(ctx=context(FEBRUARY), clock_id=clock.id).done == 1


class TestInBulk:
    @pytest.mark.parametrize("grace", [0, 3600], ids=["finalized at once", "drafts"])
    def test_the_number_of_queries_is_the_same_for_any_chunk(self, grace):
        shop = merchant(grace=grace)
        rate = tax_rate(merchant=shop)
        forever = coupon(merchant=shop, percent_off=10, duration="forever")
        subscribers(shop, 2, default_tax_rate_ids=(rate.id,), coupon_ids=(forever.id,))
        few = queries_of(lambda: run_renewals(ctx=context(FEBRUARY)))
        subscribers(shop, 18, default_tax_rate_ids=(rate.id,), coupon_ids=(forever.id,))
        many = queries_of(lambda: run_renewals(ctx=context(utc(2024, 3, 1))))
        assert Invoice.objects.filter(billing_reason="subscription_cycle").count() == 2 + 2 + 18 * 2
        assert many == few

    def test_chunks_share_the_numbers_without_a_gap(self):
        subscribers(merchant(), 7)
        report = run_renewals(ctx=context(FEBRUARY), chunk_size=3)
        assert (report.chunks, report.done) == (3, 7)
        assert sorted(Invoice.objects.values_list("number_value", flat=True)) == list(range(1, 15))
        assert NumberSeries.objects.get().next_number == 15

    def test_stops_at_the_number_of_chunks_it_was_given(self):
        subscribers(merchant(), 4)
        report = run_renewals(ctx=context(FEBRUARY), chunk_size=2, max_chunks=1)
        assert (report.done, report.more) == (2, True)

    def test_two_merchants_in_one_chunk_keep_their_own_series(self):
        subscribers(merchant(prefix="A"), 2)
        subscribers(merchant(prefix="B"), 2)
        run_renewals(ctx=context(FEBRUARY))
        assert sorted(Invoice.objects.values_list("number", flat=True)) == [
            f"{prefix}-000{n}" for prefix in "AB" for n in range(1, 5)
        ]


class TestRefusals:
    def test_only_the_culprit_of_a_failing_chunk_is_refused(self, monkeypatch):
        rows = subscribers(merchant(), 9)
        culprit = rows[4].id
        honest = renew.plan_renewal

        def plan(snapshot, as_of):
            if snapshot.subscription.id == culprit:
                raise ZeroDivisionError("a defect")
            return honest(snapshot, as_of)

        monkeypatch.setattr(renew, "plan_renewal", plan)
        report = run_renewals(ctx=context(FEBRUARY))
        assert (report.done, report.refused) == (8, 1)
        refusal = Refusal.objects.get()
        assert (refusal.object_id, refusal.code, refusal.retry_at) == (culprit, "internal_error", utc(2024, 2, 1, 1))
        assert Subscription.objects.get(id=culprit).next_action_at == utc(2024, 2, 1, 1)  # it stalls nobody

    def test_a_fault_common_to_all_stops_the_run_after_a_few_rows_and_one_traceback(self, monkeypatch, caplog):
        subscribers(merchant(), 40)
        honest = renew.plan_renewal
        monkeypatch.setattr(renew, "plan_renewal", lambda snapshot, as_of: 1 // 0)
        with pytest.raises(CommonFault, match=r"5 of 40 rows.*ZeroDivisionError"):
            run_renewals(ctx=context(FEBRUARY))
        assert Refusal.objects.count() == 5
        assert sum(record.exc_info is not None for record in caplog.records) == 1
        run = BillingRun.objects.get()
        assert (run.done, run.refused, run.ended_at is not None) == (0, 5, True)
        monkeypatch.setattr(renew, "plan_renewal", honest)  # mended, all but those few are billed at once
        assert run_renewals(ctx=context(FEBRUARY)).done == 35
        assert run_renewals(ctx=context(utc(2024, 2, 1, 1))).done == 5

    def test_many_culprits_in_a_row_do_not_stop_their_neighbours(self, monkeypatch, caplog):
        rows = subscribers(merchant(), 40)
        culprits = {row.id for row in rows[:30]}
        honest = renew.plan_renewal

        def plan(snapshot, as_of):
            return 1 // 0 if snapshot.subscription.id in culprits else honest(snapshot, as_of)

        monkeypatch.setattr(renew, "plan_renewal", plan)
        report = run_renewals(ctx=context(FEBRUARY))
        assert (report.done, report.refused) == (10, 30)
        assert set(Refusal.objects.values_list("object_id", flat=True)) == culprits
        told = [record for record in caplog.records if record.levelname == "ERROR"]
        assert (len(told), sum(record.exc_info is not None for record in told)) == (20, 1)

    def test_a_refusal_is_resolved_once_it_goes_through(self, monkeypatch):
        subscribers(merchant(), 1)
        honest = renew.plan_renewal
        monkeypatch.setattr(renew, "plan_renewal", lambda snapshot, as_of: 1 // 0)
        run_renewals(ctx=context(FEBRUARY))
        run_renewals(ctx=context(utc(2024, 2, 1, 1)))
        assert Refusal.objects.get().times == 2
        monkeypatch.setattr(renew, "plan_renewal", honest)
        run_renewals(ctx=context(utc(2024, 2, 1, 4)))
        refusal = Refusal.objects.get()
        assert (refusal.status, refusal.resolved_at) == ("resolved", utc(2024, 2, 1, 4))

    def test_the_planners_own_refusal_names_itself(self):
        [row] = subscribers(merchant(), 1)
        run_renewals(ctx=context(utc(2034, 1, 1)))  # 120 months were missed
        refusal = Refusal.objects.get()
        assert (refusal.object_id, refusal.code) == (row.id, "too_many_missed_periods")
        assert Invoice.objects.count() == 1

    def test_a_period_that_was_billed_before_is_refused_by_the_database(self):
        [row] = subscribers(merchant(), 1)
        item = row.items.first()
        BilledPeriod.objects.filter(subscription_item_id=item.id).update(start=FEBRUARY, end=utc(2024, 3, 1))
        run_renewals(ctx=context(FEBRUARY))
        assert Invoice.objects.count() == 1
        assert InvoiceLine.objects.count() == 2
        assert Refusal.objects.get().object_id == row.id


def test_a_row_that_stays_due_stops_the_run_before_it_bills_for_ever(monkeypatch):
    subscribers(merchant(), 1)
    honest = renew.plan_renewal
    monkeypatch.setattr(
        renew,
        "plan_renewal",
        lambda snapshot, as_of: replace(
            honest(snapshot, as_of), state=replace(honest(snapshot, as_of).state, next_action_at=as_of)
        ),
    )
    with pytest.raises(RunGoesRound):
        run_renewals(ctx=context(FEBRUARY))
    assert Invoice.objects.filter(billing_reason="subscription_cycle").count() == 1
