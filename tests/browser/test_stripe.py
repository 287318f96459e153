"""Payments through Stripe in a real browser: its pages are the fake's, ours keep their policy all the way."""

import os
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

from core.ids import new_id
from invoicing.models import Invoice
from payments.services import attach_payment_method
from tests.factories import merchants
from tests.factories.customers import customer as new_customer
from tests.factories.gateways import merchant_on_stripe
from tests.factories.payments import open_invoice
from tests.factories.times import context

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "correct horse"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}


@pytest.fixture
def merchant(transactional_db, fake, settings, live_server):
    cache.clear()
    settings.SITE_URL = live_server.url
    return merchant_on_stripe(fake)


@pytest.fixture
def invoice(merchant):
    return open_invoice(customer=new_customer(merchant=merchant), amount=1250, hosted_token=new_id("tok"))


def looked_at(page: "Page", name: str) -> None:
    """Each page fits its screen in both lights and sizes; SHOTS names a folder to keep pictures in."""
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        for light in ("light", "dark"):
            page.emulate_media(color_scheme=light)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{name} is {width} wide on {size['width']}"
            if os.environ.get("SHOTS"):
                page.screenshot(path=f"{os.environ['SHOTS']}/{name}-{size['width']}-{light}.png", full_page=True)
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")


def test_an_invoice_is_paid_with_a_card_typed_on_stripes_page(browser_page: "Page", invoice) -> None:
    page = browser_page
    page.goto(f"/i/{invoice.hosted_token}")
    looked_at(page, "invoice")
    page.click("text=Pay with a card")
    page.wait_for_selector("text=Checkout of the fake")
    page.fill("[name=number]", "4000 0000 0000 0002")
    page.click("text=Save")
    page.wait_for_selector("text=Your card was declined.")
    page.fill("[name=number]", "4242 4242 4242 4242")
    page.click("text=Save")
    page.wait_for_selector("text=Paid on")
    assert Invoice.objects.get().status == "paid"


@pytest.mark.parametrize(("answer", "said", "status"), [("Approve", "Paid on", "paid"), ("Fail", "did not go", "open")])
def test_the_bank_asks_on_its_own_page(browser_page: "Page", merchant, invoice, answer, said, status) -> None:
    attach_payment_method(
        ctx=context(), merchant_id=merchant.id, customer_id=invoice.customer_id,
        instrument="pm_card_threeDSecure2Required",
    )  # fmt: skip
    page = browser_page
    page.goto(f"/i/{invoice.hosted_token}")
    page.click("button:has-text('Pay CA$12.50')")
    page.wait_for_selector("text=Continue to your bank")
    looked_at(page, "bank")
    page.click("text=Continue to your bank")
    page.click(f"button:has-text('{answer}')")
    page.wait_for_selector(f"text={said}")
    assert Invoice.objects.get().status == status


def test_a_member_connects_tests_and_disconnects(browser_page: "Page", transactional_db, fake, settings, live_server):
    cache.clear()
    settings.SITE_URL = live_server.url
    shop = merchants.merchant(name="Érable (sandbox)")
    owner = merchants.user(email="owner@erable.example", password=PASSWORD)
    merchants.membership(merchant=shop, user=owner)
    fake.books.open_account("sk_test_0123456789abcdefghijklmnop", "acct_theirs")
    page = browser_page
    page.goto("/dashboard/processor/")
    page.fill("[name=login]", "owner@erable.example")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_selector("text=Collect real payments")
    looked_at(page, "processor-empty")
    page.click("text=Connect Stripe")
    page.fill("dialog [name=api_key]", "sk_test_wrong0123456789abcdef")
    page.click("dialog button:has-text('Connect')")
    page.wait_for_selector("text=connect it again")
    looked_at(page, "processor-refused")
    page.fill("[name=api_key]", "sk_test_0123456789abcdefghijklmnop")
    page.click("main button[type=submit], dialog[open] button[type=submit]")
    page.wait_for_selector("text=acct_theirs")
    looked_at(page, "processor")
    page.click("text=Test the connection")
    page.click("dialog button:has-text('Test')")
    page.wait_for_selector("text=The key works.")
    page.click("a:has-text('Disconnect')")
    page.click("dialog button:has-text('Disconnect')")
    page.wait_for_selector("text=No account is connected")
