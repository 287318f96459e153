"""Test clocks: any distance, every due moment in order, by the very same services."""

import pytest
from django_q.models import OrmQ

from customers.models import TestClock
from engine import due
from engine.services import clocks
from engine.services.clocks import (
    ClockGoesForwardOnly,
    ClockIsAdvancing,
    ClocksAreForSandboxes,
    TestClockNotFound,
    advance_clock,
    advance_clock_now,
    create_clock,
)
from events.models import Event
from invoicing.models import Invoice
from subscriptions.models import Subscription
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR, context, utc

pytestmark = pytest.mark.django_db

WALL = utc(2026, 7, 1)


@pytest.fixture
def shop():
    return merchant(grace=3600)


def clock_of(shop, at=NEW_YEAR):
    return create_clock(ctx=context(WALL), merchant_id=shop.id, name="a year", frozen_time=at)


def advance(clock, to):
    advance_clock(ctx=context(WALL), merchant_id=clock.merchant_id, clock_id=clock.id, to=to)
    assert advance_clock_now(ctx=context(WALL), clock_id=clock.id)
    clock.refresh_from_db()
    return clock


def subscriber(shop, clock, instrument="pm_card_visa", **request):
    owner = customer(merchant=shop, payment_method=instrument, test_clock=clock)
    return subscription(customer=owner, prices=[price(merchant=shop)], at=clock.frozen_time, **request)


def test_a_year_and_a_half_in_one_go(shop):
    clock = clock_of(shop, utc(2024, 1, 31))
    row = subscriber(shop, clock)
    clock = advance(clock, utc(2025, 8, 1))
    assert (clock.status, clock.frozen_time, clock.target_time) == ("ready", utc(2025, 8, 1), None)
    invoices = list(Invoice.objects.order_by("number_value"))
    assert [invoice.number_value for invoice in invoices] == list(range(1, 20))
    assert {invoice.status for invoice in invoices} == {"paid"}
    # Made at each month's end, finalized an hour later, in the clock's time; written in the wall's.
    assert [invoice.created for invoice in invoices[1:4]] == [utc(2024, 2, 29), utc(2024, 3, 31), utc(2024, 4, 30)]
    assert invoices[1].finalized_at == utc(2024, 2, 29, 1)
    assert invoices[1].recorded_at == WALL
    row.refresh_from_db()
    assert row.next_action_at == utc(2025, 8, 31)


def test_trial_notice_trial_end_retries_and_the_end_of_tries_come_in_order(shop):
    clock = clock_of(shop)
    row = subscriber(shop, clock, "pm_card_chargeCustomerFail", trial_period_days=10)
    advance(clock, utc(2024, 3, 1))
    row.refresh_from_db()
    assert (row.status, row.cancellation_reason) == ("canceled", "payment_failed")
    told = list(Event.objects.filter(object_id=row.id).order_by("created", "id").values_list("type", "created"))
    assert told[0] == ("customer.subscription.created", utc(2024, 1, 1))
    assert told[1] == ("customer.subscription.trial_will_end", utc(2024, 1, 8))
    assert told[-1][0] == "customer.subscription.deleted"
    moments = [moment for _, moment in told]
    assert moments == sorted(moments)
    assert Invoice.objects.get(billing_reason="subscription_cycle").attempt_count == 8


def test_leaves_everybody_else_where_they_are(shop):
    outside = customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=outside, prices=[price(merchant=shop)])
    other = clock_of(shop)
    elsewhere = subscriber(shop, other)
    advance(clock_of(shop), utc(2024, 6, 1))
    assert Invoice.objects.count() == 2
    elsewhere.refresh_from_db()
    assert elsewhere.next_action_at == utc(2024, 2, 1)


def test_may_be_done_in_slices_and_goes_on_after_a_kill(shop):
    clock = clock_of(shop)
    subscriber(shop, clock)
    advance_clock(ctx=context(WALL), merchant_id=shop.id, clock_id=clock.id, to=utc(2024, 5, 1))
    slices = 1
    while not advance_clock_now(ctx=context(WALL), clock_id=clock.id, max_steps=1):
        slices += 1
    assert slices > 4
    assert Invoice.objects.filter(status="paid").count() == 4
    clock.refresh_from_db()
    assert clock.status == "ready"
    assert Subscription.objects.get().next_action_at == utc(2024, 6, 1)


def test_a_worker_is_asked_in_the_same_transaction(shop):
    clock = clock_of(shop)
    advance_clock(ctx=context(WALL), merchant_id=shop.id, clock_id=clock.id, to=utc(2024, 5, 1))
    assert OrmQ.objects.count() == 1
    clock.refresh_from_db()
    assert (clock.status, clock.target_time) == ("advancing", utc(2024, 5, 1))


def test_an_unexpected_failure_is_told_on_the_clock(shop, monkeypatch):
    clock = clock_of(shop)
    subscriber(shop, clock)
    monkeypatch.setattr(due, "DUE_SOURCES", (due.DueSource("renewal", lambda **_: 1 // 0),))
    advance_clock(ctx=context(WALL), merchant_id=shop.id, clock_id=clock.id, to=utc(2024, 5, 1))
    with pytest.raises(ZeroDivisionError):
        advance_clock_now(ctx=context(WALL), clock_id=clock.id)
    clock.refresh_from_db()
    assert clock.status == "internal_failure"
    assert "ZeroDivisionError" in clock.status_detail


def test_something_that_goes_round_is_stopped(shop, monkeypatch):
    clock = clock_of(shop)
    subscriber(shop, clock)
    monkeypatch.setattr(clocks, "run_all_due", lambda ctx, clock_id: None)
    advance_clock(ctx=context(WALL), merchant_id=shop.id, clock_id=clock.id, to=utc(2024, 5, 1))
    with pytest.raises(clocks.ClockGoesRound):
        advance_clock_now(ctx=context(WALL), clock_id=clock.id)


class TestRefusals:
    def test_not_backwards(self, shop):
        clock = clock_of(shop)
        with pytest.raises(ClockGoesForwardOnly):
            advance_clock(ctx=context(WALL), merchant_id=shop.id, clock_id=clock.id, to=utc(2023, 1, 1))

    def test_not_while_advancing(self, shop):
        clock = clock_of(shop)
        TestClock.objects.update(status="advancing")
        with pytest.raises(ClockIsAdvancing):
            advance_clock(ctx=context(WALL), merchant_id=shop.id, clock_id=clock.id, to=utc(2025, 1, 1))

    def test_not_another_merchants(self, shop):
        clock = clock_of(shop)
        with pytest.raises(TestClockNotFound):
            advance_clock(ctx=context(WALL), merchant_id=merchant(prefix="B").id, clock_id=clock.id, to=utc(2025, 1, 1))

    def test_not_in_a_live_shop(self):
        with pytest.raises(ClocksAreForSandboxes):
            clock_of(merchant(livemode=True))
