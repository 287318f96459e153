"""Payment intents, charges and refunds as the SDK sees them."""

from __future__ import annotations

import pytest
import stripe

from tests.api.sdk import Sdk


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
