"""Who may use what: features by products, through bundles, while a subscription runs."""

import pytest

from catalog.features import (
    FeatureAttachedTwice,
    FeatureNotFound,
    LookupKeyTaken,
    ProductFeatureNotFound,
    attach_feature,
    create_feature,
    detach_feature,
    update_feature,
)
from catalog.models import BundleComponent
from events.models import Event
from subscriptions.entitlements import active_entitlements, active_entitlements_of
from subscriptions.models import Subscription
from tests.factories.catalog import price, product
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.signups import subscription
from tests.factories.times import context

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return merchant()


def feature(shop, key):
    return create_feature(ctx=context(), merchant_id=shop.id, name=key.capitalize(), lookup_key=key)


def attach(shop, sold, key):
    where = {"merchant_id": shop.id, "product_id": sold.id}
    return attach_feature(ctx=context(), **where, feature_id=feature(shop, key).id)


def keys(person):
    return [one.lookup_key for one in active_entitlements(person.merchant_id, person.id)]


@pytest.mark.parametrize(
    ("status", "has_it"),
    [
        ("trialing", True),
        ("active", True),
        ("past_due", True),
        ("incomplete", False),
        ("incomplete_expired", False),
        ("unpaid", False),
        ("paused", False),
        ("canceled", False),
    ],
)
def test_the_status_decides(shop, status, has_it):
    person = customer(merchant=shop, payment_method="pm_card_visa")
    monthly = price(merchant=shop)
    attach(shop, monthly.product, "export")
    running = subscription(customer=person, prices=[monthly])
    Subscription.objects.filter(id=running.id).update(status=status, next_action_at=None)
    assert keys(person) == (["export"] if has_it else [])


def test_a_bundle_gives_what_is_in_it_and_each_feature_counts_once(shop, django_assert_num_queries):
    person = customer(merchant=shop, payment_method="pm_card_visa")
    bundle, part = price(merchant=shop), product(merchant=shop, name="Part")
    BundleComponent.objects.create(merchant=shop, product=bundle.product, component=part)
    shared = attach(shop, part, "sso").feature
    attach_feature(ctx=context(), merchant_id=shop.id, product_id=bundle.product_id, feature_id=shared.id)
    attach(shop, bundle.product, "audit")
    subscription(customer=person, prices=[bundle])
    assert keys(person) == ["audit", "sso"]
    with django_assert_num_queries(3):
        active_entitlements_of(shop.id, [person.id])


def test_features_are_named_once(shop):
    made = feature(shop, "export")
    with pytest.raises(LookupKeyTaken):
        feature(shop, "export")
    update_feature(ctx=context(), merchant_id=shop.id, feature_id=made.id, active=False)
    with pytest.raises(FeatureNotFound):
        attach_feature(ctx=context(), merchant_id=shop.id, product_id=product(merchant=shop).id, feature_id=made.id)
    assert Event.objects.filter(type__startswith="entitlements.feature.").count() == 2


def test_a_product_has_a_feature_once_until_it_is_taken_away(shop):
    sold = product(merchant=shop)
    attached = attach(shop, sold, "export")
    where = {"merchant_id": shop.id, "product_id": sold.id}
    with pytest.raises(FeatureAttachedTwice):
        attach_feature(ctx=context(), **where, feature_id=attached.feature_id)
    detach_feature(**where, product_feature_id=attached.id)
    with pytest.raises(ProductFeatureNotFound):
        detach_feature(**where, product_feature_id=attached.id)
