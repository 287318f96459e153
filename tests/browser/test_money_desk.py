"""Money that goes back, is contested or failed, in a real browser: the merchant's desk and the payer's links."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.test import Client

from core.ids import new_id
from customers.models import Customer, PaymentMethod
from engine.services.finalize import finalize_invoice
from engine.services.inbox import apply_inbox
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice
from engine.services.pay import pay_invoice
from invoicing.models import CreditNote, Invoice
from merchants.models import Merchant
from notifications.links import CONFIRM, FIX, OnePurpose, sign_link
from payments.inbox import facts_of, store_events
from payments.models import Dispute, GatewayAccount, Refund
from payments.services import attach_payment_method
from subscriptions.services.portal_sessions import open_portal_session
from tests.factories import catalog, merchants
from tests.factories.customers import customer as new_customer
from tests.factories.gateways import merchant_on_stripe
from tests.factories.payments import open_invoice
from tests.factories.times import NEW_YEAR, context, utc

if TYPE_CHECKING:
    from playwright.sync_api import Page

FAR_AHEAD = utc(2100, 1, 1)  # pages compare with the real now


@pytest.fixture
def shop(transactional_db, fake, settings, live_server) -> Merchant:
    cache.clear()
    settings.SITE_URL = live_server.url
    # Its deadlines are ahead of the real now.
    fake.books.started = FAR_AHEAD.timestamp()
    return merchant_on_stripe(fake, name="Érable & Cie")


@pytest.fixture
def theirs(fake, shop):
    [account] = fake.books.accounts.values()
    return account


@pytest.fixture
def desk(browser_page: "Page", shop, live_server) -> "Page":
    """The owner at work."""
    owner = merchants.user(email="owner@erable.example")
    merchants.membership(merchant=shop, user=owner)
    client = Client()
    client.force_login(owner)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    browser_page.context.add_cookies([cookie])
    return browser_page


def payer(shop: Merchant, card: str) -> Customer:
    customer = new_customer(merchant=shop, name="Zoé Gagnon")
    if card:
        attach_payment_method(ctx=context(), merchant_id=shop.id, customer_id=customer.id, instrument=card)
    return customer


def charged(shop: Merchant, card: str) -> Invoice:
    """CA$20.00, tried off session."""
    invoice = open_invoice(customer=payer(shop, card), amount=2000, hosted_token=new_id("tok"))
    pay_invoice(ctx=context(), merchant_id=shop.id, invoice_id=invoice.id, off_session=True)
    invoice.refresh_from_db()
    return invoice


def told(theirs) -> None:
    """What the processor tells is applied."""
    store_events(GatewayAccount.objects.get(), map(facts_of, theirs.objects["event"].values()), NEW_YEAR, "webhook")
    apply_inbox(ctx=context())


def mailed(purpose: str, invoice: Invoice) -> str:
    return f"/{purpose}/{sign_link(OnePurpose(purpose, invoice.merchant_id, invoice.id, FAR_AHEAD))}"


def test_two_of_four_seats_are_refunded_as_the_preview_said(desk: "Page", shop, theirs) -> None:
    """2 x 25.00 and 5 % = 52.50 of 105.00."""
    customer = payer(shop, "pm_card_visa")
    create_invoice_item(
        ctx=context(),
        merchant_id=shop.id,
        customer_id=customer.id,
        unit_amount_decimal=Decimal(2500),
        quantity=4,
        currency="cad",
        description="Seats",
        tax_rate_ids=(catalog.tax_rate(merchant=shop).id,),
    )
    invoice_id = create_invoice(ctx=context(), merchant_id=shop.id, customer_id=customer.id, auto_advance=False)
    finalize_invoice(ctx=context(), merchant_id=shop.id, invoice_id=invoice_id)
    pay_invoice(ctx=context(), merchant_id=shop.id, invoice_id=invoice_id)
    desk.goto(f"/dashboard/payments/{Invoice.objects.get().payment_intent_id}/")
    desk.click("text=Refund lines")
    desk.wait_for_selector("text=CA$100.00 billed")
    desk.wait_for_selector("#id_amount", state="hidden")
    desk.fill("input[name^=quantity_]", "5")
    desk.wait_for_selector("text=is for 4 units; 5 would be credited")
    desk.fill("input[name^=quantity_]", "2")
    desk.wait_for_selector("#preview :text('CA$52.50')")
    desk.click("text=Issue the credit note")
    desk.wait_for_selector("text=CA$52.50 refunded")
    assert (CreditNote.objects.get().refund_amount, Refund.objects.get().status) == (5250, "succeeded")
    assert [row["amount"] for row in theirs.objects["refund"].values()] == [5250]


def test_a_dispute_is_answered_in_two_steps(desk: "Page", shop, theirs) -> None:
    charged(shop, "pm_card_createDispute")
    told(theirs)
    desk.goto("/dashboard/disputes/")
    desk.click("text=CA$20.00")
    desk.wait_for_selector("text=after that the dispute is lost")
    desk.click("a.btn:has-text('Answer')")
    desk.fill("[name=product_description]", "A box of maple candy")
    desk.click("button:has-text('Save')")
    desk.wait_for_selector("text=The evidence was kept.")
    desk.click("a.btn:has-text('Answer')")
    assert desk.input_value("[name=product_description]") == "A box of maple candy"
    desk.check("[name=submit]")
    desk.click("button:has-text('Save')")
    desk.wait_for_selector("text=The bank has your answer and decides")
    [held] = theirs.objects["dispute"].values()
    assert (held["status"], held["evidence"]["product_description"]) == ("under_review", "A box of maple candy")


def test_a_dispute_is_accepted_and_the_payment_no_longer_refunded(desk: "Page", shop, theirs) -> None:
    invoice = charged(shop, "pm_card_createDispute")
    told(theirs)
    desk.goto(f"/dashboard/disputes/{Dispute.objects.get().id}/")
    desk.click("a:has-text('Accept')")
    desk.click("dialog button:has-text('Accept it')")
    desk.wait_for_selector("text=The dispute was accepted.")
    desk.wait_for_selector("text=The invoice stays paid")
    assert [row["status"] for row in theirs.objects["dispute"].values()] == ["lost"]
    desk.goto(f"/dashboard/payments/{invoice.payment_intent_id}/")
    desk.wait_for_selector("text=Dispute closed")
    assert not desk.is_visible("text=Refund lines")


def test_a_failed_payment_is_fixed_from_the_mails_link_with_another_card(browser_page: "Page", shop) -> None:
    invoice = charged(shop, "pm_card_chargeCustomerFail")
    page = browser_page
    page.goto(mailed(FIX, invoice))
    page.wait_for_selector("text=The payment did not go through.")
    page.click("text=Pay with another card")
    page.wait_for_selector("text=Checkout of the fake")
    page.fill("[name=number]", "4242 4242 4242 4242")
    page.click("text=Save")
    page.wait_for_selector("text=Paid on")
    page.goto(mailed(FIX, invoice))
    page.wait_for_selector("text=This invoice is paid")


def test_a_bank_that_would_not_pay_unseen_is_answered_from_the_mails_link(browser_page: "Page", shop) -> None:
    invoice = charged(shop, "pm_card_threeDSecure2Required")
    page = browser_page
    page.goto(mailed(CONFIRM, invoice))
    page.click("text=Answer your bank")
    page.click("text=Continue to your bank")
    page.click("button:has-text('Approve')")
    page.wait_for_selector("text=Paid on")
    assert Invoice.objects.get().status == "paid"


def test_a_subscriber_adds_a_card_on_the_processors_page(browser_page: "Page", shop) -> None:
    customer = payer(shop, "")
    ahead = context(recorded_at=FAR_AHEAD - timedelta(days=1))
    _row, token = open_portal_session(ctx=ahead, merchant_id=shop.id, customer_id=customer.id)
    page = browser_page
    page.goto(f"/portal/{shop.id}/link/{token}")
    page.click("text=Continue")
    page.click("nav >> text=Payment")
    page.click("a:has-text('Add'), button:has-text('Add')")
    page.wait_for_selector("text=Checkout of the fake")
    page.fill("[name=number]", "4242 4242 4242 4242")
    page.click("text=Save")
    page.wait_for_selector("text=4242")
    method = PaymentMethod.objects.get()
    customer.refresh_from_db()
    assert (method.last4, customer.default_payment_method_id) == ("4242", method.id)
