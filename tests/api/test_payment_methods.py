"""Ways to pay as an application's own tests give them: tokens, and what is printed on test cards and accounts."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from api.models import ApiRequest
from customers.models import PaymentMethod
from merchants.models import Merchant
from tests.api.conftest import Caller
from tests.api.sdk import Sdk

YEAR = 2034


def card(number: str, **given: Any) -> dict[str, Any]:
    return {"type": "card", "card": {"number": number, "exp_month": 8, "exp_year": YEAR, "cvc": "314"} | given}


def test_a_test_token_that_is_retrieved_is_a_new_method_of_nobody(sdk: Sdk) -> None:
    first, second = (sdk.v1.payment_methods.retrieve("pm_card_mastercard") for _ in range(2))
    assert (first.customer, first.card.brand, first.id != second.id) == (None, "mastercard", True)
    customer = sdk.customer(card="")
    assert sdk.v1.payment_methods.attach(first.id, {"customer": customer.id}).customer == customer.id


def test_a_method_of_nobody_becomes_the_new_customers(sdk: Sdk) -> None:
    method = sdk.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    customer = sdk.v1.customers.create(
        {"payment_method": method.id, "invoice_settings": {"default_payment_method": method.id}}
    )
    assert customer.invoice_settings.default_payment_method == method.id
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(900).id}]})
    assert subscription.status == "active"


def test_a_source_is_the_customers_card_from_then_on(sdk: Sdk) -> None:
    customer = sdk.v1.customers.create({"source": "tok_visa"})
    [method] = sdk.v1.payment_methods.list({"customer": customer.id}).data
    assert customer.invoice_settings.default_payment_method == method.id
    sdk.v1.customers.update(customer.id, {"source": "tok_mastercard"})
    default = sdk.v1.customers.retrieve(customer.id, {"expand": ["invoice_settings.default_payment_method"]})
    assert default.invoice_settings.default_payment_method.card.brand == "mastercard"


@pytest.mark.parametrize(
    ("number", "brand", "last4"),
    [
        ("4242 4242 4242 4242", "visa", "4242"),
        ("5555555555554444", "mastercard", "4444"),
        ("378282246310005", "amex", "0005"),
        ("3566002020360505", "jcb", "0505"),
    ],
)
def test_a_test_cards_number_stands_for_its_token(sdk: Sdk, number: str, brand: str, last4: str) -> None:
    shown = sdk.v1.payment_methods.create(card(number)).card
    assert (shown.brand, shown.last4, shown.exp_month, shown.exp_year) == (brand, last4, 8, YEAR)


@pytest.mark.parametrize(
    ("given", "code", "decline_code"),
    [
        (card("4242424242424241"), "incorrect_number", None),
        (card("4111111111111111"), "card_declined", "test_mode_live_card"),
        (card("4242424242424242", exp_month=13), "invalid_expiry_month", None),
        (card("4242424242424242", exp_year=2020), "invalid_expiry_year", None),
        (card("4242424242424242", cvc="12"), "invalid_cvc", None),
    ],
)
def test_a_card_that_is_none_is_a_card_error(
    sdk: Sdk, given: dict[str, Any], code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        sdk.v1.payment_methods.create(given)
    assert (refused.value.http_status, refused.value.code) == (402, code)
    assert refused.value.error.decline_code == decline_code
    assert not PaymentMethod.objects.exists()


@pytest.mark.parametrize(
    ("kind", "given", "last4", "status"),
    [
        ("sepa_debit", {"iban": "BE62 5100 0754 7061"}, "7061", "processing"),
        ("us_bank_account", {"account_number": "000123456789", "routing_number": "110000000"}, "6789", "processing"),
    ],
)
def test_a_bank_account_is_taken_by_its_number(
    sdk: Sdk, kind: str, given: dict[str, Any], last4: str, status: str
) -> None:
    method = sdk.v1.payment_methods.create({"type": kind, kind: given, "billing_details": {"name": "Ada"}})
    assert (method.type, getattr(method, kind).last4) == (kind, last4)
    customer = sdk.v1.customers.create({"payment_method": method.id})
    subscription = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": sdk.price(1000).id}],
            "default_payment_method": method.id,
            "expand": ["latest_invoice.payments.data.payment.payment_intent"],
        }
    )
    assert subscription.latest_invoice.payments.data[0].payment.payment_intent.status == status


def test_an_iban_whose_check_digits_are_wrong_is_refused(sdk: Sdk) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": "BE63510007547061"}})
    assert (refused.value.code, refused.value.param) == ("invalid_bank_account_iban", "sepa_debit[iban]")


@pytest.mark.parametrize(
    "token", ["pm_card_visa_debit", "pm_card_fr", "pm_card_mastercard_prepaid", "pm_usBankAccount", "tok_jcb"]
)
def test_stripes_other_names_are_known(sdk: Sdk, token: str) -> None:
    customer = sdk.customer(card="")
    assert sdk.v1.payment_methods.attach(token, {"customer": customer.id}).customer == customer.id


def test_a_number_is_never_kept(caller: Caller) -> None:
    body = "type=card&card[number]=4242424242424242&card[exp_month]=8&card[exp_year]=2034&card[cvc]=314"
    made = caller("POST", "/v1/payment_methods", body)
    assert made["card"]["last4"] == "4242"
    [logged] = ApiRequest.objects.filter(path="/v1/payment_methods")
    assert logged.params["card"]["number"] == logged.params["card"]["cvc"] == "[redacted]"


def test_a_merchant_with_a_processor_takes_no_numbers(caller: Caller) -> None:
    Merchant.objects.filter(id=caller.merchant.id).update(gateway="stripe")
    refused = caller("POST", "/v1/payment_methods", "type=card&card[number]=4242424242424242")
    assert (caller.last.status_code, refused["error"]["param"]) == (400, "card[token]")
    assert caller("GET", "/v1/payment_methods/pm_card_visa")["error"]["code"] == "resource_missing"


def test_a_cards_date_is_changed_and_told(sdk: Sdk) -> None:
    customer = sdk.customer()
    [method] = sdk.v1.payment_methods.list({"customer": customer.id}).data
    changed = sdk.v1.payment_methods.update(method.id, {"card": {"exp_month": 3, "exp_year": 2041}})
    assert (changed.card.exp_month, changed.card.exp_year, changed.card.last4) == (3, 2041, "4242")
    [event] = sdk.v1.events.list({"type": "payment_method.updated"}).data
    assert event.data.previous_attributes.card.exp_year == method.card.exp_year
    bank = sdk.v1.payment_methods.attach("pm_usBankAccount", {"customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_methods.update(bank.id, {"card": {"exp_month": 3}})
    assert refused.value.param == "card"


def test_a_card_can_be_described_where_it_is_used(sdk: Sdk) -> None:
    customer = sdk.customer(card="").id
    setup = sdk.v1.setup_intents.create({"customer": customer})
    done = sdk.v1.setup_intents.confirm(setup.id, {"payment_method_data": card("4242424242424242")})
    assert sdk.v1.payment_methods.retrieve(done.payment_method).customer == customer
    begun = sdk.v1.subscriptions.create(
        {
            "customer": customer,
            "items": [{"price": sdk.price(800).id}],
            "payment_behavior": "default_incomplete",
            "expand": ["latest_invoice.payments"],
        }
    )
    intent = begun.latest_invoice.payments.data[0].payment.payment_intent
    paid = sdk.v1.payment_intents.confirm(intent, {"payment_method_data": card("5555555555554444")})
    method = sdk.v1.payment_methods.retrieve(paid.payment_method)
    assert (paid.status, method.card.brand, method.customer) == ("succeeded", "mastercard", customer)
