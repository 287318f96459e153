"""Setup intents through the official SDK: a card made ready, refused, given up."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.metering import at
from tests.api.sdk import Sdk, new_sdk

JAN_1 = at(2024, 1, 1)


def test_a_confirmed_setup_makes_the_card_the_customers(sdk: Sdk) -> None:
    customer = sdk.customer(card="")
    setup = sdk.v1.setup_intents.create({"customer": customer.id, "payment_method_types": ["card"]})
    assert (setup.status, setup.usage) == ("requires_payment_method", "off_session")
    assert setup.client_secret.split("_secret_")[0] == setup.id
    done = sdk.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa", "expand": ["payment_method"]})
    assert (done.status, done.payment_method.card.last4, done.payment_method.customer) == (
        "succeeded",
        "4242",
        customer.id,
    )
    subscription = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": sdk.price(900).id}],
            "default_payment_method": done.payment_method.id,
        }
    )
    assert subscription.status == "active"
    assert [one.id for one in sdk.v1.setup_intents.list({"customer": customer.id}).data] == [setup.id]
    types = {one.type for one in sdk.v1.events.list({"types": ["setup_intent.*", "payment_method.attached"]}).data}
    assert types == {"setup_intent.created", "setup_intent.succeeded", "payment_method.attached"}


def test_a_setup_is_made_and_confirmed_at_once(sdk: Sdk) -> None:
    customer = sdk.customer(card="")
    setup = sdk.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_mastercard", "confirm": True, "usage": "on_session"}
    )
    assert (setup.status, setup.usage) == ("succeeded", "on_session")
    [card] = sdk.v1.customers.payment_methods.list(customer.id).data
    assert card.id == setup.payment_method


def test_a_declined_card_leaves_the_setup_waiting_for_another(sdk: Sdk) -> None:
    customer = sdk.customer(card="")
    setup = sdk.v1.setup_intents.create({"customer": customer.id, "payment_method": "pm_card_chargeDeclined"})
    assert setup.status == "requires_confirmation"
    with pytest.raises(stripe.CardError) as declined:
        sdk.v1.setup_intents.confirm(setup.id)
    assert declined.value.code == "card_declined"
    waiting = sdk.v1.setup_intents.retrieve(setup.id)
    assert (waiting.status, waiting.payment_method, waiting.last_setup_error.code) == (
        "requires_payment_method",
        None,
        "card_declined",
    )
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        sdk.v1.setup_intents.confirm(setup.id)
    updated = sdk.v1.setup_intents.update(setup.id, {"payment_method": "pm_card_visa", "metadata": {"a": "1"}})
    assert (updated.status, updated.metadata["a"]) == ("requires_confirmation", "1")
    assert sdk.v1.setup_intents.confirm(setup.id).last_setup_error is None


def test_a_setup_that_is_over_stays_as_it_is(sdk: Sdk) -> None:
    setup = sdk.v1.setup_intents.create()
    canceled = sdk.v1.setup_intents.cancel(setup.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    for again in (
        lambda: sdk.v1.setup_intents.cancel(setup.id),
        lambda: sdk.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"}),
        lambda: sdk.v1.setup_intents.update(setup.id, {"payment_method": "pm_card_visa"}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as over:
            again()
        assert over.value.code == "setup_intent_unexpected_state"
    stranger = new_sdk(sdk.url, name="Ailleurs", prefix="AIL")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        stranger.v1.setup_intents.retrieve(setup.id)
    assert unknown.value.http_status == 404


def test_another_customers_card_is_not_set_up(sdk: Sdk) -> None:
    [card] = sdk.v1.customers.payment_methods.list(sdk.customer().id).data
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.setup_intents.create({"customer": sdk.customer(card="").id, "payment_method": card.id, "confirm": True})
    assert refused.value.param == "payment_method"


def test_every_subscription_is_flexible_already(sdk: Sdk) -> None:
    subscription = sdk.v1.subscriptions.create({"customer": sdk.customer().id, "items": [{"price": sdk.price(900).id}]})
    moved = sdk.v1.subscriptions.migrate(subscription.id, {"billing_mode": {"type": "flexible"}})
    assert (moved.id, moved.billing_mode.type) == (subscription.id, "flexible")


def test_a_trial_without_a_card_asks_for_one_and_keeps_it(sdk: Sdk) -> None:
    """Stripe's trial with `default_incomplete`: the setup is confirmed, and its card is charged at the trial's end."""
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id, card="")
    made = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": sdk.price(1500).id}],
            "trial_period_days": 7,
            "payment_behavior": "default_incomplete",
            "payment_settings": {"save_default_payment_method": "on_subscription"},
            "expand": ["pending_setup_intent"],
        }
    )
    setup = made.pending_setup_intent
    assert (made.status, setup.status, setup.customer) == ("trialing", "requires_payment_method", customer.id)
    done = sdk.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    shown = sdk.v1.subscriptions.retrieve(made.id)
    assert (shown.pending_setup_intent, shown.default_payment_method) == (None, done.payment_method)
    [told] = sdk.v1.events.list({"type": "customer.subscription.updated"}).data
    assert told.data.previous_attributes.pending_setup_intent == setup.id
    sdk.advance(clock.id, JAN_1 + 7 * 86_400 + 7200)
    assert [(paper.total, paper.status) for paper in sdk.invoices(customer=customer.id)] == [
        (0, "paid"),
        (1500, "paid"),
    ]


@pytest.mark.parametrize(
    "fields", [{}, {"collection_method": "send_invoice", "days_until_due": 5}], ids=["with a card", "by invoice"]
)
def test_who_can_pay_later_is_asked_for_nothing(sdk: Sdk, fields: dict[str, Any]) -> None:
    customer = sdk.customer(card="" if fields else "pm_card_visa")
    wanted = {"customer": customer.id, "items": [{"price": sdk.price(1500).id}], "trial_period_days": 7, **fields}
    assert sdk.v1.subscriptions.create(wanted).pending_setup_intent is None


def test_a_card_that_its_bank_refuses_is_not_set_up_for_nobody_either(sdk: Sdk) -> None:
    setup = sdk.v1.setup_intents.create()
    with pytest.raises(stripe.CardError) as refused:
        sdk.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    assert (refused.value.http_status, refused.value.code) == (402, "card_declined")
    assert sdk.v1.setup_intents.retrieve(setup.id).status == "requires_payment_method"
    assert sdk.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
