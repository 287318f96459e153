"""Prices that are no plain amounts are said in words, with what was used, what is inside and what is to come."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Price
from catalog.services import set_bundle
from engine.services.schedules import create_schedule
from engine.types import ItemRequest
from engine.types.schedules import PhaseRequest, ScheduleRequest
from subscriptions.models import Subscription
from tests.factories import catalog, customers
from tests.factories.signups import subscription
from tests.factories.times import context, utc
from tests.factories.usage import meter, metered_price, report

TIERS = [
    {"up_to": 5, "unit_amount_decimal": "3200", "flat_amount_decimal": "1000"},
    {"up_to": None, "unit_amount_decimal": "2450", "flat_amount_decimal": "0"},
]


def tiered(shop, mode: str, **fields) -> Price:
    return catalog.price(merchant=shop, amount=0, billing_scheme="tiered", tiers_mode=mode, tiers=TIERS, **fields)


def page_of(desk, name: str, pk: str) -> str:
    return desk.get(name, pk).content.decode().replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(("mode", "said"), [("graduated", "Graduated: each unit"), ("volume", "Volume: every unit")])
def test_tiers_are_said_one_by_one(desk, shop, mode: str, said: str) -> None:
    page = page_of(desk, "product", tiered(shop, mode).product_id)
    for words in (
        said,
        "from CA$24.50 per unit / month",
        "1 to 5: CA$32.00 each, plus CA$10.00",
        "6 and more: CA$24.50 each",
    ):
        assert words in page


def test_packages_meters_minimums_and_shares_are_said(desk, shop) -> None:
    rides = catalog.product(merchant=shop, name="Rides", unit_label="km")
    counted = meter(merchant=shop)
    catalog.price(merchant=shop, product=rides, amount=650, transform_quantity={"divide_by": 12, "round": "up"})
    metered_price(meter=counted, product=rides, amount="85.5", minimum_amount=2000)
    metered_price(meter=counted, product=rides, amount=0, percentage=Decimal(12))
    page = page_of(desk, "product", rides.pk)
    for words in (
        "CA$6.50 per 12 / month",
        "Packages that are begun count whole.",
        "CA$0.855 per km / month",
        "At least CA$20.00 per period.",
        "Counted by the meter “Calls”",
        "12% of the amount / month",
    ):
        assert words in page
    assert "CA$0.00" not in page


def test_a_bundle_shows_what_is_inside(desk, shop) -> None:
    whole, coffee = (catalog.product(merchant=shop, name=name) for name in ("Breakfast", "Beans"))
    set_bundle(ctx=context(utc(2024, 1, 2)), merchant_id=shop.pk, product_id=whole.pk, components=[(coffee.pk, 2)])
    page = page_of(desk, "product", whole.pk)
    assert "In the bundle" in page
    assert "Beans" in page


def test_more_prices_cost_no_more_queries(desk, shop) -> None:
    def queries(pk: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            desk.get("product", pk)
        return len(seen)

    rides = catalog.product(merchant=shop, name="Rides")
    counted = meter(merchant=shop)
    metered_price(meter=counted, product=rides)
    queries(rides.pk)
    one = queries(rides.pk)
    for _ in range(4):
        metered_price(meter=counted, product=rides)
    assert queries(rides.pk) == one


def test_the_subscription_says_what_was_used_so_far(desk, shop) -> None:
    cups = catalog.product(merchant=shop, name="Cups", unit_label="cup")
    price = metered_price(meter=meter(merchant=shop), product=cups, amount=30)
    customer = customers.customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=customer, prices=[price], at=utc(2024, 1, 5))
    report(customer, 41, utc(2024, 1, 9))
    page = page_of(desk, "subscription", Subscription.objects.get().pk)
    assert "41 cup" in page
    assert "used so far" in page
    assert "by usage" in page


def test_the_subscription_counts_its_tiers_into_what_a_period_costs(desk, shop) -> None:
    customer = customers.customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=customer, prices=[tiered(shop, "graduated")], at=utc(2024, 1, 5))
    assert "CA$42.00" in page_of(desk, "subscription", Subscription.objects.get().pk)  # one at 32.00, plus 10.00


def test_the_subscription_says_what_its_schedule_brings(desk, shop) -> None:
    small, large = (
        catalog.price(merchant=shop, product=catalog.product(merchant=shop, name=name)) for name in ("Small", "Large")
    )
    customer = customers.customer(merchant=shop, payment_method="pm_card_visa")
    phases = tuple(PhaseRequest(items=(ItemRequest(price.pk),), iterations=2) for price in (small, large))
    create_schedule(ctx=context(utc(2024, 1, 5)), request=ScheduleRequest(shop.pk, customer.pk, phases))
    page = page_of(desk, "subscription", Subscription.objects.get().pk)
    assert "phase 1 of 2" in page
    assert "On March 5, 2024 comes: Large." in page


def test_french_pages_say_it_in_french(desk_of, shop) -> None:
    page = page_of(desk_of(language="fr-ca"), "product", tiered(shop, "volume").product_id)
    assert "de 1 à 5 : 32,00 $ chacun, plus 10,00 $" in page
