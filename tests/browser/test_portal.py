"""A subscriber's way through the portal, in a real browser."""

import re
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

from core.ids import new_id
from notifications.models import Message
from subscriptions.models import Subscription
from tests.factories import catalog, customers, merchants
from tests.portal.conftest import QUEBEC

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def zoe(transactional_db, client):
    """A subscriber of CA$20.00 a month, and a dearer plan she could take."""
    cache.clear()
    merchant = merchants.merchant()
    box = catalog.product(merchant=merchant, name="Box")
    link = catalog.payment_link(merchant=merchant, prices=[catalog.price(merchant=merchant, amount=2000, product=box)])
    crate = catalog.product(merchant=merchant, name="Crate")
    catalog.price(merchant=merchant, amount=5000, product=crate)
    client.post(client.get(f"/pay/{link.id}").url, QUEBEC)
    return Subscription.objects.get().customer


def come_in(page: "Page", customer) -> None:
    page.goto("/portal/")
    page.fill("#id_email", customer.email)
    page.click("text=Send me a link")
    page.wait_for_selector("text=Look into your mailbox")
    mail = Message.objects.get(kind="portal_link")
    page.goto(re.search(r"/portal/\S+/link/[\w-]+", mail.text).group())
    page.click("text=Continue")
    page.wait_for_selector("h1:has-text('Your subscriptions')")


def test_a_plan_is_changed_at_the_price_that_was_shown(browser_page: "Page", zoe) -> None:
    page = browser_page
    come_in(page, zoe)
    page.click("text=Change plan")
    page.check("label:has-text('Crate') input")
    page.click("text=Show what it costs")
    shown = page.inner_text("dt:has-text('Charged now') + dd")
    page.click("text=Confirm the change")
    page.wait_for_selector("text=Your plan was changed.")
    assert "Crate" in page.inner_text("h1")
    assert shown in page.inner_text(".invoice-rows")


def test_a_subscription_is_cancelled_and_taken_back(browser_page: "Page", zoe) -> None:
    page = browser_page
    come_in(page, zoe)
    page.click(".agreement h2 a")
    page.click("text=Cancel subscription")
    page.check("label:has-text('It is too expensive') input")
    page.fill("#id_comment", "Au revoir")
    page.click("button:has-text('Cancel subscription')")
    page.wait_for_selector("text=Ends on")
    assert Subscription.objects.get().cancellation_feedback == "too_expensive"
    page.click("text=Keep my subscription")
    page.wait_for_selector("text=Renews on")
    assert Subscription.objects.get().cancel_at_period_end is False


def test_the_address_follows_the_country_and_the_language_speaks_at_once(browser_page: "Page", zoe) -> None:
    page = browser_page
    come_in(page, zoe)
    page.click("nav >> text=Details")
    page.select_option("#id_country", "US")
    page.wait_for_selector("text=ZIP code")
    page.select_option("#id_country", "CA")
    page.wait_for_selector("text=Province or territory")
    page.select_option("#id_state", "QC")
    page.select_option("#id_preferred_locale", "fr-ca")
    page.click("text=Save")
    page.wait_for_selector("h1:has-text('Vos coordonnées')")


def test_the_keyboard_alone_reaches_the_cards(browser_page: "Page", zoe) -> None:
    page = browser_page
    come_in(page, zoe)
    page.goto("/portal/payment-methods/add")
    page.focus("input[name=instrument]:checked")
    page.keyboard.press("ArrowDown")
    assert (
        page.locator("input[name=instrument]:checked").input_value() == "pm_card_visa_chargeDeclinedInsufficientFunds"
    )


def test_a_strangers_subscription_is_not_found(browser_page: "Page", zoe) -> None:
    page = browser_page
    customers.customer(merchant=zoe.merchant, email="eve@example.com")
    come_in(page, zoe)
    answer = page.goto(f"/portal/subscriptions/{new_id('sub')}")
    assert answer is not None
    assert answer.status == 404
