"""Metered subscriptions by the chunk: the number of questions to the database never grows with them."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.granting import create_credit_grant
from engine.rules.schedules import phases_from_json
from engine.services.finalize import run_finalizations
from engine.services.renew import run_renewals
from engine.services.schedules import create_schedule, update_schedule
from engine.services.subscribe import subscribe
from engine.types import DiscountRequest, ItemRequest, SubscribeRequest
from engine.types.schedules import ScheduleRequest, ScheduleUpdate
from invoicing.models import Invoice
from subscriptions.models import Subscription
from tests.factories.catalog import coupon, price, tax_rate
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.factories.usage import meter, metered_price, report

pytestmark = pytest.mark.django_db

FEBRUARY, MARCH, APRIL = utc(2024, 2, 1), utc(2024, 3, 1), utc(2024, 4, 1)


def queries_of(run) -> int:
    with CaptureQueriesContext(connection) as captured:
        run()
    return len(captured.captured_queries)


def users(shop, sold, count: int) -> list:
    owners = [customer(merchant=shop, payment_method="pm_card_visa", email=f"{n}@x.example") for n in range(count)]
    for owner in owners:
        subscription(customer=owner, prices=[sold])
    return owners


@pytest.mark.parametrize("grace", [0, 3600], ids=["finalized at once", "with its hour of grace"])
def test_the_usage_of_a_chunk_is_summed_in_one_query(grace):
    shop = merchant(grace=grace)
    sold = metered_price(meter=meter(merchant=shop))
    owners = users(shop, sold, 2)
    run_renewals(ctx=context(FEBRUARY))
    run_finalizations(ctx=context(utc(2024, 2, 1, 1)))
    for owner in owners:
        report(owner, 5, utc(2024, 2, 10))

    def month(at):
        run_renewals(ctx=context(at))
        run_finalizations(ctx=context(at.replace(hour=1)))

    few = queries_of(lambda: month(MARCH))
    owners += users(shop, sold, 10)
    run_renewals(ctx=context(MARCH))  # the new ones catch up
    run_finalizations(ctx=context(utc(2024, 3, 1, 2)))
    for owner in owners:
        report(owner, 5, utc(2024, 3, 10))
    assert queries_of(lambda: month(APRIL)) == few
    assert Invoice.objects.filter(created__gte=APRIL).values_list("total", flat=True).distinct().get() == 50


@pytest.mark.parametrize("grace", [0, 3600], ids=["finalized at once", "with its hour of grace"])
def test_a_chunk_of_everything_asks_no_more_for_many_than_for_two(grace):
    """Seats and usage, an amount off and a percentage off an item, two taxes, credit, and a schedule that leads."""
    shop = merchant(grace=grace)
    calls, seats = metered_price(meter=meter(merchant=shop)), price(merchant=shop, amount=2000)
    off, own = coupon(merchant=shop, amount_off=100, duration="forever"), coupon(merchant=shop, duration="forever")
    taxes = (tax_rate(merchant=shop).id, tax_rate(merchant=shop, percentage="9.975", display_name="QST").id)
    item = ItemRequest(seats.id, 2, discounts=(DiscountRequest(coupon_id=own.id),))

    def sign_up(count):
        owners = [customer(merchant=shop, payment_method="pm_card_visa") for _ in range(count)]
        for owner in owners:
            wanted = (item, ItemRequest(calls.id))
            stack = {"coupon_ids": (off.id,), "default_tax_rate_ids": taxes}
            ids = {"ctx": context(), "merchant_id": shop.id}
            made = subscribe(ctx=context(), request=SubscribeRequest(shop.id, owner.id, wanted, **stack))
            around = ScheduleRequest(shop.id, from_subscription=made.subscription_id)
            schedule = create_schedule(ctx=context(), request=around)
            now = replace(phases_from_json(schedule.phases)[0].request, end_date=utc(2025, 1, 1))
            update_schedule(ctx=context(), request=ScheduleUpdate(shop.id, schedule.id, phases=(now,)))
            create_credit_grant(**ids, customer_id=owner.id, amount=30, currency="cad", name="Welcome")
            report(owner, 100, utc(2024, 1, 10))
        return owners

    def month(at):
        run_renewals(ctx=context(at))
        run_finalizations(ctx=context(at.replace(hour=1)))

    sign_up(2)
    few = queries_of(lambda: month(FEBRUARY))
    Subscription.objects.update(next_action_at=None)  # those two have had their month
    sign_up(5)
    assert queries_of(lambda: month(FEBRUARY)) == few
    # 4000 - 800 (20 %) - 100 + 1000 of usage, 30 of it paid by credit: 4070, 5 % = 203.5 and 9.975 % = 405.98.
    renewed = Invoice.objects.filter(billing_reason="subscription_cycle")
    assert set(renewed.values_list("credit_grants_applied", "total", "status")) == {(30, 4070 + 204 + 406, "open")}
    assert renewed.count() == 7
