"""Visits to the portal for one thing only: asked for through the official SDK, lived on the pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from django.conf import settings
from django.test import Client

from tests.api.sdk import Sdk
from tests.api.test_portal_configurations import ALL_ON, SHOP

NEW_YEAR = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
FEBRUARY = int(datetime(2024, 2, 1, tzinfo=UTC).timestamp())
DAY = 86_400
BACK = f"{SHOP}/account"


def subscribed(sdk: Sdk, amount: int = 1000, clock: str = "") -> tuple[str, Any]:
    customer = sdk.customer(clock=clock).id
    price = sdk.price(amount).id
    return customer, sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": price}]})


def visit(sdk: Sdk, customer: str, flow: dict[str, Any], **fields: Any) -> tuple[Client, str, Any]:
    """(a browser that followed the session's address, where it was led, the session)."""
    session = sdk.v1.billing_portal.sessions.create({"customer": customer, "flow_data": flow, **fields})
    browser = Client()
    answer = browser.post(session.url.removeprefix(settings.SITE_URL))
    assert answer.status_code == 302
    return browser, answer.url, session


def refusal(sdk: Sdk, customer: str, flow: dict[str, Any]) -> tuple[str | None, str | None]:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.billing_portal.sessions.create({"customer": customer, "flow_data": flow})
    assert refused.value.http_status == 400
    return refused.value.code, refused.value.param


def moment_in(page: str) -> str:
    found = re.search(r'name="at" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_visit_to_cancel_ends_with_the_merchants_own_words(sdk: Sdk) -> None:
    customer, subscription = subscribed(sdk)
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": {"subscription": subscription.id},
        "after_completion": {
            "type": "hosted_confirmation",
            "hosted_confirmation": {"custom_message": "We keep your data for a month."},
        },
    }
    browser, address, session = visit(sdk, customer, flow, return_url=BACK)
    assert (session.flow.type, session.flow.subscription_cancel.subscription, session.flow.subscription_update) == (
        "subscription_cancel",
        subscription.id,
        None,
    )
    assert address == f"/portal/subscriptions/{subscription.id}/cancel"
    page = browser.get(address).content.decode()
    assert f'href="{BACK}"' in page
    assert "hosted-tab" not in page  # one thing only
    done = browser.post(address, {"feedback": "unused"}, follow=True)
    assert done.redirect_chain == [("/portal/done", 302)]
    said = done.content.decode()
    assert "We keep your data for a month." in said
    assert f'href="{BACK}"' in said
    assert sdk.v1.subscriptions.retrieve(subscription.id).cancel_at_period_end is True
    assert "hosted-tab" in browser.post("/portal/done/leave", follow=True).content.decode()


def test_a_visit_to_pay_with_something_else_goes_back_where_it_was_told(sdk: Sdk) -> None:
    customer = sdk.customer().id
    flow = {
        "type": "payment_method_update",
        "after_completion": {"type": "redirect", "redirect": {"return_url": f"{BACK}?updated=1"}},
    }
    browser, address, _ = visit(sdk, customer, flow)
    assert address == "/portal/payment-methods/add"
    answer = browser.post(address, {"instrument": "pm_card_mastercard"})
    assert answer["Refresh"] == f"0; url={BACK}?updated=1"
    default = sdk.v1.customers.retrieve(customer).invoice_settings.default_payment_method
    assert sdk.v1.payment_methods.retrieve(default).card.brand == "mastercard"


def test_a_prepared_change_is_confirmed_with_one_button(sdk: Sdk) -> None:
    """A month at 10.00, changed within its first second to 30.00 at half off: 15.00 - 10.00."""
    customer, subscription = subscribed(sdk)
    item = subscription["items"].data[0]
    larger = sdk.price(3000, product=item.price.product)
    half = sdk.v1.coupons.create({"percent_off": 50, "duration": "forever", "id": "HALF"})
    confirm = {
        "subscription": subscription.id,
        "items": [{"id": item.id, "price": larger.id, "quantity": 1}],
        "discounts": [{"coupon": half.id}],
    }
    flow = {
        "type": "subscription_update_confirm",
        "subscription_update_confirm": confirm,
        "after_completion": {"type": "portal_homepage"},
    }
    browser, address, session = visit(sdk, customer, flow)
    assert session.flow.subscription_update_confirm.discounts[0].coupon == "HALF"
    assert address == f"/portal/subscriptions/{subscription.id}/change/confirm"
    page = browser.get(address).content.decode()
    done = browser.post(address, {"at": moment_in(page), "confirm": "1"})
    assert (done.status_code, done.url) == (302, "/portal/")
    changed = sdk.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice", "discounts"]})
    assert changed["items"].data[0].price.id == larger.id
    assert changed.discounts[0].source.coupon == "HALF"
    assert changed.latest_invoice.amount_paid == 500
    assert browser.get(address).status_code == 404  # the visit is an ordinary one by now


def test_a_change_that_costs_less_waits_for_the_period_to_end_and_can_be_taken_back(sdk: Sdk) -> None:
    """20.00 until 1 February, 10.00 from then on; nothing is charged or credited before."""
    clock = sdk.clock(NEW_YEAR)
    customer, subscription = subscribed(sdk, 2000, clock.id)
    smaller = sdk.price(1000, product=subscription["items"].data[0].price.product)
    waiting = {
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price", "quantity"],
            "proration_behavior": "always_invoice",
            "schedule_at_period_end": {
                "conditions": [{"type": "decreasing_item_amount"}, {"type": "shortening_interval"}]
            },
        }
    }
    made = sdk.v1.billing_portal.configurations.create({"features": waiting})
    conditions = made.features.subscription_update.schedule_at_period_end.conditions
    assert [one.type for one in conditions] == ["decreasing_item_amount", "shortening_interval"]
    flow = {"type": "subscription_update", "subscription_update": {"subscription": subscription.id}}
    browser, address, _ = visit(sdk, customer, flow)
    assert address == f"/portal/subscriptions/{subscription.id}/change"
    choice = {"price": smaller.id, "quantity": "1"}
    page = browser.post(address, choice).content.decode()
    assert "From February 1, 2024" in page
    done = browser.post(address, choice | {"at": moment_in(page), "confirm": "1"}, follow=True)
    assert "Your plan will change when the period is over." in done.content.decode()
    assert sdk.v1.subscriptions.retrieve(subscription.id)["items"].data[0].price.unit_amount == 2000
    ordinary = f"/portal/subscriptions/{subscription.id}"
    assert "$10.00" in browser.get(ordinary).content.decode()
    assert browser.post(f"{ordinary}/keep-plan").status_code == 302
    assert sdk.v1.subscriptions.retrieve(subscription.id).schedule is None
    page = browser.post(address, choice).content.decode()
    browser.post(address, choice | {"at": moment_in(page), "confirm": "1"})
    sdk.advance(clock.id, FEBRUARY + DAY)
    changed = sdk.v1.subscriptions.retrieve(subscription.id)
    assert (changed["items"].data[0].price.id, changed.schedule) == (smaller.id, changed.schedule)
    assert [one.total for one in sdk.invoices(subscription=subscription.id)] == [2000, 1000]


def test_a_coupon_is_offered_to_who_wants_to_leave_and_taken_once(sdk: Sdk) -> None:
    customer, subscription = subscribed(sdk)
    sdk.v1.coupons.create({"id": "STAY", "percent_off": 30, "duration": "repeating", "duration_in_months": 3})
    retention = {"type": "coupon_offer", "coupon_offer": {"coupon": "STAY"}}
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": {"subscription": subscription.id, "retention": retention},
    }
    browser, address, session = visit(sdk, customer, flow)
    assert session.flow.subscription_cancel.retention.coupon_offer.coupon == "STAY"
    page = browser.get(address).content.decode()
    assert "Stay, and you get 30% off for 3 months" in page
    assert "Thank you for staying" in browser.post(address, {"stay": "1"}, follow=True).content.decode()
    kept = sdk.v1.subscriptions.retrieve(subscription.id, {"expand": ["discounts"]})
    assert ([one.source.coupon for one in kept.discounts], kept.cancel_at_period_end) == (["STAY"], False)
    assert "Stay, and you get" not in browser.get(address).content.decode()


def test_what_a_flow_cannot_do_is_refused_before_anybody_is_sent_there(sdk: Sdk) -> None:
    customer, subscription = subscribed(sdk)
    stranger, theirs = subscribed(sdk)
    item, other = subscription["items"].data[0], theirs["items"].data[0]
    unlisted = sdk.price(5000)
    update = {**ALL_ON["subscription_update"], "products": [{"product": item.price.product, "prices": [item.price.id]}]}
    sdk.v1.billing_portal.configurations.create(
        {"features": {**ALL_ON, "subscription_update": update, "payment_method_update": {"enabled": False}}}
    )
    name = "flow_data[subscription_update_confirm]"

    def confirm(**wanted: Any) -> dict[str, Any]:
        told = {"subscription": subscription.id, "items": [{"id": item.id, **wanted}]}
        return {"type": "subscription_update_confirm", "subscription_update_confirm": told}

    for flow, code, param in (
        ({"type": "payment_method_update"}, "parameter_invalid", "flow_data[type]"),
        ({"type": "subscription_cancel"}, "parameter_missing", "flow_data[subscription_cancel]"),
        (
            {"type": "subscription_update", "subscription_update": {"subscription": theirs.id}},
            "resource_missing",
            "flow_data[subscription_update][subscription]",
        ),
        (confirm(id=other.id, quantity=2), "resource_missing", f"{name}[items][0][id]"),
        (confirm(price="price_none"), "resource_missing", f"{name}[items][0][price]"),
        (confirm(price=unlisted.id), "parameter_invalid", f"{name}[items][0][price]"),
        (confirm(), "parameter_missing", f"{name}[items][0][price]"),
        (
            {"type": "customer_update", "after_completion": {"type": "redirect"}},
            "parameter_missing",
            "flow_data[after_completion][redirect]",
        ),
        (
            {
                "type": "customer_update",
                "after_completion": {"type": "redirect", "redirect": {"return_url": "javascript:alert(1)"}},
            },
            "url_invalid",
            "flow_data[after_completion][redirect][return_url]",
        ),
    ):
        assert refusal(sdk, customer, flow) == (code, param)
    sdk.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    over = {"type": "subscription_cancel", "subscription_cancel": {"subscription": subscription.id}}
    assert refusal(sdk, customer, over) == ("parameter_invalid", "flow_data[subscription_cancel][subscription]")
    assert refusal(sdk, stranger, over) == ("resource_missing", "flow_data[subscription_cancel][subscription]")


def test_quantities_stay_within_what_the_configuration_allows(sdk: Sdk) -> None:
    customer, subscription = subscribed(sdk)
    item = subscription["items"].data[0]
    product = {
        "product": item.price.product,
        "prices": [item.price.id],
        "adjustable_quantity": {"enabled": True, "minimum": 2, "maximum": 5},
    }
    update = {**ALL_ON["subscription_update"], "products": [product]}
    made = sdk.v1.billing_portal.configurations.create({"features": {**ALL_ON, "subscription_update": update}})
    assert made.features.subscription_update.products[0].adjustable_quantity.maximum == 5
    flow = {"type": "subscription_update", "subscription_update": {"subscription": subscription.id}}
    browser, address, _ = visit(sdk, customer, flow)
    wrong = browser.post(address, {"price": item.price.id, "quantity": "6"})
    assert wrong.status_code == 422
    assert "Choose from 2 to 5." in wrong.content.decode()
    assert browser.post(address, {"price": item.price.id, "quantity": "5"}).status_code == 200
    told = {"subscription": subscription.id, "items": [{"id": item.id, "quantity": 6}]}
    flow = {"type": "subscription_update_confirm", "subscription_update_confirm": told}
    assert refusal(sdk, customer, flow) == (
        "parameter_invalid",
        "flow_data[subscription_update_confirm][items][0][quantity]",
    )


def test_a_configuration_has_a_public_page_to_sign_in_at(sdk: Sdk) -> None:
    customer = sdk.customer(email="zoe@example.com")
    made = sdk.v1.billing_portal.configurations.create(
        {
            "features": {"invoice_history": {"enabled": True}},
            "login_page": {"enabled": True},
            "default_return_url": BACK,
            "business_profile": {"privacy_policy_url": f"{SHOP}/privacy", "terms_of_service_url": f"{SHOP}/terms"},
        }
    )
    assert made.login_page.url == f"{settings.SITE_URL}/portal/login/{made.id}"
    assert made.business_profile.terms_of_service_url == f"{SHOP}/terms"
    path = made.login_page.url.removeprefix(settings.SITE_URL)
    browser = Client()
    assert browser.get(path).status_code == 200
    assert browser.post(path, {"email": customer.email}).status_code == 200
    session = sdk.v1.billing_portal.configurations.update(made.id, {"login_page": {"enabled": False}})
    assert (session.login_page.enabled, session.login_page.url) == (False, None)
    assert Client().get(path).status_code == 404


def test_the_pages_speak_what_the_session_says(sdk: Sdk) -> None:
    customer, _ = subscribed(sdk)
    session = sdk.v1.billing_portal.sessions.create({"customer": customer, "locale": "fr-CA", "return_url": BACK})
    assert session.locale == "fr-CA"
    browser = Client()
    browser.post(session.url.removeprefix(settings.SITE_URL))
    page = browser.get("/portal/").content.decode()
    assert 'lang="fr-ca"' in page
    assert f'href="{BACK}"' in page
