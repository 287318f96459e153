"""A shop sends people to our pages: checkout sessions, payment links and the portal, through the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tests.api.sdk import Sdk, new_sdk
from tests.portal.conftest import QUEBEC

SHOP = "https://shop.example"
DAY = 86400

wall = timezone.now  # noqa: TID251 (a page is visited in wall time)


def session(sdk: Sdk, **fields: Any) -> Any:
    params = {
        "mode": "subscription",
        "line_items": [{"price": sdk.price(2000).id, "quantity": 2}],
        "success_url": SHOP + "/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": SHOP + "/cart",
    }
    return sdk.v1.checkout.sessions.create({**params, **fields})


def visit(url: str) -> tuple[Client, Any]:
    """A browser that follows the session's address."""
    browser = Client()
    return browser, browser.get(url.removeprefix(settings.SITE_URL), follow=True)


def test_a_session_sells_its_basket_and_says_so(sdk: Sdk) -> None:
    opened = session(
        sdk,
        client_reference_id="cart_9",
        metadata={"cart": "9"},
        subscription_data={"metadata": {"seat": "A1"}},
        customer_email="zoe@example.com",
    )
    assert (opened.status, opened.payment_status, opened.amount_total, opened.mode) == (
        "open",
        "unpaid",
        4000,
        "subscription",
    )
    [line] = sdk.v1.checkout.sessions.line_items.list(opened.id).data
    assert (line.quantity, line.amount_total, line.price.unit_amount) == (2, 4000, 2000)
    browser, first = visit(opened.url)
    assert "zoe@example.com" in first.content.decode()
    done = browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    assert done["Refresh"] == f"0; url={SHOP}/thanks?session={opened.id}"
    bought = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription", "invoice", "customer"]})
    assert (bought.status, bought.payment_status, bought.url) == ("complete", "paid", None)
    assert (bought.subscription.status, bought.subscription.metadata.to_dict()) == ("active", {"seat": "A1"})
    assert (bought.invoice.total, bought.amount_total, bought.customer.email) == (4000, 4000, QUEBEC["email"])
    [told] = sdk.v1.events.list({"type": "checkout.session.completed"}).data
    body = told.data.object
    assert (body.id, body.client_reference_id, body.metadata["cart"], body.subscription, body.payment_status) == (
        opened.id,
        "cart_9",
        "9",
        bought.subscription.id,
        "paid",
    )
    assert [one.id for one in sdk.v1.checkout.sessions.list({"subscription": bought.subscription.id}).data] == [
        opened.id
    ]
    browser.get(f"/pay/s/{opened.id}/done")
    assert len(sdk.v1.events.list({"type": "checkout.session.completed"}).data) == 1


def test_a_known_customer_buys_a_trial(sdk: Sdk) -> None:
    customer = sdk.customer(card="")
    opened = session(sdk, customer=customer.id, subscription_data={"trial_period_days": 14})
    browser, _ = visit(opened.url)
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    bought = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription"]})
    assert (bought.status, bought.payment_status, bought.subscription.status) == (
        "complete",
        "no_payment_required",
        "trialing",
    )
    assert bought.subscription.customer == customer.id


def test_an_expired_session_sells_nothing(sdk: Sdk) -> None:
    opened = session(sdk)
    assert sdk.v1.checkout.sessions.expire(opened.id).status == "expired"
    _, page = visit(opened.url)
    assert page.status_code == 410
    assert [one.data.object.id for one in sdk.v1.events.list({"type": "checkout.session.expired"}).data] == [opened.id]
    with pytest.raises(stripe.InvalidRequestError, match="Only an open checkout session"):
        sdk.v1.checkout.sessions.expire(opened.id)
    _, stranger = visit(opened.url[:-3] + "abc")
    assert stranger.status_code == 404


def test_what_a_session_lacks_is_named(sdk: Sdk) -> None:
    clocked = sdk.customer(sdk.clock(1704067200).id, card="")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"mode": "payment"}, "line_items"),
        ({"mode": "payment", "subscription_data": {"trial_period_days": 3}}, "subscription_data"),
        ({"mode": "setup"}, "line_items"),
        ({"setup_intent_data": {"description": "x"}}, "setup_intent_data"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0][price]"),
        ({"line_items": [{"price": "price_none"}]}, "line_items[0][price]"),
        ({"line_items": [{"price": sdk.price(500, interval="").id}]}, "line_items"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"success_url": "https://a.example/\nx"}, "success_url"),
        ({"cancel_url": "ftp://a.example"}, "cancel_url"),
        ({"customer": clocked.id}, "customer"),
        ({"customer": "cus_none"}, "customer"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"expires_at": 1704067200}, "expires_at"),
        ({"discounts": [{"coupon": "x"}]}, "discounts[0][coupon]"),
        ({"discounts": [{"coupon": "x"}], "allow_promotion_codes": True}, "discounts"),
    ]
    for fields, param in wrong:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            session(sdk, **fields)
        assert refused.value.param == param, fields
    assert sdk.v1.checkout.sessions.list().data == []
    assert sdk.v1.payment_links.list().data == []


def test_a_payment_link_is_made_changed_and_closed(sdk: Sdk) -> None:
    link = sdk.v1.payment_links.create(
        {
            "line_items": [{"price": sdk.price(2000).id, "quantity": 1, "adjustable_quantity": {"enabled": True}}],
            "after_completion": {"type": "redirect", "redirect": {"url": SHOP}},
            "metadata": {"page": "home"},
        }
    )
    assert (link.active, link.after_completion.redirect.url, link.currency) == (True, SHOP, "usd")
    assert visit(link.url)[1].status_code == 200
    assert [one.amount_total for one in sdk.v1.payment_links.line_items.list(link.id).data] == [2000]
    changed = sdk.v1.payment_links.update(link.id, {"active": False, "metadata": {"page": "", "shut": "yes"}})
    assert (changed.active, changed.metadata.to_dict()) == (False, {"shut": "yes"})
    assert visit(link.url)[1].status_code == 404
    assert [one.id for one in sdk.v1.payment_links.list({"active": False}).data] == [link.id]
    stranger = new_sdk(sdk.url, name="Ailleurs", prefix="AIL")
    with pytest.raises(stripe.InvalidRequestError):
        stranger.v1.payment_links.retrieve(link.id)


def test_a_portal_session_lets_its_customer_in_once(sdk: Sdk) -> None:
    customer = sdk.customer()
    opened = sdk.v1.billing_portal.sessions.create({"customer": customer.id, "return_url": SHOP})
    assert (opened.object, opened.customer, opened.return_url) == ("billing_portal.session", customer.id, SHOP)
    browser, page = visit(opened.url)
    assert page.status_code == 200
    path = opened.url.removeprefix(settings.SITE_URL)
    assert browser.post(path).status_code == 302
    assert browser.get("/portal/").status_code == 200
    assert Client().post(path).status_code == 410


def test_what_is_sold_is_described_on_the_spot(sdk: Sdk) -> None:
    described = {
        "currency": "usd",
        "unit_amount": 2000,
        "recurring": {"interval": "month"},
        "product_data": {"name": "T-shirt", "description": "Warm", "images": ["https://a.example/t.png"]},
    }
    line = {"price_data": described, "quantity": 2}
    session = sdk.v1.checkout.sessions.create(
        {"mode": "subscription", "line_items": [line], "success_url": "https://a.example"}
    )
    [item] = sdk.v1.checkout.sessions.line_items.list(session.id, {"expand": ["data.price.product"]}).data
    assert (item.description, item.quantity, item.amount_total) == ("T-shirt", 2, 4000)
    assert (item.price.product.description, item.price.product.images) == ("Warm", ["https://a.example/t.png"])
    link = sdk.v1.payment_links.create({"line_items": [line]})
    assert link.currency == "usd"
    both = line | {"price_data": described | {"product": item.price.product.id}}
    with pytest.raises(stripe.InvalidRequestError) as twice:
        sdk.v1.payment_links.create({"line_items": [both]})
    assert twice.value.param == "line_items[0][price_data][product]"
    assert len(sdk.v1.products.list().data) == 2


def test_a_session_says_how_its_subscription_begins(sdk: Sdk) -> None:
    ends = int(wall().timestamp()) + 5 * DAY
    opened = session(
        sdk,
        subscription_data={
            "trial_end": ends,
            "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
            "billing_mode": {"type": "flexible"},
        },
        automatic_tax={"enabled": False},
        billing_address_collection="auto",
        customer=sdk.customer(card="").id,  # Stripe takes `customer_update` of a known customer alone
        customer_update={"address": "auto"},
        payment_method_collection="always",
        phone_number_collection={"enabled": False},
    )
    assert opened.billing_address_collection == "auto"
    browser, _ = visit(opened.url)
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription"]}).subscription
    assert (sold.status, sold.trial_end) == ("trialing", ends)
    assert sold.trial_settings.end_behavior.missing_payment_method == "cancel"


def test_an_anchor_begins_with_a_stub_that_may_be_free(sdk: Sdk) -> None:
    anchor = int(wall().timestamp()) + 10 * DAY
    begins = {"billing_cycle_anchor": anchor, "proration_behavior": "none"}
    opened = session(sdk, subscription_data=begins)
    browser, _ = visit(opened.url)
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    sold = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["subscription.latest_invoice"]}).subscription
    assert (sold.billing_cycle_anchor, sold["items"].data[0].current_period_end) == (anchor, anchor)
    assert sold.latest_invoice is None or sold.latest_invoice.total == 0


@pytest.mark.parametrize(
    ("data", "param"),
    [
        ({"trial_end": 1704067200}, "trial_end"),
        ({"billing_cycle_anchor": 1704067200}, "billing_cycle_anchor"),
        ({"trial_end": 4102444800, "trial_period_days": 7}, "trial_end"),
    ],
)
def test_a_beginning_that_cannot_be_is_named(sdk: Sdk, data: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        session(sdk, subscription_data=data)
    assert refused.value.param == f"subscription_data[{param}]"
