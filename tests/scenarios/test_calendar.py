"""Years that a reader can argue with: DST nights, short months, currencies without and with three decimals."""

from itertools import pairwise

import pytest

from core.periods import AnchorConfig
from engine.services.change import change_subscription
from engine.services.clocks import advance_clock, advance_clock_now, create_clock
from engine.types import ChangeRequest, ItemChange
from invoicing.models import Invoice, InvoiceLine
from subscriptions.models import BilledPeriod
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.scenarios.story import day, paper

pytestmark = pytest.mark.django_db

WALL = utc(2026, 7, 1)


@pytest.mark.parametrize(
    ("zone", "start", "boundaries"),
    [
        pytest.param(
            "America/Montreal",
            utc(2024, 2, 10, 7, 30),  # half past two; on 10 March there is no such time, on 3 November there are two
            {3: utc(2024, 3, 10, 7, 30), 4: utc(2024, 4, 10, 6, 30), 11: utc(2024, 11, 10, 7, 30)},
            id="Montreal: 2:30 is 3:30 on the night that skips it",
        ),
        pytest.param(
            "Europe/Paris",
            utc(2024, 1, 31, 1, 30),  # 2:30; on 31 March there is no such time
            {2: utc(2024, 2, 29, 1, 30), 3: utc(2024, 3, 31, 1, 30), 4: utc(2024, 4, 30, 0, 30)},
            id="Paris: the 31st of March is the night itself",
        ),
    ],
)
def test_a_year_with_its_dst_nights(zone, start, boundaries):
    shop = merchant(timezone=zone)
    clock = create_clock(ctx=context(WALL), merchant_id=shop.id, name=zone, frozen_time=start)
    owner = customer(merchant=shop, payment_method="pm_card_visa", test_clock=clock)
    subscription(customer=owner, prices=[price(merchant=shop, amount=3000)], at=start)
    advance_clock(ctx=context(WALL), merchant_id=shop.id, clock_id=clock.id, to=utc(2025, 2, 20))
    assert advance_clock_now(ctx=context(WALL), clock_id=clock.id)
    periods = list(BilledPeriod.objects.order_by("start").values_list("start", "end", "amount"))
    assert all(earlier[1] == later[0] for earlier, later in pairwise(periods))
    assert {amount for *_, amount in periods} == {3000}
    starts = {begin.month: begin for begin, *_ in periods if begin.year == 2024}
    assert {month: starts[month] for month in boundaries} == boundaries


def test_an_upgrade_on_the_short_day_counts_its_23_hours():
    """Paris, 31 March 2024: a day price of 2300 changed to 4600 at noon there: 12 of the day's 23 hours are left."""
    shop = merchant(timezone="Europe/Paris")
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    daily = price(merchant=shop, amount=2300, interval="day")
    row = subscription(customer=owner, prices=[daily], at=utc(2024, 3, 30, 23))
    double = price(merchant=shop, amount=4600, interval="day")
    change = ItemChange(row.items.get().id, double.id)
    request = ChangeRequest(shop.id, row.id, (change,), "always_invoice")
    change_subscription(ctx=context(utc(2024, 3, 31, 10)), request=request)
    assert list(InvoiceLine.objects.order_by("id").values_list("amount", flat=True)) == [2300, -1200, 2400]


@pytest.mark.parametrize(
    ("currency", "amount", "upgraded", "credit", "debit"),
    [
        pytest.param("jpy", 1000, 2980, -333, 993, id="JPY: whole yen, 10 of 30 days"),
        pytest.param("kwd", 12345, 20005, -4115, 6668, id="KWD: thousandths, 10 of 30 days"),
    ],
)
def test_currencies_without_and_with_three_decimals(currency, amount, upgraded, credit, debit):
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    first = price(merchant=shop, amount=amount, currency=currency)
    row = subscription(customer=owner, prices=[first], at=utc(2024, 4, 1))
    other = price(merchant=shop, amount=upgraded, currency=currency)
    request = ChangeRequest(shop.id, row.id, (ItemChange(row.items.get().id, other.id),))
    change_subscription(ctx=context(utc(2024, 4, 21)), request=request)
    day(utc(2024, 5, 1))
    invoice = Invoice.objects.get(billing_reason="subscription_cycle")
    assert (invoice.currency, invoice.total) == (currency, upgraded + credit + debit)
    assert invoice.status == "paid"


def test_two_upgrades_and_a_downgrade_in_one_month():
    """April has 30 days; each charge is credited by itself, of its own days."""
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    plans = {amount: price(merchant=shop, amount=amount) for amount in (1000, 2000, 4000)}
    row = subscription(customer=owner, prices=[plans[1000]], at=utc(2024, 4, 1))
    for moment, amount in ((11, 2000), (16, 4000), (26, 1000)):
        change = ItemChange(row.items.get().id, plans[amount].id)
        request = ChangeRequest(shop.id, row.id, (change,))
        change_subscription(ctx=context(utc(2024, 4, moment)), request=request)
    day(utc(2024, 5, 1))
    invoice = Invoice.objects.get(billing_reason="subscription_cycle")
    shown = list(InvoiceLine.objects.filter(invoice=invoice).order_by("position").values_list("amount", flat=True))
    assert shown == [
        1000,
        -667,  # 1000 * 20/30
        1333,  # 2000 * 20/30
        -1000,  # 1333 * 15/20
        2000,  # 4000 * 15/30
        -667,  # 2000 * 5/15
        167,  # 1000 * 5/30
    ]


def test_an_anchor_on_the_31st_by_the_shops_clock_through_a_leap_year():
    """Montreal: midnight there is 5:00 UTC in winter and 4:00 in summer."""
    shop = merchant(timezone="America/Montreal")
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    config = AnchorConfig(day_of_month=31, hour=0, minute=0, second=0)
    subscription(
        customer=owner,
        prices=[price(merchant=shop, amount=3100)],
        at=utc(2024, 1, 31, 5),
        billing_cycle_anchor_config=config,
    )
    for moment in (utc(2024, 2, 29, 5), utc(2024, 3, 31, 4), utc(2024, 4, 30, 4), utc(2024, 5, 31, 4)):
        day(moment)
    assert [total for *_, total in paper()] == [3100] * 5
