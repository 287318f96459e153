"""From the payment link to a paid invoice and its PDF, in a real browser."""

import re
from typing import TYPE_CHECKING

import pytest

from customers.models import PaymentMethod
from invoicing.models import Invoice
from payments.models import Charge
from subscriptions.models import Subscription
from tests.factories import catalog, merchants

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAY = "#checkout-pay button[type=submit]"


@pytest.fixture
def link(transactional_db):
    merchant = merchants.merchant()
    gst = catalog.tax_rate(merchant=merchant, percentage="5", country="CA")
    qst = catalog.tax_rate(merchant=merchant, display_name="QST", percentage="9.975", country="CA", state="QC")
    catalog.promotion_code(coupon=catalog.coupon(merchant=merchant, percent_off=20), code="WELCOME")
    return catalog.payment_link(
        merchant=merchant,
        prices=[catalog.price(merchant=merchant, amount=2000)],
        tax_rate_ids=[gst.id, qst.id],
        adjustable_quantity=True,
    )


def fill_in(page: "Page") -> None:
    page.fill("#id_email", "zoe@example.com")
    page.fill("#id_name", "Zoé Gagnon")
    page.fill("#id_line1", "4 rue Cartier")
    page.fill("#id_city", "Québec")
    page.fill("#id_postal_code", "G1R 2S5")
    page.select_option("#id_state", "QC")
    page.wait_for_selector("#summary :text('QST (9.975%)')")


def test_signing_up_ends_with_a_paid_invoice_and_its_pdf(browser_page: "Page", link) -> None:
    page = browser_page
    page.goto(f"/pay/{link.id}")
    fill_in(page)
    page.wait_for_selector(".totals-due :text('CA$23.00')")
    page.click(PAY)
    page.wait_for_url("**/done")
    assert "Thank you, Zoé Gagnon" in page.inner_text("h1")
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.total) == ("paid", 2300)
    page.click("text=View the invoice")
    page.wait_for_url(f"**/i/{invoice.hosted_token}")
    assert "Paid on" in page.inner_text("main")
    pdf = page.request.get(f"/i/{invoice.hosted_token}/pdf")
    assert pdf.body().startswith(b"%PDF-")


def test_code_quantity_and_country_change_the_total_as_they_are_given(browser_page: "Page", link) -> None:
    page = browser_page
    page.goto(f"/pay/{link.id}")
    fill_in(page)
    page.fill("#id_promotion_code", "welcome")
    page.click(".offer-code button")
    page.wait_for_selector(".totals-due :text('CA$18.40')")
    page.fill("#id_quantity_0", "3")
    page.press("#id_quantity_0", "Tab")
    page.wait_for_selector(".totals-due :text('CA$55.19')")  # 4800 + 240 + 479
    page.select_option("#id_country", "FR")
    page.wait_for_selector("#address input#id_state")
    page.wait_for_selector(".totals-due :text('CA$48.00')")
    assert page.input_value("#id_line1") == "4 rue Cartier"


def test_a_code_that_does_not_hold_is_said_at_once(browser_page: "Page", link) -> None:
    page = browser_page
    page.goto(f"/pay/{link.id}")
    page.fill("#id_promotion_code", "NOPE")
    page.click(".offer-code button")
    page.wait_for_selector("#id_promotion_code_error")
    assert page.get_attribute("#id_promotion_code", "aria-invalid") == "true"
    assert page.locator("#id_email_error").count() == 0  # nobody pressed "pay" yet


def test_the_button_pressed_twice_pays_once(browser_page: "Page", link) -> None:
    page = browser_page
    page.goto(f"/pay/{link.id}")
    fill_in(page)
    page.dblclick(PAY)
    page.wait_for_url("**/done")
    page.go_back()
    page.wait_for_url("**/done")  # the form is over
    assert Charge.objects.filter(status="succeeded").count() == 1
    assert Subscription.objects.count() == 1
    assert PaymentMethod.objects.filter(detached_at__isnull=True).count() == 1


def test_declined_then_authenticated_then_paid(browser_page: "Page", link) -> None:
    page = browser_page
    page.goto(f"/pay/{link.id}")
    fill_in(page)
    page.check("input[value=pm_card_visa_chargeDeclinedInsufficientFunds]")
    page.click(PAY)
    page.wait_for_selector("text=Only the payment is missing")
    assert "insufficient funds" in page.inner_text("[role=alert]")
    page.check("input[value=pm_card_threeDSecure2Required]")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/authenticate")
    page.click("text=Approve the payment")
    page.wait_for_url("**/done")
    assert Invoice.objects.get().status == "paid"


def test_without_scripts_everything_still_works(browser, live_server, link) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(f"/pay/{link.id}")
    page.fill("#id_email", "zoe@example.com")
    page.fill("#id_name", "Zoé Gagnon")
    page.fill("#id_line1", "4 rue Cartier")
    page.fill("#id_city", "Québec")
    page.fill("#id_postal_code", "G1R 2S5")
    page.select_option("#id_state", "QC")
    page.click("noscript button")
    assert "QST (9.975%)" in page.inner_text("#summary")
    assert page.input_value("#id_email") == "zoe@example.com"
    page.click(PAY)
    assert re.search(r"/done$", page.url)
    context.close()
    assert Invoice.objects.get().status == "paid"


def test_the_page_fits_a_phone(browser_page: "Page", link) -> None:
    page = browser_page
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"/pay/{link.id}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_code_that_leaves_nothing_due_takes_the_way_to_pay_away(browser_page: "Page", link) -> None:
    catalog.promotion_code(coupon=catalog.coupon(merchant=link.merchant, percent_off=100), code="FREE")
    link.terms = {"payment_method_collection": "if_required"}
    link.save()
    page = browser_page
    page.goto(f"/pay/{link.id}")
    fill_in(page)
    assert page.locator("[name=instrument]").count() > 0
    page.fill("[name=promotion_code]", "FREE")
    page.click("text=Apply")
    page.wait_for_selector("#checkout-pay :text('Subscribe now')")
    assert page.locator("[name=instrument]").count() == 0
    page.click(PAY)
    page.wait_for_url("**/done")
    assert not PaymentMethod.objects.exists()
    assert Subscription.objects.get().status == "active"
