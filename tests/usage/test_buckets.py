"""Buckets never say anything but what their events say: late events, cancellations, races and crashes included."""

import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.events.outbox import HORIZON_PATIENCE
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import context, utc
from tests.factories.usage import meter, report
from usage.buckets import close_hours, closing_hours, count_hours, has_ended
from usage.models import BucketState, UsageBucket, UsageCursor, UsageEvent
from usage.selectors import usage_totals
from usage.services import cancel_meter_event, count_closed_hours, record_meter_events, roll_up_usage
from usage.types import MeterEvent, UsageWindow

# What is noticed is what is committed, and only that.
pytestmark = pytest.mark.django_db(transaction=True)

MAY_1, JUNE_1 = utc(2024, 5, 1), utc(2024, 6, 1)
MAY_10 = utc(2024, 5, 10)
HOUR = timedelta(hours=1)
FORMULAS = ("sum", "count", "max", "last", "unique")


def window(counted, owner, start=MAY_1, end=JUNE_1, **fields) -> UsageWindow:
    return UsageWindow(owner.merchant_id, counted.id, owner.id, start, end, **fields)


def total(counted, owner, start=MAY_1, end=JUNE_1, **fields) -> Decimal:
    asked = window(counted, owner, start, end, **fields)
    return usage_totals([asked])[asked]


def raw_total(formula: str, asked: UsageWindow) -> Decimal:
    """The same, added up here from the events themselves."""
    rows = [
        row
        for row in UsageEvent.objects.filter(
            merchant_id=asked.merchant_id, meter_id=asked.meter_id, customer_id=asked.customer_id, canceled_at=None
        )
        if asked.start <= row.timestamp < asked.end and _is_reported_inside(row, asked)
    ]
    if not rows:
        return Decimal(0)
    return {
        "sum": lambda: sum((row.value for row in rows), Decimal(0)),
        "count": lambda: Decimal(len(rows)),
        "max": lambda: max(row.value for row in rows),
        "last": lambda: max((row.timestamp, row.recorded_at, row.id, row.value) for row in rows)[3],
        "unique": lambda: Decimal(len({row.label for row in rows})),
    }[formula]()


def _is_reported_inside(row: UsageEvent, asked: UsageWindow) -> bool:
    at = (row.reported_at, row.recorded_at)
    after = asked.reported_from is None or at >= (asked.reported_from, asked.recorded_from or utc(1, 1, 1))
    before = asked.reported_until is None or at < (asked.reported_until, asked.recorded_until or utc(1, 1, 1))
    return after and before


def roll_up(at=JUNE_1) -> int:
    """Everything that is committed, once the horizon lets it be seen (other test processes may hold it back)."""
    deadline = time.monotonic() + HORIZON_PATIENCE
    counted = 0
    while True:
        counted += roll_up_usage(ctx=context(at), at_least=1, quiet_for=timedelta(0)).counted
        if not _waits():
            return counted
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _waits() -> bool:
    place = UsageCursor.objects.filter(reader="rollups").values_list("xid", "event_id").first() or ("0", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM usage_usageevent WHERE (xid, id) > (%s::text::xid8, %s)", place)
        unseen = cursor.fetchone()[0]
    return bool(unseen) or UsageBucket.objects.exclude(state=BucketState.READY).exists()


def lie(**fields) -> None:
    """Ready buckets say something that no event says: so one sees who reads them."""
    UsageBucket.objects.filter(state=BucketState.READY).update(**fields)


def test_whole_hours_are_read_from_their_buckets_and_the_edges_from_the_events():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    for minutes in (30, 90, 150, 210):
        report(owner, 1, MAY_1 + timedelta(minutes=minutes))
    assert roll_up() == 4
    lie(total=100)
    # Half past midnight to half past three: two whole hours, an event at the first edge, none left at the last.
    assert total(counted, owner, MAY_1 + HOUR / 2, MAY_1 + 3.5 * HOUR) == 1 + 100 + 100


def test_unique_reads_every_event_whatever_buckets_there_are():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop, formula="unique")
    for label in ("ann", "bob", "ann"):
        report(owner, label, MAY_1 + timedelta(minutes=len(label)))
    roll_up()
    lie(total=100, events=100)
    assert total(counted, owner) == 2


def test_a_late_event_and_a_cancellation_open_the_hour_again():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    report(owner, 5, MAY_1, identifier="early")
    roll_up()
    report(owner, 7, MAY_1 + HOUR / 2, reported=MAY_1 + 2 * HOUR)
    assert UsageBucket.objects.get().state == BucketState.OPEN
    assert total(counted, owner) == 12
    roll_up()
    cancel_meter_event(ctx=context(MAY_1 + 3 * HOUR), merchant_id=shop.id, event_name="calls", identifier="early")
    assert UsageBucket.objects.get().state == BucketState.OPEN
    assert total(counted, owner) == 7
    roll_up()
    assert UsageBucket.objects.get().state == BucketState.READY
    assert total(counted, owner) == 7


def test_a_repeated_event_opens_nothing():
    owner = customer(merchant=merchant())
    meter(merchant=owner.merchant)
    report(owner, 5, MAY_1, identifier="one")
    roll_up()
    assert report(owner, 5, MAY_1, identifier="one").status == "duplicate"
    assert UsageBucket.objects.get().state == BucketState.READY


def test_hours_of_few_events_and_hours_still_busy_get_no_bucket():
    owner = customer(merchant=merchant())
    meter(merchant=owner.merchant)
    for hour, events in ((0, 3), (1, 2)):
        for n in range(events):
            report(owner, 1, MAY_1 + hour * HOUR + timedelta(minutes=n))
    deadline = time.monotonic() + HORIZON_PATIENCE
    while UsageBucket.objects.count() < 2 and time.monotonic() < deadline:
        assert roll_up_usage(ctx=context(JUNE_1), at_least=3).counted == 0
    assert set(UsageBucket.objects.values_list("state", "seen")) == {("open", 3), ("open", 2)}
    assert roll_up_usage(ctx=context(JUNE_1 + timedelta(minutes=9)), at_least=3).counted == 0
    assert roll_up_usage(ctx=context(JUNE_1 + timedelta(minutes=10)), at_least=3).counted == 1
    assert UsageBucket.objects.get().hour == MAY_1


def in_another_session(work):
    """Run `work` on a connection of its own, as another worker."""
    failures = []

    def run():
        try:
            work()
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def test_an_event_whose_transaction_could_not_see_the_hour_close_is_waited_for():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    report(owner, 5, MAY_1)
    roll_up()
    UsageBucket.objects.update(state=BucketState.OPEN)
    written, may_commit = threading.Event(), threading.Event()

    def late():
        with transaction.atomic():
            report(owner, 7, MAY_1 + HOUR / 2, reported=MAY_1 + 2 * HOUR)
            written.set()
            assert may_commit.wait(30)

    thread, failures = in_another_session(late)
    assert written.wait(30)
    close_hours(JUNE_1, at_least=1, limit=10)
    assert count_closed_hours(patience=0.3) is None  # it looked for the bucket when that was open still
    assert UsageBucket.objects.get().state == BucketState.CLOSING
    assert total(counted, owner) == 5
    may_commit.set()
    thread.join()
    assert not failures
    assert total(counted, owner) == 12
    roll_up()
    assert UsageBucket.objects.get().total == total(counted, owner) == 12


def test_an_event_that_comes_while_its_hour_is_counted_waits_and_opens_it():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    report(owner, 5, MAY_1)
    roll_up()
    UsageBucket.objects.update(state=BucketState.CLOSING)
    with transaction.atomic():
        xid, ids = closing_hours(limit=10)
    deadline = time.monotonic() + HORIZON_PATIENCE
    while not has_ended(xid):
        assert time.monotonic() < deadline
    with transaction.atomic():
        assert count_hours(ids) == 1
        thread, failures = in_another_session(lambda: report(owner, 7, MAY_1 + HOUR / 2, reported=MAY_1 + 2 * HOUR))
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    assert not failures
    assert UsageBucket.objects.get().state == BucketState.OPEN
    assert total(counted, owner) == 12


def test_a_bucket_counts_for_a_window_of_reporting_only_when_all_of_it_or_none_is_inside():
    owner = customer(merchant=(shop := merchant()))
    counted = meter(merchant=shop)
    report(owner, 1, MAY_1)
    report(owner, 2, MAY_1 + HOUR, reported=MAY_10)
    report(owner, 4, MAY_1 + HOUR)
    report(owner, 8, MAY_10 + HOUR)
    roll_up()
    assert total(counted, owner, reported_until=MAY_10) == 1 + 4
    assert total(counted, owner, reported_from=MAY_10) == 2 + 8
    lie(total=100)
    # The hour with events of both sides is read event by event, the others are not.
    assert total(counted, owner, reported_until=MAY_10) == 100 + 4
    assert total(counted, owner, reported_from=MAY_10) == 2 + 100


moments = st.integers(0, 6 * 60).map(lambda minutes: MAY_1 + timedelta(minutes=minutes))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("report"), moments, st.decimals("-5", 100, places=2), st.integers(0, 12 * 60)),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
        st.tuples(st.just("crash"), st.sampled_from(["after noticing", "after closing"])),
        st.just(("roll up",)),
    ),
    min_size=3,
    max_size=14,
)
asks = st.lists(
    st.tuples(moments, moments, st.one_of(st.none(), moments), st.one_of(st.none(), moments)), min_size=2, max_size=6
)


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_window_says_the_same_with_and_without_buckets(formula):
    shop = merchant()
    counted = meter(merchant=shop, formula=formula)

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps, asks)
    def same(done, asked):
        owner = customer(merchant=shop)
        reported = []
        for step in done:
            _do(shop, owner, reported, step)
            windows = [
                window(counted, owner, start, end, reported_from=since, reported_until=until)
                for start, end, since, until in asked
            ]
            windows.append(window(counted, owner))
            assert usage_totals(windows) == {one: raw_total(formula, one) for one in windows}

    same()
    assert formula == "unique" or UsageBucket.objects.filter(state=BucketState.READY).exists()


def _do(shop, owner, reported, step) -> None:
    match step:
        case ("report", at, value, delay):
            identifier = f"{owner.id}-{len(reported)}"
            event = MeterEvent("calls", {"stripe_customer_id": owner.id, "value": f"{value:f}"}, identifier, at)
            ctx = context(at + timedelta(minutes=delay))
            [outcome] = record_meter_events(ctx=ctx, merchant_id=shop.id, events=[event])
            assert outcome.status == "accepted"
            reported.append(identifier)
        case ("cancel", number) if number < len(reported) and reported[number]:
            ctx = context(MAY_1 + timedelta(hours=7))
            cancel_meter_event(ctx=ctx, merchant_id=shop.id, event_name="calls", identifier=reported[number])
            reported[number] = ""
        case ("crash", "after noticing"):
            roll_up_usage(ctx=context(JUNE_1), at_least=1, quiet_for=HOUR)
        case ("crash", "after closing"):
            close_hours(JUNE_1, at_least=1, limit=10)
        case ("roll up",):
            roll_up_usage(ctx=context(JUNE_1), at_least=1, quiet_for=timedelta(0))
