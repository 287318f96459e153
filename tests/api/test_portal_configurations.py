"""What subscribers may do in the portal: said through the official SDK, seen on the pages."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from django.conf import settings
from django.test import Client

from tests.api.sdk import Sdk

SHOP = "https://shop.example"
ALL_ON: dict[str, Any] = {
    "customer_update": {"enabled": True, "allowed_updates": ["name", "address", "tax_id"]},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True},
    "subscription_update": {"enabled": True, "default_allowed_updates": ["price", "quantity"]},
}


def enter(sdk: Sdk, customer: str, **fields: Any) -> Client:
    """A browser that is inside the portal."""
    opened = sdk.v1.billing_portal.sessions.create({"customer": customer, **fields})
    browser = Client()
    assert browser.post(opened.url.removeprefix(settings.SITE_URL)).status_code == 302
    return browser


def subscribed(sdk: Sdk) -> tuple[str, Any, Any]:
    customer, price = sdk.customer().id, sdk.price(1000)
    return customer, price, sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": price.id}]})


def test_what_is_not_said_is_off_and_the_first_is_the_default(sdk: Sdk) -> None:
    first = sdk.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    assert (first.is_default, first.active, first.features.invoice_history.enabled) == (True, True, True)
    assert not first.features.subscription_cancel.enabled
    second = sdk.v1.billing_portal.configurations.create(
        {"features": ALL_ON, "name": "Team", "metadata": {"for": "team"}, "default_return_url": SHOP}
    )
    assert (second.is_default, second.name, second.default_return_url) == (False, "Team", SHOP)
    changed = sdk.v1.billing_portal.configurations.update(
        second.id, {"features": {"subscription_cancel": {"mode": "immediately"}}, "active": False}
    )
    assert (changed.active, changed.features.subscription_cancel.enabled) == (False, True)
    assert changed.features.subscription_cancel.mode == "immediately"
    assert [one.id for one in sdk.v1.billing_portal.configurations.list({"is_default": True}).data] == [first.id]
    assert sdk.v1.billing_portal.configurations.retrieve(second.id).id == second.id
    with pytest.raises(stripe.InvalidRequestError, match="default configuration"):
        sdk.v1.billing_portal.configurations.update(first.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        sdk.v1.billing_portal.sessions.create({"customer": sdk.customer().id, "configuration": second.id})
    kinds = [one.type for one in sdk.v1.events.list({"limit": 50}).data if "portal" in one.type]
    assert sorted(kinds) == ["billing_portal.configuration.created"] * 2 + ["billing_portal.configuration.updated"]


def test_what_a_portal_does_not_offer_is_not_there(sdk: Sdk) -> None:
    customer, _, subscription = subscribed(sdk)
    nothing = sdk.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": False}}})
    everything = sdk.v1.billing_portal.configurations.create({"features": ALL_ON})
    paths = ("/portal/invoices", "/portal/payment-methods", "/portal/account", "cancel", "change")
    addresses = [one if one.startswith("/") else f"/portal/subscriptions/{subscription.id}/{one}" for one in paths]
    closed, opened = enter(sdk, customer), enter(sdk, customer, configuration=everything.id)
    assert nothing.is_default
    for address in addresses:
        assert closed.get(address).status_code == 404, address
        assert opened.get(address).status_code == 200, address
    page = closed.get("/portal/").content.decode()
    assert not any(f'href="{address}"' in page for address in addresses)
    assert closed.get(f"/portal/subscriptions/{subscription.id}").status_code == 200


def test_a_cancellation_follows_the_configuration(sdk: Sdk) -> None:
    customer, _, subscription = subscribed(sdk)
    at_once = {
        "subscription_cancel": {
            "enabled": True,
            "mode": "immediately",
            "cancellation_reason": {"enabled": True, "options": ["unused", "other"]},
        }
    }
    sdk.v1.billing_portal.configurations.create({"features": at_once})
    browser = enter(sdk, customer)
    address = f"/portal/subscriptions/{subscription.id}/cancel"
    page = browser.get(address).content.decode()
    assert 'value="unused"' in page
    assert 'value="too_expensive"' not in page
    assert browser.post(address, {"feedback": "too_expensive"}).status_code == 422
    assert browser.post(address, {"feedback": "unused"}).status_code == 302
    ended = sdk.v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.cancellation_details.feedback) == ("canceled", "unused")


def test_a_change_is_to_what_is_listed(sdk: Sdk) -> None:
    customer, price, subscription = subscribed(sdk)
    product = price.product
    larger = sdk.price(3000, product=product)
    secret = sdk.price(2000, product=product)
    update = {
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "proration_behavior": "none",
            "products": [{"product": product, "prices": [larger.id]}],
        }
    }
    made = sdk.v1.billing_portal.configurations.create({"features": update})
    assert made.features.subscription_update.products[0].prices == [larger.id]
    page = enter(sdk, customer).get(f"/portal/subscriptions/{subscription.id}/change").content.decode()
    assert larger.id in page
    assert secret.id not in page
    update["subscription_update"]["products"] = [{"product": product, "prices": ["price_nothing"]}]
    with pytest.raises(stripe.InvalidRequestError) as wrong:
        sdk.v1.billing_portal.configurations.create({"features": update})
    assert wrong.value.param == "features[subscription_update][products][0][prices][0]"


def test_details_that_may_not_change_stay(sdk: Sdk) -> None:
    customer = sdk.customer(address={"line1": "1 rue du Lac", "city": "Lyon", "country": "FR", "postal_code": "69001"})
    only_name = {"customer_update": {"enabled": True, "allowed_updates": ["name"]}}
    sdk.v1.billing_portal.configurations.create({"features": only_name})
    browser = enter(sdk, customer.id)
    sent = {"name": "Grace", "line1": "Elsewhere", "city": "Paris", "country": "FR", "postal_code": "75001"}
    assert browser.post("/portal/account", sent | {"preferred_locale": "en"}).status_code == 302
    kept = sdk.v1.customers.retrieve(customer.id)
    assert (kept.name, kept.address.line1, kept.address.city) == ("Grace", "1 rue du Lac", "Lyon")
    assert browser.post("/portal/account/tax-ids", {"type": "eu_vat", "value": "FR40303265045"}).status_code == 404
