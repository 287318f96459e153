"""Usage that reaches a threshold is invoiced early, and what is left when its period is over."""

import time

import pytest
from django.db import connection

from engine.rules.thresholds import ThresholdInvalid, ThresholdNotMetered
from engine.services.change import change_subscription
from engine.services.thresholds import run_thresholds, set_billing_thresholds
from engine.types import ChangeRequest, ItemChange
from events.models import Event, ObjectVersion
from invoicing.models import Invoice, InvoiceLine
from subscriptions.models import SubscriptionItem
from tests.events.outbox import HORIZON_PATIENCE
from tests.factories.catalog import price
from tests.factories.customers import clock, customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.factories.usage import meter, metered_price, report
from tests.scenarios.story import day, paper

# A reader of usage sees what is committed, and only that.
pytestmark = pytest.mark.django_db(transaction=True)

JAN_10, JAN_20, FEB_1 = utc(2024, 1, 10), utc(2024, 1, 20), utc(2024, 2, 1)
TIERS = {
    "billing_scheme": "tiered",
    "tiers_mode": "graduated",
    "tiers": [
        {"up_to": 10, "unit_amount_decimal": "100", "flat_amount_decimal": None},
        {"up_to": None, "unit_amount_decimal": "50", "flat_amount_decimal": None},
    ],
}


def pulled(at) -> int:
    """The reader's run once it can see everything: a transaction of another test process may hold it back."""
    deadline = time.monotonic() + HORIZON_PATIENCE
    hidden = "SELECT count(*) FROM usage_usageevent WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())"
    while True:
        with connection.cursor() as cursor:
            cursor.execute(hidden)
            if cursor.fetchone() == (0,):
                return run_thresholds(ctx=context(at))
        assert time.monotonic() < deadline, "usage cannot be read: some transaction runs for ever"
        time.sleep(0.05)


def user(amount_gte=None, usage_gte=None, *, test_clock=None, amount=10, grace=0, **fields):
    shop = merchant(grace=grace) if test_clock is None else test_clock.merchant
    owner = customer(merchant=shop, payment_method="pm_card_visa", test_clock=test_clock)
    sold = metered_price(meter=meter(merchant=shop), amount=amount, **fields)
    sub = subscription(customer=owner, prices=[sold])
    item = SubscriptionItem.objects.get(subscription=sub)
    set_billing_thresholds(
        ctx=context(),
        merchant_id=shop.id,
        subscription_id=sub.id,
        amount_gte=amount_gte,
        usage_gte={item.id: usage_gte},
    )
    return owner, sub


def test_below_its_threshold_nothing_is_invoiced_early():
    owner, _ = user(1000)
    report(owner, 99, JAN_10)
    assert pulled(JAN_10) == 0
    assert paper() == []


@pytest.mark.parametrize("thresholds", [(1000, None), (None, 100)], ids=["an amount", "a usage"])
def test_at_its_threshold_usage_is_invoiced_at_once_and_the_rest_at_the_periods_end(thresholds):
    owner, _ = user(*thresholds)
    report(owner, 100, JAN_10)
    assert pulled(JAN_20) == 1
    assert paper() == [("INV-0001", "paid", 1000)]
    assert Invoice.objects.get().billing_reason == "subscription_threshold"
    assert pulled(JAN_20) == 0  # planned again, nothing is due
    report(owner, 30, utc(2024, 1, 25))
    day(FEB_1)
    assert paper()[1:] == [("INV-0002", "paid", 300)]
    ends = InvoiceLine.objects.order_by("period_start").values_list("period_start", "period_end")
    assert list(ends) == [(utc(2024, 1, 1), JAN_20), (JAN_20, FEB_1)]


def test_tiers_go_on_after_a_threshold():
    owner, _ = user(800, amount=0, **TIERS)
    report(owner, 8, JAN_10)
    pulled(JAN_20)
    report(owner, 8, utc(2024, 1, 25))
    day(FEB_1)
    assert [total for _, _, total in paper()] == [800, 500]  # 10 x 100 + 6 x 50 = 1300, less 800


def test_a_price_that_changes_after_a_threshold_bills_nothing_twice():
    owner, sub = user(1000)
    report(owner, 100, JAN_10)
    pulled(JAN_20)
    dearer = metered_price(meter=SubscriptionItem.objects.get().price.meter, amount=20)
    report(owner, 1, utc(2024, 1, 21))
    request = ChangeRequest(owner.merchant_id, sub.id, (ItemChange(SubscriptionItem.objects.get().id, dearer.id),))
    change_subscription(ctx=context(utc(2024, 1, 22)), request=request)
    report(owner, 1, utc(2024, 1, 23))
    day(FEB_1)
    assert [total for _, _, total in paper()] == [1000, 30]


def test_usage_that_comes_late_after_a_threshold_is_adjusted_once():
    owner, _ = user(1000)
    report(owner, 100, JAN_10)
    pulled(JAN_20)
    day(FEB_1)
    report(owner, 5, utc(2024, 1, 31), reported=utc(2024, 2, 2))
    day(utc(2024, 3, 1))
    assert [total for _, _, total in paper()] == [1000, 0, 50]


def test_within_the_grace_what_thresholds_billed_is_still_taken_off():
    owner, _ = user(1000, grace=3600)
    for at in (JAN_10, JAN_20):
        report(owner, 100, at)
        assert pulled(at) == 1
    day(FEB_1)
    report(owner, 5, utc(2024, 1, 31), reported=utc(2024, 2, 1, 0, 30))
    day(utc(2024, 2, 1, 1))
    assert [total for _, _, total in paper()] == [1000, 1000, 50]


def test_on_a_clock_usage_is_looked_at_in_its_time():
    standing = clock(merchant=merchant(), frozen_time=JAN_20)
    owner, _ = user(1000, test_clock=standing)
    report(owner, 100, JAN_10)
    assert pulled(utc(2026, 1, 1)) == 1
    assert Invoice.objects.get().created == JAN_20


def test_setting_a_threshold_is_told_with_the_subscription_as_it_became():
    _, sub = user(1000, 50)
    body = ObjectVersion.objects.filter(object_id=sub.id).latest("version").body
    assert body["billing_thresholds"]["amount_gte"] == 1000
    assert body["items"]["data"][0]["billing_thresholds"] == {"usage_gte": 50}
    sub.refresh_from_db()
    assert Event.objects.filter(object_id=sub.id).latest("object_version").object_version == sub.version


def test_a_threshold_is_above_0_and_of_usage():
    owner, sub = user(1000)
    with pytest.raises(ThresholdInvalid):
        set_billing_thresholds(ctx=context(), merchant_id=owner.merchant_id, subscription_id=sub.id, amount_gte=0)
    flat = subscription(customer=owner, prices=[price(merchant=owner.merchant)])
    item = SubscriptionItem.objects.get(subscription=flat)
    with pytest.raises(ThresholdNotMetered):
        set_billing_thresholds(
            ctx=context(),
            merchant_id=owner.merchant_id,
            subscription_id=flat.id,
            amount_gte=None,
            usage_gte={item.id: 5},
        )
