"""Payments that stand for themselves, through the official SDK: no invoice behind them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from django.test import Client

from invoicing.models import Invoice
from payments.models import Charge, PaymentIntent
from tests.api.sdk import Sdk


def pay(sdk: Sdk, card: str = "pm_card_visa", **fields: Any) -> Any:
    asked = {"amount": 2000, "currency": "usd", "payment_method": card, "confirm": True, **fields}
    return sdk.v1.payment_intents.create(asked)


def types_told(sdk: Sdk, *starts: str) -> list[str]:
    told = reversed(sdk.v1.events.list({"limit": 100}).data)
    return [event.type for event in told if event.type.startswith(starts)]


def test_a_payment_waits_for_its_method_then_for_its_confirmation_then_pays(sdk: Sdk) -> None:
    made = sdk.v1.payment_intents.create(
        {
            "amount": 1099,
            "currency": "eur",
            "automatic_payment_methods": {"enabled": True},
            "description": "Order 17",
            "metadata": {"order": "17"},
            "receipt_email": "ada@example.com",
            "statement_descriptor_suffix": "ORDER 17",
        }
    )
    assert (made.status, made.amount, made.currency, made.customer) == ("requires_payment_method", 1099, "eur", None)
    assert made.client_secret.startswith(made.id + "_secret_")
    assert (made.receipt_email, made.statement_descriptor_suffix) == ("ada@example.com", "ORDER 17")
    assert made.automatic_payment_methods.to_dict() == {"enabled": True, "allow_redirects": "always"}
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method") as refused:
        sdk.v1.payment_intents.confirm(made.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    given = sdk.v1.payment_intents.update(made.id, {"payment_method": "pm_card_mastercard", "amount": 1200})
    assert (given.status, given.amount) == ("requires_confirmation", 1200)
    paid = sdk.v1.payment_intents.confirm(made.id, {"expand": ["latest_charge"]})
    assert (paid.status, paid.amount_received, paid.latest_charge.amount) == ("succeeded", 1200, 1200)
    charge = paid.latest_charge
    assert (charge.captured, charge.paid, charge.invoice if "invoice" in charge else None) == (True, True, None)
    assert (charge.description, charge.metadata["order"]) == ("Order 17", "17")
    assert charge.payment_method_details.card.last4 == "4444"
    assert types_told(sdk, "payment_intent.", "charge.") == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert not Invoice.objects.exists()
    assert [one.id for one in sdk.v1.payment_intents.list().data] == [made.id]
    assert sdk.v1.charges.list({"payment_intent": made.id}).data[0].id == charge.id


def test_a_decline_is_a_402_that_carries_the_intent_which_may_be_tried_again(sdk: Sdk) -> None:
    with pytest.raises(stripe.CardError) as refused:
        pay(sdk, "pm_card_chargeDeclinedInsufficientFunds")
    told = refused.value.error
    assert (refused.value.http_status, told.code, told.decline_code) == (402, "card_declined", "insufficient_funds")
    intent = told.payment_intent
    assert (intent.status, intent.last_payment_error.decline_code) == ("requires_payment_method", "insufficient_funds")
    assert (told.charge, told.payment_method.object) == (intent.latest_charge, "payment_method")
    assert sdk.v1.charges.retrieve(told.charge).status == "failed"
    with pytest.raises(stripe.InvalidRequestError, match="can no longer be updated"):
        sdk.v1.payment_intents.update(intent.id, {"amount": 100})
    paid = sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert Charge.objects.filter(payment_intent_id=intent.id).count() == 2


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_radarBlock", "card_declined", "highest_risk_level"),
    ],
)
def test_each_test_card_is_declined_by_its_code(sdk: Sdk, card: str, code: str, decline_code: str) -> None:
    with pytest.raises(stripe.CardError) as refused:
        pay(sdk, card)
    assert (refused.value.code, refused.value.error.decline_code) == (code, decline_code)


def test_what_is_held_is_captured_in_part_and_the_rest_goes_back(sdk: Sdk) -> None:
    held = pay(sdk, capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 2000, 0)
    charge = sdk.v1.charges.retrieve(held.latest_charge)
    assert (charge.status, charge.captured, charge.paid, charge.amount_captured) == ("succeeded", False, True, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.capture(held.id, {"amount_to_capture": 2001})
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount_to_capture")
    taken = sdk.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
    assert (taken.status, taken.amount, taken.amount_received, taken.amount_capturable) == ("succeeded", 2000, 1500, 0)
    charge = sdk.v1.charges.retrieve(held.latest_charge)
    # 2000 held, 1500 taken: 500 went back by itself
    assert (charge.captured, charge.amount_captured, charge.amount_refunded, charge.refunded) == (
        True,
        1500,
        500,
        False,
    )
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        sdk.v1.payment_intents.capture(held.id)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.refunds.create({"payment_intent": held.id, "amount": 1501})
    assert sdk.v1.refunds.create({"payment_intent": held.id}).amount == 1500
    assert sdk.v1.charges.retrieve(charge.id).refunded
    assert types_told(sdk, "payment_intent.", "charge.") == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
        "charge.refunded",
    ]


def test_what_is_held_is_let_go_of_when_its_payment_is_canceled(sdk: Sdk) -> None:
    held = pay(sdk, capture_method="manual")
    gone = sdk.v1.payment_intents.cancel(held.id, {"cancellation_reason": "requested_by_customer"})
    assert (gone.status, gone.cancellation_reason, gone.amount_capturable) == ("canceled", "requested_by_customer", 0)
    charge = sdk.v1.charges.retrieve(held.latest_charge)
    assert (charge.status, charge.captured, charge.refunded, charge.amount_refunded) == ("succeeded", False, True, 2000)
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        sdk.v1.payment_intents.confirm(held.id, {"payment_method": "pm_card_visa"})


def test_one_that_was_never_confirmed_is_canceled(sdk: Sdk) -> None:
    made = sdk.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    gone = sdk.v1.payment_intents.cancel(made.id)
    assert (gone.status, gone.cancellation_reason) == ("canceled", None)
    assert gone.canceled_at
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        sdk.v1.payment_intents.cancel(made.id)


def test_a_bank_that_asks_makes_the_payment_wait_for_its_customer(sdk: Sdk) -> None:
    asked = pay(sdk, "pm_card_threeDSecure2Required", return_url="https://shop.example/back")
    assert asked.status == "requires_action"
    assert asked.next_action.redirect_to_url.return_url == "https://shop.example/back"
    with pytest.raises(stripe.CardError) as refused:
        pay(sdk, "pm_card_threeDSecure2Required", off_session=True)
    assert refused.value.code == "authentication_required"
    assert refused.value.error.payment_intent.status == "requires_payment_method"
    with pytest.raises(stripe.CardError) as refused:
        pay(sdk, "pm_card_threeDSecure2Required", error_on_requires_action=True)
    assert refused.value.code == "authentication_required"
    assert sdk.v1.payment_intents.cancel(asked.id).status == "canceled"


def test_a_method_is_kept_for_its_customer_only_where_that_was_asked(sdk: Sdk) -> None:
    ada = sdk.customer(card="")
    once = pay(sdk, customer=ada.id)
    assert once.customer == ada.id
    assert sdk.v1.payment_methods.list({"customer": ada.id}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        pay(sdk, once.payment_method, customer=ada.id)
    kept = pay(sdk, customer=ada.id, setup_future_usage="off_session")
    assert [method.id for method in sdk.v1.payment_methods.list({"customer": ada.id}).data] == [kept.payment_method]
    again = pay(sdk, kept.payment_method, customer=ada.id, off_session=True)
    assert again.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a Customer"):
        pay(sdk, kept.payment_method)


def test_a_customer_is_charged_to_its_default_where_no_method_is_said(sdk: Sdk) -> None:
    ada = sdk.customer()
    paid = sdk.v1.payment_intents.create({"amount": 700, "currency": "usd", "customer": ada.id, "confirm": True})
    assert (paid.status, paid.payment_method) == ("succeeded", ada.invoice_settings.default_payment_method)


def test_currencies_without_decimals_and_amounts_that_are_too_small(sdk: Sdk) -> None:
    assert pay(sdk, amount=500, currency="JPY").currency == "jpy"
    sdk.merchant.minimum_charges = {"usd": 50}
    sdk.merchant.save()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(sdk, amount=49)
    assert (refused.value.code, refused.value.param) == ("amount_too_small", "amount")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(sdk, currency="xxq")
    assert refused.value.param == "currency"
    with pytest.raises(stripe.InvalidRequestError, match="confirm=true"):
        sdk.v1.payment_intents.create({"amount": 500, "currency": "usd", "off_session": True})


def test_the_same_key_pays_once(sdk: Sdk) -> None:
    asked = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    first = sdk.v1.payment_intents.create(asked, {"idempotency_key": "once"})
    second = sdk.v1.payment_intents.create(asked, {"idempotency_key": "once"})
    assert first.id == second.id
    assert PaymentIntent.objects.count() == Charge.objects.count() == 1


def test_a_lost_answer_is_asked_after_and_nothing_is_taken_twice(sdk: Sdk) -> None:
    paid = pay(sdk, "pm_sandbox_timeoutAfterCharge")
    assert paid.status == "succeeded"
    held = pay(sdk, "pm_sandbox_timeoutAfterCharge", capture_method="manual")
    assert held.status == "requires_capture"
    taken = sdk.v1.payment_intents.capture(held.id, {"amount_to_capture": 800})
    assert (taken.status, taken.amount_received) == ("succeeded", 800)


def test_what_belongs_to_an_invoice_is_not_captured_nor_changed_here(sdk: Sdk) -> None:
    sdk.v1.subscriptions.create({"customer": sdk.customer().id, "items": [{"price": sdk.price(900).id}]})
    [intent] = sdk.v1.payment_intents.list().data
    with pytest.raises(stripe.InvalidRequestError, match="may be captured"):
        sdk.v1.payment_intents.capture(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="could not be updated"):
        sdk.v1.payment_intents.update(intent.id, {"amount": 100})


@pytest.mark.parametrize(
    ("answer", "status", "told"), [("approve", "succeeded", "succeeded"), ("fail", "requires_payment_method", "failed")]
)
def test_the_customer_answers_the_bank_on_its_page_and_goes_on_to_the_shop(
    sdk: Sdk, client: Client, answer: str, status: str, told: str
) -> None:
    asked = pay(sdk, "pm_card_threeDSecure2Required", return_url="https://shop.example/back?a=1")
    page = asked.next_action.redirect_to_url.url.partition("/pay/")[2]
    assert "asks for $20.00" in client.get(f"/pay/{page}").content.decode()
    gone = client.post(f"/pay/{page}", {"answer": answer})
    assert gone["Refresh"].startswith(f"0; url=https://shop.example/back?a=1&payment_intent={asked.id}&")
    assert gone["Refresh"].endswith(f"redirect_status={told}")
    assert sdk.v1.payment_intents.retrieve(asked.id).status == status
    assert client.get(f"/pay/{page}")["Refresh"].endswith(f"redirect_status={told}")
    assert client.get(f"/pay/{page[:-1]}").status_code == 404


def test_a_customer_without_a_shop_to_go_back_to_is_told_how_it_went(sdk: Sdk, client: Client) -> None:
    asked = pay(sdk, "pm_card_threeDSecure2Required", capture_method="manual")
    page = asked.next_action.redirect_to_url.url.partition("/pay/")[2]
    assert "The payment was approved." in client.post(f"/pay/{page}", {"answer": "approve"}).content.decode()
    assert sdk.v1.payment_intents.capture(asked.id).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(sdk, return_url="javascript://shop.example")
    assert refused.value.code == "url_invalid"
