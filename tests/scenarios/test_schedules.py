"""Schedules: subscriptions that become something else by themselves."""

import pytest

from core.periods import Interval
from engine.models import Refusal
from engine.rules.schedules import IterationsInvalid, PhaseEndInvalid, PhasesMissing, phases_from
from engine.rules.subscribe import DaysUntilDueMisplaced
from engine.rules.subscribing import PriceNotFound
from engine.services.cancel import cancel_subscription
from engine.services.clocks import advance_clock, advance_clock_now, create_clock
from engine.services.phases import run_schedules
from engine.services.recover import add_payment_method
from engine.services.renew import run_renewals
from engine.services.schedules import (
    AlreadyScheduled,
    ScheduleIsOver,
    cancel_schedule,
    create_schedule,
    release_schedule,
    schedule_subscription,
    update_schedule,
)
from engine.types import ItemRequest
from engine.types.schedules import PhaseRequest, ScheduleRequest, ScheduleUpdate
from events.models import Event
from invoicing.models import Invoice
from subscriptions.models import BilledPeriod, Subscription, SubscriptionSchedule
from subscriptions.rules.amounts import CurrencyNotOffered
from subscriptions.rules.prices import (
    PriceInactive,
    PriceIntervalNotMultiple,
    PriceNotOneTime,
    PriceNotRecurring,
    PriceTwice,
)
from subscriptions.snapshots import schedule_snapshot
from tests.factories.catalog import one_time_price, price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.scenarios.story import day, paper

pytestmark = pytest.mark.django_db

JAN_1, FEB_1, MARCH_1, APRIL_1, MAY_1 = (utc(2024, month, 1) for month in range(1, 6))


class Shop:
    def __init__(self):
        self.merchant = merchant()
        self.owner = customer(merchant=self.merchant, payment_method="pm_card_visa")
        self.pro = price(merchant=self.merchant, amount=3000)
        self.basic = price(merchant=self.merchant, amount=1000)
        self.yearly = price(merchant=self.merchant, amount=12000, interval="year")

    def schedule(self, *phases, at=JAN_1, **fields):
        request = ScheduleRequest(self.merchant.id, self.owner.id, phases, **fields)
        return create_schedule(ctx=context(at), request=request)


@pytest.fixture
def shop():
    return Shop()


def phase(*prices, **fields):
    return PhaseRequest(tuple(ItemRequest(one.id) for one in prices), **fields)


def totals():
    return [total for *_, total in paper()]


def told(schedule):
    return list(Event.objects.filter(object_id=schedule.id).order_by("object_version").values_list("type", flat=True))


def test_a_schedule_that_downgrades_on_one_invoice(shop):
    schedule = shop.schedule(phase(shop.pro, iterations=2), phase(shop.basic, iterations=1))
    assert (schedule.status, schedule.current_phase) == ("active", 0)
    for moment in (FEB_1, MARCH_1, APRIL_1):
        day(moment)
    assert totals() == [3000, 3000, 1000, 1000]
    assert {status for _, status, _ in paper()} == {"paid"}
    assert Invoice.objects.get(period_end=MARCH_1).billing_reason == "subscription_cycle"
    schedule.refresh_from_db()
    assert (schedule.status, schedule.released_subscription_id) == ("released", Subscription.objects.get().id)
    assert Subscription.objects.get().schedule_id == ""
    assert told(schedule) == [
        "subscription_schedule.created",
        "subscription_schedule.updated",
        "subscription_schedule.updated",
        "subscription_schedule.expiring",
        "subscription_schedule.released",
    ]


def test_a_schedule_that_starts_later_and_ends_with_its_subscription(shop):
    schedule = shop.schedule(phase(shop.basic, iterations=2), start_date=FEB_1, end_behavior="cancel")
    assert (schedule.status, schedule.next_action_at, totals()) == ("not_started", FEB_1, [])
    for moment in (FEB_1, MARCH_1, APRIL_1, MAY_1):
        day(moment)
    row = Subscription.objects.get()
    assert (row.status, row.ended_at, totals()) == ("canceled", APRIL_1, [1000, 1000])
    schedule.refresh_from_db()
    assert schedule.status == "completed"


def test_a_run_that_comes_late_bills_every_phase_at_its_price(shop):
    shop.schedule(phase(shop.pro, iterations=2), phase(shop.basic, iterations=3))
    day(utc(2024, 4, 10))
    periods = BilledPeriod.objects.order_by("start").values_list("start", "amount")
    assert list(periods) == [(JAN_1, 3000), (FEB_1, 3000), (MARCH_1, 1000), (APRIL_1, 1000)]


def test_a_phase_that_begins_inside_a_period_prorates(shop):
    shop.schedule(phase(shop.basic, end_date=utc(2024, 4, 16)), phase(shop.pro, iterations=1), start_date=APRIL_1)
    day(APRIL_1)
    day(utc(2024, 4, 16))
    assert totals() == [1000]
    day(MAY_1)
    assert totals() == [1000, 3000 - 500 + 1500]  # 15 of 30 days


def test_a_phase_with_an_anchor_of_its_own_is_invoiced_at_once(shop):
    anchored = phase(shop.pro, iterations=1, billing_cycle_anchor="phase_start")
    shop.schedule(phase(shop.basic, end_date=utc(2024, 4, 16)), anchored, start_date=APRIL_1)
    day(APRIL_1)
    day(utc(2024, 4, 16))
    assert totals() == [1000, 3000 - 500]
    assert Subscription.objects.get().billing_cycle_anchor == utc(2024, 4, 16)


def test_products_are_added_and_taken_away_and_mixed_with_a_yearly_one(shop):
    shop.schedule(
        phase(shop.basic, shop.yearly, end_date=FEB_1),
        phase(shop.basic, shop.pro, shop.yearly, end_date=MARCH_1),
        phase(shop.pro, shop.yearly, end_date=APRIL_1),
    )
    for moment in (FEB_1, MARCH_1):
        day(moment)
    assert totals() == [13000, 4000, 3000]
    assert Subscription.objects.get().items.filter(deleted_at=None).count() == 2


def test_a_free_phase_then_a_paid_one(shop):
    shop.schedule(phase(shop.basic, end_date=utc(2024, 1, 15), trial=True), phase(shop.basic, iterations=2))
    assert Subscription.objects.get().status == "trialing"
    day(utc(2024, 1, 15))
    row = Subscription.objects.get()
    assert (row.status, totals()) == ("active", [0, 1000])


def test_from_a_subscription_whose_next_phase_is_put_behind(shop):
    row = subscription(customer=shop.owner, prices=[shop.pro], at=JAN_1)
    request = ScheduleRequest(shop.merchant.id, from_subscription=row.id)
    schedule = create_schedule(ctx=context(utc(2024, 1, 10)), request=request)
    row.refresh_from_db()
    assert (schedule.status, row.schedule_id) == ("active", schedule.id)
    assert schedule_snapshot(schedule)["current_phase"] == {
        "start_date": int(JAN_1.timestamp()),
        "end_date": int(FEB_1.timestamp()),
    }
    with pytest.raises(AlreadyScheduled):
        create_schedule(ctx=context(utc(2024, 1, 10)), request=request)
    phases = (phase(shop.pro, end_date=FEB_1), phase(shop.basic, iterations=1))
    update_schedule(ctx=context(utc(2024, 1, 11)), request=ScheduleUpdate(shop.merchant.id, schedule.id, phases))
    day(FEB_1)
    assert totals() == [3000, 1000]


def test_a_current_phase_that_is_changed_applies_at_once(shop):
    schedule = shop.schedule(phase(shop.basic, end_date=MAY_1), start_date=APRIL_1, at=APRIL_1)
    changed = (phase(shop.pro, end_date=MAY_1),)
    update_schedule(
        ctx=context(utc(2024, 4, 16)),
        request=ScheduleUpdate(shop.merchant.id, schedule.id, changed, proration_behavior="always_invoice"),
    )
    assert totals() == [1000, 1000]


def test_released_and_canceled(shop):
    schedule = shop.schedule(phase(shop.basic, iterations=2), phase(shop.pro, iterations=1))
    release_schedule(ctx=context(FEB_1), merchant_id=shop.merchant.id, schedule_id=schedule.id)
    with pytest.raises(ScheduleIsOver):
        release_schedule(ctx=context(FEB_1), merchant_id=shop.merchant.id, schedule_id=schedule.id)
    assert Subscription.objects.get().status == "active"
    other = shop.schedule(phase(shop.pro, iterations=2))
    cancel_schedule(ctx=context(utc(2024, 1, 2)), merchant_id=shop.merchant.id, schedule_id=other.id)
    assert SubscriptionSchedule.objects.get(id=other.id).status == "canceled"
    assert Subscription.objects.get(schedule_id=other.id).status == "canceled"


def test_on_a_clock_a_year_of_phases(shop):
    clock = create_clock(ctx=context(utc(2026, 7, 1)), merchant_id=shop.merchant.id, name="phases", frozen_time=JAN_1)
    shop.owner = customer(merchant=shop.merchant, payment_method="pm_card_visa", test_clock=clock)
    shop.schedule(
        phase(shop.basic, iterations=3), phase(shop.pro, iterations=3), end_behavior="cancel", start_date=FEB_1
    )
    ctx = context(utc(2026, 7, 1))
    advance_clock(ctx=ctx, merchant_id=shop.merchant.id, clock_id=clock.id, to=utc(2025, 1, 1))
    assert advance_clock_now(ctx=ctx, clock_id=clock.id)
    assert totals() == [1000] * 3 + [3000] * 3
    assert Subscription.objects.get().ended_at == utc(2024, 8, 1)


@pytest.mark.parametrize(
    ("phases", "error"),
    [
        ((), PhasesMissing),
        ((PhaseRequest(()),), PhasesMissing),
        ((PhaseRequest((ItemRequest("p"),), iterations=0),), IterationsInvalid),
        ((PhaseRequest((ItemRequest("p"),), end_date=JAN_1),), PhaseEndInvalid),
    ],
)
def test_what_makes_no_sense_is_named(phases, error):
    with pytest.raises(error):
        phases_from(phases, JAN_1, {"p": Interval("month")}, "UTC", JAN_1)


def test_a_price_that_is_not_ours_writes_nothing(shop):
    with pytest.raises(PriceNotFound):
        shop.schedule(PhaseRequest((ItemRequest("price_of_nobody"),)))
    assert not SubscriptionSchedule.objects.exists()


@pytest.mark.parametrize(
    ("second", "error", "param"),
    [
        pytest.param(lambda shop: phase(shop.basic, shop.weekly), PriceIntervalNotMultiple, "[items]", id="intervals"),
        pytest.param(lambda shop: phase(shop.basic, shop.dollars), CurrencyNotOffered, "[currency]", id="money"),
        pytest.param(lambda shop: phase(shop.basic, shop.basic), PriceTwice, "[items]", id="the same price twice"),
        pytest.param(lambda shop: phase(shop.archived), PriceInactive, "[items][0][price]", id="an archived price"),
        pytest.param(lambda shop: phase(shop.once), PriceNotRecurring, "[items][0][price]", id="a price paid once"),
        pytest.param(
            lambda shop: phase(shop.basic, add_invoice_items=(ItemRequest(shop.pro.id),)),
            PriceNotOneTime,
            "[add_invoice_items]",
            id="a price that recurs beside the items",
        ),
        pytest.param(
            lambda shop: phase(shop.basic, collection_method="charge_automatically", days_until_due=7),
            DaysUntilDueMisplaced,
            "[days_until_due]",
            id="charged with days to pay",
        ),
    ],
)
def test_a_phase_that_could_never_be_billed_is_refused_when_it_is_planned(shop, second, error, param):
    """Not when its moment has come and nobody is there to answer."""
    shop.weekly = price(merchant=shop.merchant, amount=300, interval="week")
    shop.dollars = price(merchant=shop.merchant, currency="usd")
    shop.archived = price(merchant=shop.merchant, active=False)
    shop.once = one_time_price(merchant=shop.merchant)
    with pytest.raises(error) as refused:
        shop.schedule(phase(shop.pro), second(shop))
    assert refused.value.param == f"phases[1]{param}"
    assert not SubscriptionSchedule.objects.exists()
    schedule = shop.schedule(phase(shop.pro))
    change = ScheduleUpdate(shop.merchant.id, schedule.id, phases=(phase(shop.pro), second(shop)))
    with pytest.raises(error):
        update_schedule(ctx=context(JAN_1), request=change)
    assert len(SubscriptionSchedule.objects.get().phases) == 1


def test_an_archived_price_goes_on_where_it_stands(shop):
    schedule = shop.schedule(phase(shop.pro), phase(shop.basic))
    shop.pro.active = False
    shop.pro.save()
    longer = ScheduleUpdate(shop.merchant.id, schedule.id, phases=(phase(shop.pro, iterations=2), phase(shop.basic)))
    update_schedule(ctx=context(JAN_1), request=longer)
    day(FEB_1)
    assert totals() == [3000, 3000]


def test_counted_phases_aim_at_the_day_that_was_meant():
    phases = phases_from(
        [PhaseRequest((ItemRequest("p"),)) for _ in range(3)],
        utc(2024, 1, 31),
        {"p": Interval("month")},
        "UTC",
        utc(2024, 1, 31),
    )
    assert [one.end for one in phases] == [utc(2024, 2, 29), utc(2024, 3, 31), utc(2024, 4, 30)]


def test_a_subscription_that_is_canceled_takes_its_schedule_with_it(shop):
    schedule = shop.schedule(phase(shop.basic, iterations=2), phase(shop.pro, iterations=1))
    row = Subscription.objects.get()
    cancel_subscription(ctx=context(utc(2024, 1, 10)), merchant_id=shop.merchant.id, subscription_id=row.id)
    schedule.refresh_from_db()
    assert (schedule.status, schedule.next_action_at) == ("canceled", None)
    assert told(schedule)[-1] == "subscription_schedule.canceled"


def test_a_renewal_waits_for_the_phase_that_is_due(shop):
    shop.schedule(phase(shop.pro, iterations=1), phase(shop.basic, iterations=1))
    assert run_renewals(ctx=context(FEB_1)).done == 0
    day(FEB_1)
    assert totals() == [3000, 1000]


def test_a_step_that_is_refused_is_tried_again_and_bills_from_its_own_moment(shop):
    schedule = shop.schedule(phase(shop.pro, iterations=1), phase(shop.basic, iterations=1))
    shop.basic.active = False
    shop.basic.save()
    day(FEB_1)
    schedule.refresh_from_db()
    assert (schedule.next_action_at, Refusal.objects.get().kind) == (utc(2024, 2, 1, 1), "schedule")
    shop.basic.active = True
    shop.basic.save()
    day(utc(2024, 2, 1, 1))
    assert Refusal.objects.get().status == "resolved"
    day(MARCH_1)
    assert sum(totals()) == 3000 + 1000 + 1000


def test_a_step_that_stays_refused_is_tried_ever_later(shop):
    """After 1, 3 and 12 hours, then once a day: a clock that goes on for months is not stopped at every hour."""
    schedule = shop.schedule(phase(shop.pro, iterations=1), phase(shop.basic, iterations=1))
    shop.basic.active = False
    shop.basic.save()
    tried = []
    moment = FEB_1
    for _ in range(5):
        run_schedules(ctx=context(moment))
        schedule.refresh_from_db()
        tried.append((schedule.next_action_at - moment).total_seconds() / 3600)
        moment = schedule.next_action_at
    assert tried == [1, 3, 12, 24, 24]


@pytest.mark.parametrize(
    ("instrument", "ends", "told_as"),
    [
        pytest.param("pm_card_chargeCustomerFail", None, "aborted", id="nobody pays"),
        pytest.param("pm_card_visa", utc(2024, 2, 10), "canceled", id="its own end comes first"),
    ],
)
def test_what_ends_by_itself_takes_its_schedule_with_it(instrument, ends, told_as):
    """At once, and not when its phase would have been over: three months from January."""
    shop = merchant(grace=0)
    watch = create_clock(ctx=context(JAN_1), merchant_id=shop.id, name="watch", frozen_time=JAN_1)
    owner = customer(merchant=shop, payment_method="pm_card_visa", test_clock=watch)
    row = subscription(customer=owner, prices=[price(merchant=shop)], at=JAN_1, cancel_at=ends)
    now, then = PhaseRequest((ItemRequest(row.items.get().price_id),), iterations=3), phase(price(merchant=shop))
    schedule = schedule_subscription(
        ctx=context(JAN_1), merchant_id=shop.id, subscription_id=row.id, phases=(now, then), end_behavior="release"
    )
    add_payment_method(ctx=context(JAN_1), merchant_id=shop.id, customer_id=owner.id, instrument=instrument)
    advance_clock(ctx=context(JAN_1), merchant_id=shop.id, clock_id=watch.id, to=utc(2024, 2, 28))
    assert advance_clock_now(ctx=context(JAN_1), clock_id=watch.id)
    row.refresh_from_db()
    schedule.refresh_from_db()
    assert (row.status, schedule.status, schedule.canceled_at) == ("canceled", "canceled", row.ended_at)
    assert told(schedule)[-1] == f"subscription_schedule.{told_as}"
