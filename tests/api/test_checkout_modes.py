"""Checkout sessions that sell once, that save a way to pay, and whose payment takes days; through the official SDK."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dunning.models import RecoveryCase
from engine.consumers import tell_checkouts
from engine.services.checkout_expiry import run_checkout_expiries
from events.models import Event
from events.types import DeliveredEvent
from subscriptions.models import CheckoutSession
from tests.api.sdk import Sdk
from tests.api.test_checkout_sessions import SHOP, session, visit
from tests.factories.times import NEW_YEAR, context
from tests.portal.conftest import QUEBEC

AN_HOUR_AGO = NEW_YEAR - timedelta(hours=1)


def told(sdk: Sdk, what: str) -> list[Any]:
    return [one.data.object for one in sdk.v1.events.list({"type": f"checkout.session.{what}"}).data]


def once(sdk: Sdk, **fields: Any) -> Any:
    """A session that sells three boxes at 15.00, once."""
    lines = [{"price": sdk.price(1500, interval="").id, "quantity": 3}]
    return session(sdk, mode="payment", line_items=lines, **fields)


def test_something_is_sold_once(sdk: Sdk) -> None:
    opened = once(
        sdk,
        invoice_creation={"enabled": True, "invoice_data": {"footer": "Thank you", "metadata": {"cart": "9"}}},
        payment_intent_data={"description": "Three boxes"},
    )
    assert (opened.mode, opened.amount_total, opened.payment_status, opened.invoice) == (
        "payment",
        4500,
        "unpaid",
        None,
    )
    assert opened.invoice_creation.enabled
    browser, page = visit(opened.url)
    assert "Pay $45.00" in page.content.decode()
    done = browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    assert done["Refresh"] == f"0; url={SHOP}/thanks?session={opened.id}"
    bought = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["invoice", "payment_intent"]})
    assert (bought.status, bought.payment_status, bought.subscription) == ("complete", "paid", None)
    assert (bought.payment_intent.status, bought.payment_intent.amount) == ("succeeded", 4500)
    invoice = bought.invoice
    assert (invoice.status, invoice.total, invoice.footer, dict(invoice.metadata)) == (
        "paid",
        4500,
        "Thank you",
        {"cart": "9"},
    )
    assert [(line.quantity, line.amount) for line in invoice.lines.data] == [(3, 4500)]
    assert sdk.v1.subscriptions.list().data == []
    assert sdk.v1.customers.payment_methods.list(bought.customer).data == []
    [body] = told(sdk, "completed")
    assert (body.mode, body.payment_status, body.payment_intent) == ("payment", "paid", bought.payment_intent.id)


def test_a_button_pressed_twice_sells_once(sdk: Sdk) -> None:
    opened = once(sdk)
    browser, _ = visit(opened.url)
    for _ in range(2):
        browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    assert len(sdk.v1.invoices.list().data) == 1
    assert len(told(sdk, "completed")) == 1


def test_what_is_to_be_kept_is_kept(sdk: Sdk) -> None:
    customer = sdk.customer(card="")
    opened = once(sdk, customer=customer.id, payment_intent_data={"setup_future_usage": "off_session"})
    browser, _ = visit(opened.url)
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    assert sdk.v1.customers.retrieve(customer.id).invoice_settings.default_payment_method


def test_nobody_is_chased_for_what_was_not_paid_on_the_page(sdk: Sdk) -> None:
    customer = sdk.customer()  # whose default card would pay
    opened = once(sdk, customer=customer.id)
    browser, _ = visit(opened.url)
    browser.post(f"/pay/s/{opened.id}", QUEBEC | {"instrument": "pm_card_chargeCustomerFail"}, follow=True)
    [unpaid] = sdk.v1.invoices.list({"customer": customer.id}).data
    assert (unpaid.status, unpaid.auto_advance, unpaid.next_payment_attempt) == ("open", False, None)
    assert not RecoveryCase.objects.exists()
    assert run_checkout_expiries(ctx=context(AN_HOUR_AGO)) == 0
    CheckoutSession.objects.filter(id=opened.id).update(expires_at=AN_HOUR_AGO)
    assert [run_checkout_expiries(ctx=context(NEW_YEAR)) for _ in range(2)] == [1, 0]
    assert sdk.v1.invoices.retrieve(unpaid.id).status == "void"
    assert sdk.v1.checkout.sessions.retrieve(opened.id).status == "expired"
    assert [one.id for one in told(sdk, "expired")] == [opened.id]
    assert browser.get(f"/pay/s/{opened.id}").status_code == 410


def test_a_session_has_its_own_discount(sdk: Sdk) -> None:
    """20 % off 4500 = 3600; and off a subscription's first invoice of 4000 = 3200."""
    coupon = sdk.v1.coupons.create({"percent_off": 20, "duration": "once", "name": "Spring"})
    opened = once(sdk, discounts=[{"coupon": coupon.id}])
    assert (opened.amount_subtotal, opened.amount_total, opened.total_details.amount_discount) == (4500, 3600, 900)
    assert opened.discounts[0].coupon == coupon.id
    browser, page = visit(opened.url)
    assert "Spring" in page.content.decode()
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    bought = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["invoice"]})
    assert bought.invoice.amount_paid == 3600
    code = sdk.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING"})
    recurring = session(sdk, discounts=[{"promotion_code": code.id}])
    assert recurring.amount_total == 3200
    browser, _ = visit(recurring.url)
    browser.post(f"/pay/s/{recurring.id}", QUEBEC, follow=True)
    bought = sdk.v1.checkout.sessions.retrieve(recurring.id, {"expand": ["invoice"]})
    assert bought.invoice.amount_paid == 3200
    assert sdk.v1.coupons.retrieve(coupon.id).times_redeemed == 2


def test_a_typed_code_counts_for_what_is_sold_once(sdk: Sdk) -> None:
    coupon = sdk.v1.coupons.create({"amount_off": 500, "currency": "usd", "duration": "once"})
    sdk.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "FIVE"})
    opened = once(sdk, allow_promotion_codes=True)
    browser, _ = visit(opened.url)
    browser.post(f"/pay/s/{opened.id}", QUEBEC | {"promotion_code": "five"}, follow=True)
    bought = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["invoice"]})
    assert bought.invoice.amount_paid == 4000


def test_a_way_to_pay_is_saved(sdk: Sdk) -> None:
    customer = sdk.customer(card="")
    opened = session(
        sdk, mode="setup", line_items=[], customer=customer.id, setup_intent_data={"metadata": {"why": "later"}}
    )
    assert (opened.mode, opened.amount_total, opened.payment_status) == ("setup", None, "no_payment_required")
    browser, page = visit(opened.url)
    assert "Nothing is charged today." in page.content.decode()
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    saved = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["setup_intent"]})
    assert (saved.status, saved.setup_intent.status, saved.invoice) == ("complete", "succeeded", None)
    assert dict(saved.setup_intent.metadata) == {"why": "later"}
    method = saved.setup_intent.payment_method
    assert sdk.v1.payment_methods.retrieve(method).customer == customer.id
    assert [one.setup_intent for one in told(sdk, "completed")] == [saved.setup_intent.id]
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    assert len(sdk.v1.setup_intents.list({"customer": customer.id}).data) == 1


def test_the_banks_answer_is_told_of_the_session(sdk: Sdk) -> None:
    opened = once(sdk)
    browser, _ = visit(opened.url)
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    CheckoutSession.objects.filter(id=opened.id).update(awaits_payment=True)
    paid = Event.objects.get(type="invoice.paid")
    told_once = [_delivered(paid)]
    for _ in range(2):
        tell_checkouts(context(), told_once)
    [body] = told(sdk, "async_payment_succeeded")
    assert (body.id, body.payment_status) == (opened.id, "paid")


def _delivered(event: Event) -> DeliveredEvent:
    names = DeliveredEvent.__slots__
    return DeliveredEvent(**{name: 0 if name == "xid" else getattr(event, name) for name in names})


def test_what_is_written_for_the_payment_is_on_its_intent(sdk: Sdk) -> None:
    opened = once(sdk, payment_intent_data={"metadata": {"cart": "9"}, "capture_method": "automatic"})
    browser, _ = visit(opened.url)
    browser.post(f"/pay/s/{opened.id}", QUEBEC, follow=True)
    bought = sdk.v1.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent"]})
    assert (bought.payment_status, dict(bought.payment_intent.metadata)) == ("paid", {"cart": "9"})
