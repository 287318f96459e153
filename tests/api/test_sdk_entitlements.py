"""The official SDK hears who may use what: once for each change, whatever it came from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk

SUMMARY = "entitlements.active_entitlement_summary.updated"


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def featured(sdk: Sdk, *keys: str, amount: int = 1000) -> Any:
    """A monthly price of a product with these features; features are made once."""
    price = sdk.price(amount)
    known = {one.lookup_key: one.id for one in sdk.v1.entitlements.features.list({}).data}
    for key in keys:
        given = known.get(key) or sdk.v1.entitlements.features.create({"name": key, "lookup_key": key}).id
        sdk.v1.products.features.create(price.product, {"entitlement_feature": given})
    return price


def held(sdk: Sdk, customer: str) -> list[str]:
    return [one.lookup_key for one in sdk.v1.entitlements.active_entitlements.list({"customer": customer}).data]


def told(sdk: Sdk) -> list[list[str]]:
    """What each summary said, the oldest first."""
    events = list(sdk.v1.events.list({"type": SUMMARY}).auto_paging_iter())
    return [[one.lookup_key for one in event.data.object.entitlements.data] for event in reversed(events)]


def test_every_change_of_what_a_customer_holds_is_told_once(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id)
    basic, full = featured(sdk, "archive"), featured(sdk, "archive", "export", amount=2000)
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": basic.id}]})
    assert told(sdk) == [["archive"]]
    item = subscription["items"].data[0].id
    sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": full.id}]})
    sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "quantity": 2}]})  # holds the same
    sdk.advance(clock.id, at(2024, 3, 2))  # so do two renewals
    assert told(sdk) == [["archive"], ["archive", "export"]]
    sdk.v1.subscriptions.cancel(subscription.id)
    assert told(sdk)[2:] == [[]]
    assert held(sdk, customer.id) == []


def test_the_event_has_stripes_shape(sdk: Sdk) -> None:
    customer = sdk.customer()
    price = featured(sdk, "archive")
    sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    [event] = sdk.v1.events.list({"type": SUMMARY}).data
    summary = event.data.object
    assert (summary.object, summary.customer, summary.livemode) == (
        SUMMARY.removesuffix(".updated"),
        customer.id,
        False,
    )
    assert summary.entitlements.url == f"/v1/customer/{customer.id}/entitlements"
    [one] = summary.entitlements.data
    [listed] = sdk.v1.entitlements.active_entitlements.list({"customer": customer.id}).data
    assert one.to_dict() == listed.to_dict()
    assert event.data.previous_attributes["entitlements"]["data"] == []
    again = sdk.v1.entitlements.active_entitlements.retrieve(listed.id, {"expand": ["feature"]})
    assert (again.feature.lookup_key, again.object) == ("archive", "entitlements.active_entitlement")
    with pytest.raises(stripe.InvalidRequestError) as gone:
        sdk.v1.entitlements.active_entitlements.retrieve("ent_none")
    assert gone.value.http_status == 404


def test_a_late_payment_keeps_them_and_an_unpaid_end_takes_them(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id)
    price = featured(sdk, "archive")
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    bad = sdk.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": bad.id}})
    sdk.advance(clock.id, at(2024, 2, 2))
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert (held(sdk, customer.id), told(sdk)) == (["archive"], [["archive"]])
    sdk.advance(clock.id, at(2024, 2, 28))
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert (held(sdk, customer.id), told(sdk)) == ([], [["archive"], []])


def test_a_trial_entitles_and_a_pause_at_its_end_withdraws(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id, card="")
    sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": featured(sdk, "archive").id}],
            "trial_period_days": 7,
            "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
        }
    )
    assert held(sdk, customer.id) == ["archive"]
    sdk.advance(clock.id, at(2024, 1, 9))
    assert (held(sdk, customer.id), told(sdk)) == ([], [["archive"], []])


def test_a_feature_given_to_a_product_reaches_whoever_holds_it(sdk: Sdk) -> None:
    price = sdk.price(1000)
    holders = [sdk.customer() for _ in range(2)]
    for customer in holders:
        sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    feature = sdk.v1.entitlements.features.create({"name": "Export", "lookup_key": "export"})
    attached = sdk.v1.products.features.create(price.product, {"entitlement_feature": feature.id})
    assert told(sdk) == [["export"], ["export"]]
    assert [one.id for one in sdk.v1.products.features.list(price.product).data] == [attached.id]
    assert sdk.v1.products.features.delete(price.product, attached.id).deleted
    assert told(sdk) == [["export"], ["export"], [], []]


def test_an_archived_feature_leaves_its_key_to_another(sdk: Sdk) -> None:
    features = sdk.v1.entitlements.features
    first = features.create({"name": "Export", "lookup_key": "export", "metadata": {"a": "1"}})
    with pytest.raises(stripe.InvalidRequestError) as taken:
        features.create({"name": "Other", "lookup_key": "export"})
    assert taken.value.param == "lookup_key"
    assert features.update(first.id, {"active": False, "name": "Old export"}).name == "Old export"
    second = features.create({"name": "Export", "lookup_key": "export"})
    assert [one.id for one in features.list({"archived": False}).data] == [second.id]
    assert {one.id for one in features.list({"lookup_key": "export"}).data} == {first.id, second.id}
    with pytest.raises(stripe.InvalidRequestError) as clash:
        features.update(first.id, {"active": True})
    assert clash.value.param == "active"
    product = sdk.v1.products.create({"name": "Box"}).id
    with pytest.raises(stripe.InvalidRequestError) as archived:
        sdk.v1.products.features.create(product, {"entitlement_feature": first.id})
    assert archived.value.param == "entitlement_feature"


def test_a_page_of_entitlements_ends_where_it_is_told(sdk: Sdk) -> None:
    customer = sdk.customer()
    price = featured(sdk, "a", "b", "c")
    sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    active = sdk.v1.entitlements.active_entitlements
    first = active.list({"customer": customer.id, "limit": 2})
    assert ([one.lookup_key for one in first.data], first.has_more) == (["a", "b"], True)
    assert [one.lookup_key for one in first.auto_paging_iter()] == ["a", "b", "c"]
