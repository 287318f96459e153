"""The dashboard in a real browser: a working day, and every page in both lights without a policy broken."""

import json
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from events.models import Event
from merchants.models import Merchant, User
from subscriptions.models import Subscription
from tests.factories import catalog, customers, merchants
from tests.factories.signups import subscription
from tests.factories.times import NEW_YEAR

if TYPE_CHECKING:
    from playwright.sync_api import Page

EMAIL, PASSWORD = "owner@erable.example", "correct horse"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
PAGES = [
    "overview", "customers", "subscriptions", "invoices", "payments", "products", "coupons", "tax_rates",
    "payment_links", "events", "messages", "runs", "refusals", "test_clocks", "settings", "customer_new",
    "subscription_new", "product_new", "coupon_new", "payment_link_new", "quotes", "quote_new", "test_clock_new",
    "dry_run_new", "webhook_new", "api_key_restricted", "api_reference", "portal_new",
]  # fmt: skip


@pytest.fixture
def shop(transactional_db) -> Merchant:
    """A sandbox with one subscriber on a clock, who has paid."""
    cache.clear()
    shop = merchants.merchant(name="Érable (sandbox)")
    owner = merchants.user(email=EMAIL, password=PASSWORD)
    merchants.membership(merchant=shop, user=owner)
    price = catalog.price(merchant=shop, amount=2000, nickname="Monthly")
    catalog.price(merchant=shop, amount=3500, product=price.product, nickname="Large")
    clock = customers.clock(merchant=shop)
    ada = customers.customer(merchant=shop, name="Ada", payment_method="pm_card_visa", test_clock=clock)
    customers.customer(merchant=shop, name="Blaise", email="blaise@example.com")
    subscription(customer=ada, prices=[price], at=NEW_YEAR)
    return shop


@pytest.fixture
def page(browser_page: "Page", shop: Merchant, live_server) -> "Page":
    """The owner at work."""
    client = Client()
    client.force_login(User.objects.get(email=EMAIL))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    browser_page.context.add_cookies([cookie])
    return browser_page


@pytest.fixture
def arrived(browser_page: "Page", shop: Merchant) -> "Page":
    """The owner, just logged in through the login page."""
    browser_page.goto("/dashboard/")
    browser_page.fill("[name=login]", EMAIL)
    browser_page.fill("[name=password]", PASSWORD)
    browser_page.click("main button[type=submit]")
    browser_page.wait_for_url("**/dashboard/")
    return browser_page


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_fits_its_screen_and_keeps_the_policy_in_both_lights(page, size) -> None:
    page.set_viewport_size(size)
    missing: list[str] = []
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    for name in PAGES:
        page.goto(reverse(f"dashboard:{name}"))
        page.wait_for_function("!document.querySelector('.htmx-request')")  # what it loads by itself is there
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.click("[data-theme-toggle]")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before, name
    assert not missing


def test_the_theme_is_remembered_by_the_server_too(page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/dashboard/")
    page.click("[data-theme-toggle]")
    page.reload()
    assert page.get_attribute("html", "data-bs-theme") == "dark"


def test_a_working_day(arrived) -> None:
    """Find a subscription, see what a change costs, make it, end it and think again, send some money back."""
    page = arrived
    page.goto(reverse("dashboard:subscriptions"))
    page.fill("[data-search]", "ada")
    page.wait_for_url("**q=ada*")
    page.click("#list tbody tr")
    page.get_by_role("link", name="Change", exact=True).click()

    page.fill("input[name^=quantity_si]", "3")
    page.wait_for_selector("#preview :text('Charged now')")
    assert "CA$40.00" in page.inner_text("#preview")
    page.click("main button:has-text('Change it')")
    page.wait_for_selector(".toast-success :text('The payment succeeded.')")

    page.click(".page-actions :text-is('Cancel')")
    page.wait_for_selector("dialog[open]")
    page.click("dialog :text-is('Cancel the subscription')")
    page.wait_for_selector(".notice-warning")
    page.click(".page-actions :text('Keep it running')")
    page.click("dialog[open] button[type=submit]")
    page.wait_for_selector(".toast-success :text('goes on')")
    assert not Subscription.objects.get().cancel_at_period_end

    page.click("main .data a[href*='/invoices/'] >> nth=0")
    page.click("text=View the payment")
    page.click(".page-actions :text-is('Refund')")
    page.fill("dialog [name=amount]", "5.001")
    page.click("dialog button[type=submit]")
    assert "more decimals than CAD" in page.inner_text(".field-error")
    page.fill("[name=amount]", "5")
    page.click("main button[type=submit]")
    page.wait_for_selector("h1 :text('Partly refunded')")


def test_a_list_is_filtered_and_sorted_without_loading_the_page_again(page) -> None:
    page.goto(reverse("dashboard:customers"))
    page.evaluate("window.sameDocument = true")
    page.fill("[data-search]", "blaise")
    page.wait_for_selector("#list tbody tr >> nth=0")
    page.wait_for_selector("#list a:text-is('Ada')", state="detached")
    page.click("#list th a >> nth=0")
    page.wait_for_url("**sort=*")
    assert page.evaluate("window.sameDocument")
    assert "q=blaise" in page.url


def test_a_double_click_creates_one_customer(page, shop) -> None:
    from customers.models import Customer

    page.goto(reverse("dashboard:customer_new"))
    page.fill("[name=email]", "twice@example.com")
    page.dblclick("main button[type=submit]")
    page.wait_for_selector("h1 >> text=twice@example.com")
    assert Customer.objects.filter(email="twice@example.com").count() == 1


def test_acts_are_pages_of_their_own_without_javascript(browser, live_server, shop) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/dashboard/")
    page.fill("[name=login]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    sub = Subscription.objects.get()
    page.goto(reverse("dashboard:subscription", args=[sub.pk]))
    page.click(".page-actions a:has-text('Cancel')")
    page.click("main button:has-text('Cancel the subscription')")
    sub.refresh_from_db()
    assert sub.cancel_at_period_end
    context.close()


def test_what_developers_read_is_copied_narrowed_and_chosen_at_a_stroke(page, shop) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    event = Event.objects.get(merchant_id=shop.id, type="invoice.paid")
    page.goto(reverse("dashboard:event", args=[event.pk]))
    page.click("[data-copy-from]")
    page.wait_for_selector("[data-copy-from] >> text=Copied")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert (copied["object"], copied["total"]) == ("invoice", 2000)

    page.goto(reverse("dashboard:api_reference"))
    page.keyboard.press("/")
    page.keyboard.type("trial_end")
    shown = page.locator("[data-narrow]:visible code").all_inner_texts()
    assert "/v1/subscriptions" in shown
    assert "/v1/refunds" not in shown

    page.goto(reverse("dashboard:api_key_restricted"))
    page.click("[data-check-all=read]")
    assert page.locator("input[type=radio]:checked").count() == page.locator("input[value=read]:checked").count() > 10


def test_the_menu_opens_on_a_phone(page) -> None:
    page.set_viewport_size(PHONE)
    page.goto("/dashboard/")
    page.click("[data-bs-target='#side'] >> visible=true")
    page.click("#side :text('Invoices')")
    page.wait_for_url("**/invoices/")


def test_the_reader_switches_to_french(page) -> None:
    page.goto("/dashboard/")
    page.click(".bar .language-switch [value=fr-ca]")
    page.wait_for_selector("h1:has-text('Vue d’ensemble')")
    assert page.get_attribute("html", "lang") == "fr-ca"
