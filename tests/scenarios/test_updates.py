"""What an update says of items and taxes without changing what they cost."""

import pytest

from engine.types import ItemChange
from invoicing.models import InvoiceItem
from tests.factories.catalog import coupon, price, tax_rate
from tests.factories.merchants import merchant
from tests.factories.times import utc
from tests.scenarios.story import day, paper
from tests.scenarios.test_life import subscribed, update, upgrade

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return merchant()


def test_other_tax_rates_on_an_item_prorate_nothing(shop):
    rate = tax_rate(merchant=shop, percentage="20")
    row = subscribed(shop)
    update(row, utc(2024, 4, 16), ItemChange(row.items.get().id, tax_rate_ids=(rate.id,)))
    assert not InvoiceItem.objects.exists()
    day(utc(2024, 5, 1))
    assert paper()[-1][2] == 1200


def test_discounts_of_prorations_are_inside_when_the_merchant_says_so():
    shop = merchant(proration_discounts="included")
    half = coupon(merchant=shop, percent_off=50, duration="forever")
    row = subscribed(shop, coupon_ids=(half.id,))
    update(row, utc(2024, 4, 16), upgrade(row))
    shown = InvoiceItem.objects.order_by("id").values_list("amount", "discount_amounts")
    assert list(shown) == [(-250, []), (750, [])]


def test_default_tax_rates_are_changed_for_what_comes(shop):
    rate = tax_rate(merchant=shop, percentage="10")
    row = subscribed(shop)
    update(row, utc(2024, 4, 16), default_tax_rate_ids=(rate.id,))
    assert row.default_tax_rate_ids == [rate.id]
    day(utc(2024, 5, 1))
    assert paper()[-1][2] == 1100


def test_items_have_metadata_of_their_own(shop):
    row = subscribed(shop)
    first, extra = row.items.get(), price(merchant=shop, amount=600)
    update(row, utc(2024, 4, 16), ItemChange(first.id, metadata={"seat": "a"}))
    assert not InvoiceItem.objects.exists()
    added = ItemChange(price_id=extra.id, metadata={"team": "x"})
    update(row, utc(2024, 4, 16), ItemChange(first.id, metadata={"seat": "", "desk": "1"}), added)
    assert [item.metadata for item in row.items.order_by("created", "id")] == [{"desk": "1"}, {"team": "x"}]
