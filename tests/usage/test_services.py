"""Reporting usage: accepted once, each event by itself, in any order."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.factories.customers import clock, customer
from tests.factories.merchants import merchant
from tests.factories.times import context, utc
from tests.factories.usage import meter, report
from usage.models import UsageEvent, UsageIdentifier
from usage.rules import TimestampInFuture, TimestampTooOld, UnknownMeter
from usage.selectors import SummaryWindowInvalid, meter_event_summaries, usage_totals
from usage.services import forget_old_identifiers, prepare_months, record_meter_events
from usage.types import MeterEvent, UsageWindow

pytestmark = pytest.mark.django_db

MAY_1, JUNE_1 = utc(2024, 5, 1), utc(2024, 6, 1)
MAY_10 = utc(2024, 5, 10)


def total(counted, owner, start=MAY_1, end=JUNE_1, **fields) -> Decimal:
    window = UsageWindow(owner.merchant_id, counted.id, owner.id, start, end, **fields)
    return usage_totals([window])[window]


def test_an_identifier_is_accepted_once_whatever_its_timestamp():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    assert report(owner, 5, MAY_10, identifier="one").status == "accepted"
    assert report(owner, 7, utc(2024, 4, 20), identifier="one", reported=MAY_10).status == "duplicate"
    assert total(counted, owner, utc(2024, 1, 1)) == 5
    assert UsageIdentifier.objects.count() == UsageEvent.objects.count() == 1


def test_each_event_of_a_batch_stands_by_itself():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    payload = {"stripe_customer_id": owner.id, "value": "3"}
    outcomes = record_meter_events(
        ctx=context(MAY_10),
        merchant_id=shop.id,
        events=[
            MeterEvent("calls", payload, "a", MAY_10),
            MeterEvent("letters", payload, "b", MAY_10),
            MeterEvent("calls", payload, "a", MAY_10),
            MeterEvent("calls", payload, "c", MAY_10 + timedelta(days=7)),
            MeterEvent("calls", payload, "d", MAY_10 - timedelta(days=36)),
            MeterEvent("calls", payload),
        ],
    )
    assert [outcome.status for outcome in outcomes] == [
        "accepted",
        "refused",
        "duplicate",
        "refused",
        "refused",
        "accepted",
    ]
    assert [type(outcomes[n].error) for n in (1, 3, 4)] == [UnknownMeter, TimestampInFuture, TimestampTooOld]
    assert total(counted, owner) == 6


def test_another_merchants_customer_and_meter_are_unknown():
    owner = customer(merchant=merchant())
    shop = merchant(prefix="OTHER")
    meter(merchant=shop)
    payload = {"stripe_customer_id": owner.id, "value": "3"}
    [outcome] = record_meter_events(
        ctx=context(MAY_10), merchant_id=shop.id, events=[MeterEvent("calls", payload, "a", MAY_10)]
    )
    assert outcome.status == "refused"


def test_a_customer_on_a_clock_lives_in_its_time():
    shop = merchant()
    owner = customer(merchant=shop, test_clock=clock(merchant=shop, frozen_time=utc(2030, 1, 1)))
    counted = meter(merchant=shop)
    assert report(owner, 5, utc(2029, 12, 31), reported=MAY_10).reported_at == utc(2030, 1, 1)
    assert report(owner, 5, MAY_10).status == "refused"
    assert total(counted, owner, utc(2029, 12, 1), utc(2030, 1, 1)) == 5


uses = st.lists(
    st.tuples(st.integers(0, 20), st.decimals("-5", 100, places=2), st.integers(0, 5)), min_size=1, max_size=12
)
EXPECTED = {
    "sum": lambda found: sum(value for _, value in found),
    "count": len,
    "max": lambda found: max(value for _, value in found),
    "unique": lambda found: len({value for _, value in found}),
    "last": lambda found: max(found)[1],
}


@pytest.mark.parametrize("formula", EXPECTED)
def test_every_formula_counts_the_same_in_any_order_of_arrival(formula):
    shop = merchant()
    counted = meter(merchant=shop, formula=formula)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(uses, st.randoms(use_true_random=False))
    def same(found, random):
        # An identifier stands for one use: what comes twice is the same use again.
        by_identifier = {identifier: (MAY_1 + timedelta(hours=hour), value) for hour, value, identifier in found}
        if formula == "last":  # of one instant the last reported counts: here each has its own
            by_instant = {at: name for name, (at, _) in by_identifier.items()}
            by_identifier = {name: by_identifier[name] for name in by_instant.values()}
        totals = []
        for _ in range(2):
            owner = customer(merchant=shop)
            events = [
                MeterEvent("calls", {"stripe_customer_id": owner.id, "value": f"{value:f}"}, f"{owner.id}{name}", at)
                for name, (at, value) in by_identifier.items()
            ] * 2
            random.shuffle(events)
            for cut in (events[::2], events[1::2]):
                record_meter_events(ctx=context(MAY_10), merchant_id=shop.id, events=cut)
            totals.append(total(counted, owner))
        assert totals[0] == totals[1] == EXPECTED[formula](list(by_identifier.values()))

    same()


def test_of_one_instant_the_last_reported_is_last():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop, formula="last")
    events = [
        MeterEvent("calls", {"stripe_customer_id": owner.id, "value": value}, f"one {value}", MAY_1)
        for value in ("3", "9", "4")
    ]
    for event in events[:2]:
        record_meter_events(ctx=context(MAY_10), merchant_id=shop.id, events=[event])
    assert total(counted, owner) == 9
    record_meter_events(ctx=context(MAY_10), merchant_id=shop.id, events=events[2:])
    assert total(counted, owner) == 4


def test_a_window_may_ask_for_what_was_reported_until_a_moment():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    report(owner, 1, MAY_1)
    report(owner, 2, MAY_1, reported=MAY_10)
    assert total(counted, owner, reported_until=MAY_10) == 1
    assert total(counted, owner, reported_from=MAY_10) == 2


def test_many_windows_take_one_query(django_assert_num_queries):
    owner = customer(merchant=(shop := merchant()))
    counted = [meter(merchant=shop, event_name=name, formula=name) for name in EXPECTED]
    windows = [
        UsageWindow(shop.id, one.id, owner.id, MAY_1, MAY_1 + timedelta(days=n)) for one in counted for n in range(1, 9)
    ]
    with django_assert_num_queries(1):
        usage_totals(windows)


def test_summaries_by_day_add_up_to_the_whole():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    for day in (1, 1, 2, 9):
        report(owner, day, utc(2024, 5, day, 12))
    [whole] = meter_event_summaries(shop.id, counted.id, owner.id, MAY_1, MAY_10)
    daily = meter_event_summaries(shop.id, counted.id, owner.id, MAY_1, MAY_10, grouping="day")
    assert (whole.value, len(daily), daily[0].value) == (13, 9, 2)
    assert sum(one.value for one in daily) == whole.value
    with pytest.raises(SummaryWindowInvalid):
        meter_event_summaries(shop.id, counted.id, owner.id, MAY_10, MAY_1)


def test_identifiers_are_kept_for_36_days():
    owner = customer(merchant=(shop := merchant()))
    meter(merchant=shop)
    report(owner, 5, MAY_1, identifier="one")
    assert forget_old_identifiers(ctx=context(MAY_1 + timedelta(days=36))) == 0
    assert forget_old_identifiers(ctx=context(MAY_1 + timedelta(days=36, seconds=1))) == 1
    assert UsageEvent.objects.count() == 1


def test_months_are_prepared_ahead_and_once():
    assert prepare_months(ctx=context(utc(2031, 12, 15))) == 3
    assert prepare_months(ctx=context(utc(2031, 12, 15))) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('usage_usageevent_2032_01') IS NOT NULL")
        assert cursor.fetchone() == (True,)
