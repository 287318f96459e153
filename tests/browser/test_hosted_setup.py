"""A merchant on Stripe, in a real browser: the card is entered on the processor's page, the bank asks on its own."""

import os
from typing import TYPE_CHECKING

import pytest

from invoicing.models import Invoice
from payments.models import Charge, PaymentIntent
from subscriptions.models import Subscription
from tests.factories import catalog
from tests.factories.gateways import merchant_on_stripe

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def link(transactional_db, fake, live_server, settings):
    """CA$20.00 a month, collected through the fake."""
    settings.SITE_URL = live_server.url
    merchant = merchant_on_stripe(fake)
    price = catalog.price(merchant=merchant, product=catalog.product(merchant=merchant, name="Box"), amount=2000)
    return catalog.payment_link(merchant=merchant, prices=[price])


def look(page: "Page", name: str) -> None:
    """With LOOK_INTO=folder the pages are kept as pictures, for people."""
    if os.environ.get("LOOK_INTO"):
        page.screenshot(path=f"{os.environ['LOOK_INTO']}/{name}.png", full_page=True, caret="initial")


def fill_in(page: "Page", link) -> None:
    page.goto(f"/pay/{link.id}")
    page.fill("#id_email", "zoe@example.com")
    page.fill("#id_name", "Zoé Gagnon")
    page.fill("#id_line1", "4 rue Cartier")
    page.fill("#id_city", "Québec")
    page.select_option("#id_state", "QC")
    page.fill("#id_postal_code", "G1R 2S5")
    look(page, "checkout")
    page.click("button:has-text('Subscribe and pay')")
    page.wait_for_selector("h1:has-text('Checkout of the fake')")


def test_a_card_entered_on_the_processors_page_buys_and_pays(browser_page: "Page", link) -> None:
    page = browser_page
    fill_in(page, link)
    assert not Subscription.objects.exists()
    page.select_option("select[name=token]", "pm_card_visa")
    page.click("text=Save")
    page.wait_for_url("**/done")
    look(page, "done")
    assert Invoice.objects.get().status == "paid"
    assert Charge.objects.get().status == "succeeded"


def test_a_bank_that_asks_is_answered_on_its_own_page(browser_page: "Page", link) -> None:
    page = browser_page
    fill_in(page, link)
    page.select_option("select[name=token]", "pm_card_authenticationRequired")
    page.click("text=Save")
    page.click("text=Continue to your bank")
    page.click("text=Approve")
    page.wait_for_url("**/done")
    assert PaymentIntent.objects.get().status == "succeeded"


def test_a_card_that_does_not_pay_leads_to_a_page_that_says_so(browser_page: "Page", link) -> None:
    page = browser_page
    fill_in(page, link)
    page.select_option("select[name=token]", "pm_card_chargeCustomerFail")
    page.click("text=Save")
    page.wait_for_selector("text=The payment did not go through.")
    look(page, "declined")
    page.click("button:has-text('Pay CA$20.00')")
    page.wait_for_selector("h1:has-text('Checkout of the fake')")
    page.select_option("select[name=token]", "pm_card_visa")
    page.click("text=Save")
    page.wait_for_url("**/done")
    assert Invoice.objects.get().status == "paid"
