"""Signing up and being renewed, month after month."""

import pytest

from events.models import Event
from invoicing.models import Invoice
from subscriptions.models import BilledPeriod, Subscription
from tests.factories.catalog import price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import utc
from tests.scenarios.story import day, paper

pytestmark = pytest.mark.django_db


def test_three_renewals_with_consecutive_numbers():
    shop = merchant(grace=3600)
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=owner, prices=[price(merchant=shop)], at=utc(2024, 3, 15))
    assert paper() == [("INV-0001", "paid", 1000)]

    day(utc(2024, 4, 15))  # the period is over: a draft for an hour
    assert paper()[-1] == (None, "draft", 1000)
    day(utc(2024, 4, 15, 1))  # finalized, and charged
    assert paper()[-1] == ("INV-0002", "paid", 1000)

    for month in (5, 6):
        day(utc(2024, month, 15))
        day(utc(2024, month, 15, 1))
    assert paper() == [(f"INV-000{n}", "paid", 1000) for n in range(1, 5)]
    assert Subscription.objects.get().next_action_at == utc(2024, 7, 15)
    told = Event.objects.filter(type="invoice.paid").values_list("object_id", flat=True)
    assert set(told) == set(Invoice.objects.values_list("id", flat=True))


def test_an_anchor_on_the_31st_comes_back_to_it():
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=owner, prices=[price(merchant=shop)], at=utc(2024, 1, 31, 9))
    for moment in (utc(2024, 2, 29, 9), utc(2024, 3, 31, 9), utc(2024, 4, 30, 9), utc(2024, 5, 31, 9)):
        day(moment)
    ends = list(BilledPeriod.objects.order_by("start").values_list("end", flat=True))
    assert ends == [
        utc(2024, 2, 29, 9),
        utc(2024, 3, 31, 9),
        utc(2024, 4, 30, 9),
        utc(2024, 5, 31, 9),
        utc(2024, 6, 30, 9),
    ]


def test_the_shops_midnight_is_kept_over_a_dst_night():
    shop = merchant(timezone="America/Montreal")
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    subscription(customer=owner, prices=[price(merchant=shop)], at=utc(2024, 2, 15, 5))  # midnight in Montreal
    day(utc(2024, 3, 15, 5))
    assert Subscription.objects.get().next_action_at == utc(2024, 4, 15, 4)  # still midnight, now in summer time


def test_a_trial_is_announced_then_paid():
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_visa")
    row = subscription(customer=owner, prices=[price(merchant=shop)], at=utc(2024, 1, 1), trial_period_days=14)
    assert (row.status, row.next_action_at) == ("trialing", utc(2024, 1, 12))
    day(utc(2024, 1, 12))
    assert Event.objects.filter(type="customer.subscription.trial_will_end").count() == 1
    day(utc(2024, 1, 13))
    assert Event.objects.filter(type="customer.subscription.trial_will_end").count() == 1
    day(utc(2024, 1, 15))
    row.refresh_from_db()
    assert (row.status, row.next_action_at) == ("active", utc(2024, 2, 15))  # the anchor is the trial's end
    assert [(status, total) for _, status, total in paper()] == [("paid", 0), ("paid", 1000)]


def test_a_signup_that_is_never_paid_expires_and_its_invoice_is_void():
    shop = merchant()
    owner = customer(merchant=shop, payment_method="pm_card_chargeCustomerFail")
    row = subscription(customer=owner, prices=[price(merchant=shop)], at=utc(2024, 1, 1))
    day(utc(2024, 1, 1, 23))
    row.refresh_from_db()
    assert (row.status, row.next_action_at) == ("incomplete_expired", None)
    assert paper() == [("INV-0001", "void", 1000)]  # the number is kept
    assert BilledPeriod.objects.get().reversed_at == utc(2024, 1, 1, 23)
    day(utc(2024, 2, 1))
    assert len(paper()) == 1
