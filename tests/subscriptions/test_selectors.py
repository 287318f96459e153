"""Reads of subscriptions: scoped by merchant, in a fixed number of queries."""

import pytest

from subscriptions.selectors import (
    SubscriptionNotFound,
    discounts_of,
    items_of,
    open_debits,
    subscription_by_id,
    subscriptions,
)
from tests.factories.catalog import coupon, price
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """Two subscriptions, one of them with a discount for ever."""
    shop = merchant()
    prices = [price(merchant=shop), price(merchant=shop, amount=500)]
    forever = coupon(merchant=shop, duration="forever")
    for coupons in ((), (forever.id,)):
        owner = customer(merchant=shop, payment_method="pm_card_visa")
        subscription(customer=owner, prices=prices, coupon_ids=coupons)
    return shop


def test_one_comes_with_its_customer_items_and_prices(shop, django_assert_num_queries):
    wanted = subscriptions(shop.id)[0].id
    with django_assert_num_queries(2):
        found = subscription_by_id(shop.id, wanted)
        assert found.customer.name == "Ada Tremblay"
        assert [item.price.product.name for item in found.items.all()] == ["Coffee box"] * 2


def test_another_merchants_is_not_found(shop):
    with pytest.raises(SubscriptionNotFound):
        subscription_by_id(merchant(prefix="B").id, subscriptions(shop.id)[0].id)


def test_items_of_many_take_one_query(shop, django_assert_num_queries):
    ids = [row.id for row in subscriptions(shop.id)]
    with django_assert_num_queries(1):
        assert {len(items) for items in items_of(ids).values()} == {2}


def test_discounts_of_many_take_one_query(shop, django_assert_num_queries):
    rows = list(subscriptions(shop.id))
    with django_assert_num_queries(1):
        on_subscription, on_customer = discounts_of([row.id for row in rows], [row.customer_id for row in rows])
    assert (len(on_subscription), len(on_customer)) == (1, 0)


def test_open_debits_are_what_a_change_would_credit(shop):
    row = subscriptions(shop.id)[0]
    assert sorted(debit.gross_amount for debit in open_debits(shop.id, row.id)) == [500, 1000]
