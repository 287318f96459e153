"""Subscriptions' facts become movements: each change once, from the body as of the event."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.ids import new_id
from events.models import ObjectVersion
from insights.consumers import record_movements
from insights.models import MrrMovement
from subscriptions.models import Discount, Subscription
from subscriptions.snapshots import subscription_snapshot
from tests.factories.catalog import coupon, price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import context
from tests.notifications.stories import TOLD, subscription, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return merchant()


@pytest.fixture
def ada(shop):
    return customer(merchant=shop)


def event(row: Subscription, version: int, type="customer.subscription.updated", *, body=True, **fields):
    """The subscription as it is now, told as its version `version`."""
    if body:
        ObjectVersion.objects.create(
            merchant_id=row.merchant_id,
            object_id=row.id,
            version=version,
            body=subscription_snapshot(
                row,
                row.items.filter(deleted_at__isnull=True),
                row.discounts.filter(deleted_at__isnull=True).values_list("id", flat=True),
            ),
            recorded_at=TOLD,
        )
    return replace(told(type, row.id, merchant=row.merchant, **fields), object_version=version)


def consume(*events) -> None:
    record_movements(context(TOLD), events)


def movements() -> list[tuple[str, int, int]]:
    return list(MrrMovement.objects.order_by("subscription_version").values_list("type", "amount", "mrr_after"))


def test_a_life_new_expansion_contraction_churn_and_back(shop, ada):
    row = subscription(customer=ada, price=price(merchant=shop, amount=1000))  # 2 x 1000
    told_so_far = [event(row, 1, "customer.subscription.created")]
    for version, (status, quantity) in enumerate(
        [("active", 5), ("past_due", 5), ("active", 1), ("canceled", 1), ("active", 1)], start=2
    ):
        row.status = status
        row.items.update(quantity=quantity)
        told_so_far.append(event(row, version))
    consume(*told_so_far)
    assert movements() == [
        ("new", 2000, 2000),
        ("expansion", 3000, 5000),
        ("contraction", -4000, 1000),
        ("churn", -1000, 0),
        ("reactivation", 1000, 1000),
    ]


def test_tiers_and_packages_count_as_what_the_quantity_costs(shop, ada):
    tiers = [
        {"up_to": 1, "unit_amount_decimal": "700", "flat_amount_decimal": "100"},
        {"up_to": None, "unit_amount_decimal": "600", "flat_amount_decimal": None},
    ]
    tiered = price(merchant=shop, amount=0, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers)
    packed = price(merchant=shop, amount=1000, transform_quantity={"divide_by": 5, "round": "up"})
    consume(event(subscription(customer=ada, price=tiered), 1), event(subscription(customer=ada, price=packed), 1))
    assert sorted(after for _, _, after in movements()) == [1000, 1400]  # a package of 5; 100 + 700 + 600


def test_a_trial_counts_from_its_end(shop, ada):
    row = subscription(customer=ada, price=price(merchant=shop), status="trialing")
    consume(event(row, 1))
    assert movements() == []
    row.status = "active"
    consume(event(row, 2))
    assert movements() == [("new", 2000, 2000)]


def test_handed_over_again_nothing_changes(shop, ada):
    row = subscription(customer=ada, price=price(merchant=shop))
    first = event(row, 1)
    row.items.update(quantity=3)
    second = event(row, 2)
    consume(first, second)
    consume(first)
    consume(first, second)
    assert movements() == [("new", 2000, 2000), ("expansion", 1000, 3000)]


def test_recurring_discounts_count_while_they_last(shop, ada):
    row = subscription(customer=ada, price=price(merchant=shop))
    for duration, extra in (("once", {}), ("repeating", {"duration_in_months": 3})):
        Discount.objects.create(
            merchant=shop, subscription=row, customer=ada, coupon=coupon(merchant=shop, duration=duration, **extra),
            start=TOLD, end=TOLD + timedelta(days=90), created=TOLD, recorded_at=TOLD,
        )  # fmt: skip
    consume(event(row, 1), event(row, 2, created=TOLD + timedelta(days=91)))
    assert movements() == [("new", 1600, 1600), ("expansion", 400, 2000)]  # 20 % off, then none


def test_without_bodies_the_row_speaks(shop, ada):
    row = subscription(customer=ada, price=price(merchant=shop))
    consume(event(row, 1, body=False))
    assert movements() == [("new", 2000, 2000)]


def test_a_test_clocks_customers_stay_out(shop, ada):
    row = subscription(customer=ada, price=price(merchant=shop))
    consume(event(row, 1, clock=new_id("clock")))
    assert movements() == []


def queries_for(shop, ada, count: int) -> int:
    rows = [subscription(customer=ada, price=price(merchant=shop)) for _ in range(count)]
    events = [event(row, 1) for row in rows]
    with CaptureQueriesContext(connection) as queries:
        consume(*events)
    return len(queries)


def test_the_number_of_queries_does_not_depend_on_the_batch(shop, ada):
    assert queries_for(shop, ada, 2) == queries_for(shop, ada, 15)
