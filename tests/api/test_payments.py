"""Payment intents, charges and refunds as the SDK sees them."""

from __future__ import annotations

import pytest
import stripe

from tests.api.metering import at
from tests.api.sdk import Sdk

JAN_1, FEB_1 = at(2024, 1, 1), at(2024, 2, 1)


def test_an_intent_that_waits_is_confirmed_with_another_method(sdk: Sdk) -> None:
    customer = sdk.customer(card="pm_card_chargeCustomerFail")
    subscription = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": sdk.price(1000).id}],
            "expand": ["latest_invoice.payments"],
        }
    )
    intent_id = subscription.latest_invoice.payments.data[0].payment.payment_intent
    assert (subscription.status, sdk.v1.payment_intents.retrieve(intent_id).status) == (
        "incomplete",
        "requires_payment_method",
    )
    with pytest.raises(stripe.CardError) as declined:
        sdk.v1.payment_intents.confirm(intent_id)
    assert (declined.value.http_status, declined.value.error.decline_code) == (402, "generic_decline")
    confirmed = sdk.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"})
    assert (confirmed.status, confirmed.amount_received) == ("succeeded", 1000)
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "active"
    with pytest.raises(stripe.InvalidRequestError) as over:
        sdk.v1.payment_intents.confirm(intent_id)
    assert over.value.code == "payment_intent_unexpected_state"


def test_a_charge_shows_its_card_and_what_went_back(sdk: Sdk) -> None:
    customer = sdk.customer()
    sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(2500).id}]})
    [intent] = sdk.v1.payment_intents.list({"customer": customer.id}).data
    refund = sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    assert (refund.status, refund.payment_intent) == ("succeeded", intent.id)
    charge = sdk.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds", "payment_intent"]})
    assert (charge.payment_method_details.card.brand, charge.amount_refunded) == ("visa", 500)
    assert [one.id for one in charge.refunds.data] == [refund.id]
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.refunds.create({"charge": charge.id, "amount": 2001})


@pytest.mark.parametrize("behavior", ["default_incomplete", "allow_incomplete", "error_if_incomplete"])
def test_what_pays_becomes_the_subscriptions_default_when_it_says_so(sdk: Sdk, behavior: str) -> None:
    """Stripe's own quickstart: the first payment is confirmed with a card, and the renewal is charged to it."""
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id, card="" if behavior == "default_incomplete" else "pm_card_visa")
    subscription = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": sdk.price(1000).id}],
            "payment_behavior": behavior,
            "payment_settings": {"save_default_payment_method": "on_subscription"},
            "expand": ["latest_invoice.payments"],
        }
    )
    intent = subscription.latest_invoice.payments.data[0].payment.payment_intent
    if behavior == "default_incomplete":
        assert (subscription.status, subscription.default_payment_method) == ("incomplete", None)
        sdk.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_mastercard"})
    paid_with = sdk.v1.payment_intents.retrieve(intent).payment_method
    shown = sdk.v1.subscriptions.retrieve(subscription.id)
    assert (shown.status, shown.default_payment_method) == ("active", paid_with)
    assert shown.payment_settings.save_default_payment_method == "on_subscription"
    sdk.advance(clock.id, FEB_1 + 7200)
    assert [invoice.status for invoice in sdk.invoices(customer=customer.id)] == ["paid", "paid"]


def test_saving_what_pays_can_begin_later_and_end(sdk: Sdk) -> None:
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id)
    made = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(1000).id}]})
    assert made.default_payment_method is None
    settings = {"payment_settings": {"save_default_payment_method": "on_subscription"}}
    changed = sdk.v1.subscriptions.update(made.id, settings)
    assert changed.payment_settings.save_default_payment_method == "on_subscription"
    sdk.advance(clock.id, FEB_1 + 7200)
    default = sdk.v1.customers.retrieve(customer.id).invoice_settings.default_payment_method
    assert sdk.v1.subscriptions.retrieve(made.id).default_payment_method == default


def test_an_invoice_that_needs_the_customer_says_so_when_it_is_paid_without(sdk: Sdk) -> None:
    customer = sdk.customer(card="pm_card_authenticationRequired").id
    sdk.v1.invoice_items.create({"customer": customer, "amount": 700, "currency": "usd"})
    draft = sdk.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    sdk.v1.invoices.finalize_invoice(draft.id)
    with pytest.raises(stripe.CardError) as away:
        sdk.v1.invoices.pay(draft.id)
    assert (away.value.http_status, away.value.code) == (402, "invoice_payment_intent_requires_action")
    with pytest.raises(stripe.CardError) as confirmed:
        sdk.v1.payment_intents.confirm(away.value.error.payment_intent["id"], {"off_session": True})
    assert confirmed.value.code == "authentication_required"
