"""Charges, tokens, cards and sources: the calls that came before payment intents, through the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from customers.models import PaymentMethod
from merchants.models import Merchant
from payments.models import Charge, PaymentIntent
from tests.api.sdk import Sdk

VISA = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123", "name": "Ada Lovelace"}


def charge(sdk: Sdk, **fields: Any) -> Any:
    return sdk.v1.charges.create({"amount": 1000, "currency": "usd", **fields})


def test_a_token_is_charged_once(sdk: Sdk) -> None:
    token = sdk.v1.tokens.create({"card": VISA})
    assert (token.type, token.used, token.card.last4, token.card.brand) == ("card", False, "4242", "Visa")
    assert "visa" not in token.card.fingerprint
    assert sdk.v1.tokens.create({"card": VISA}).card.fingerprint == token.card.fingerprint
    paid = charge(sdk, source=token.id, description="Book", metadata={"order": "6"})
    assert (paid.status, paid.captured, paid.paid, paid.customer) == ("succeeded", True, True, None)
    assert (paid.description, paid.metadata["order"]) == ("Book", "6")
    assert (paid.source.object, paid.source.name) == ("card", "Ada Lovelace")
    assert sdk.v1.payment_intents.retrieve(paid.payment_intent).status == "succeeded"
    assert sdk.v1.tokens.retrieve(token.id).used
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        charge(sdk, source=token.id)
    assert sdk.v1.refunds.create({"charge": paid.id, "amount": 400}).status == "succeeded"
    assert sdk.v1.charges.retrieve(paid.id).amount_refunded == 400


def test_a_declined_charge_is_a_402_and_is_there_to_be_read(sdk: Sdk) -> None:
    with pytest.raises(stripe.CardError) as refused:
        charge(sdk, source="tok_chargeDeclinedInsufficientFunds")
    told = refused.value.error
    assert (told.code, told.decline_code) == ("card_declined", "insufficient_funds")
    failed = sdk.v1.charges.retrieve(told.charge)
    assert (failed.status, failed.paid, failed.captured, failed.failure_code) == (
        "failed",
        False,
        False,
        "card_declined",
    )
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.refunds.create({"charge": failed.id})
    with pytest.raises(stripe.CardError) as refused:
        charge(sdk, source="tok_threeDSecure2Required")  # nobody can be asked
    assert refused.value.code == "authentication_required"


def test_a_charge_is_held_and_captured_later(sdk: Sdk) -> None:
    held = charge(sdk, source="tok_visa", capture=False)
    assert (held.status, held.captured, held.amount_captured) == ("succeeded", False, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.charges.capture(held.id, {"amount": 1001})
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount")
    taken = sdk.v1.charges.capture(held.id, {"amount": 800})
    assert (taken.captured, taken.amount_captured, taken.amount_refunded) == (True, 800, 200)  # 1000 - 800
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.charges.capture(held.id)
    assert refused.value.code == "charge_already_captured"


def test_a_customers_cards_are_given_listed_changed_charged_and_taken_away(sdk: Sdk) -> None:
    ada = sdk.customer(card="")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        charge(sdk, customer=ada.id)
    assert refused.value.code == "missing"
    first = sdk.v1.customers.payment_sources.create(ada.id, {"source": sdk.v1.tokens.create({"card": VISA}).id})
    second = sdk.v1.customers.payment_sources.create(ada.id, {"source": "tok_mastercard", "metadata": {"a": "1"}})
    assert (first.object, first.customer, second.brand, second.metadata["a"]) == ("card", ada.id, "MasterCard", "1")
    known = sdk.v1.customers.retrieve(ada.id, {"expand": ["default_source", "sources"]})
    assert known.default_source.id == first.id
    assert [one.id for one in known.sources.data] == [second.id, first.id]
    assert [one.id for one in sdk.v1.customers.payment_sources.list(ada.id, {"object": "card"}).data] == [
        second.id,
        first.id,
    ]
    changed = sdk.v1.customers.payment_sources.update(
        ada.id, first.id, {"name": "Jane Doe", "address_zip": "10001", "exp_year": 2041}
    )
    assert (changed.name, changed.address_zip, changed.exp_year) == ("Jane Doe", "10001", 2041)
    assert sdk.v1.customers.payment_sources.retrieve(ada.id, first.id).name == "Jane Doe"
    assert charge(sdk, customer=ada.id).source.id == first.id
    assert charge(sdk, customer=ada.id, source=second.id).source.id == second.id
    sdk.v1.customers.update(ada.id, {"default_source": second.id})
    assert sdk.v1.customers.retrieve(ada.id).default_source == second.id
    gone = sdk.v1.customers.payment_sources.delete(ada.id, second.id)
    assert (gone.id, gone.deleted) == (second.id, True)
    assert [one.id for one in sdk.v1.customers.payment_sources.list(ada.id).data] == [first.id]
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sdk.v1.customers.payment_sources.retrieve(ada.id, second.id)
    assert missing.value.http_status == 404
    # One table: a card of the older calls is a payment method of the newer ones.
    assert [one.id for one in sdk.v1.payment_methods.list({"customer": ada.id}).data] == [
        first.id.replace("card_", "pm_")
    ]
    paid = sdk.v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "customer": ada.id, "payment_method": first.id, "confirm": True}
    )
    assert paid.status == "succeeded"


def test_a_card_that_its_bank_refuses_is_not_given(sdk: Sdk) -> None:
    ada = sdk.customer(card="")
    with pytest.raises(stripe.CardError):
        sdk.v1.customers.payment_sources.create(
            ada.id, {"source": sdk.v1.tokens.create({"card": VISA | {"number": "4000000000000002"}}).id}
        )
    with pytest.raises(stripe.CardError) as refused:
        sdk.v1.tokens.create({"card": VISA | {"number": "4111111111111112"}})
    assert refused.value.code == "incorrect_number"
    assert sdk.v1.customers.payment_sources.list(ada.id).data == []


def test_a_customer_is_made_with_a_source_and_a_subscription_pays_with_it(sdk: Sdk) -> None:
    ada = sdk.v1.customers.create({"email": "ada@example.com", "source": "tok_visa"})
    assert ada.default_source.startswith("card_")
    bought = sdk.v1.subscriptions.create({"customer": ada.id, "items": [{"price": sdk.price(900).id}]})
    assert bought.status == "active"


def test_a_bank_account_as_a_source_pays_days_later(sdk: Sdk) -> None:
    ada = sdk.customer(card="")
    source = sdk.v1.sources.create(
        {
            "type": "sepa_debit",
            "sepa_debit": {"iban": "DE89370400440532013000"},
            "currency": "eur",
            "owner": {"name": "Jenny Rosen"},
        }
    )
    assert (source.type, source.status, source.owner.name) == ("sepa_debit", "chargeable", "Jenny Rosen")
    assert sdk.v1.sources.retrieve(source.id).sepa_debit.last4 == "3000"
    given = sdk.v1.customers.payment_sources.create(ada.id, {"source": source.id})
    assert (given.object, given.customer) == ("source", ada.id)
    paid = charge(sdk, customer=ada.id, source=source.id, currency="eur")
    assert (paid.status, paid.captured) == ("pending", False)


def test_a_live_merchant_gives_no_numbers_here(sdk: Sdk) -> None:
    Merchant.objects.filter(id=sdk.merchant.id).update(gateway="stripe")
    for ask in (
        lambda: sdk.v1.tokens.create({"card": VISA}),
        lambda: sdk.v1.sources.create({"type": "card", "card": VISA}),
        lambda: charge(sdk, source={"object": "card", **VISA}),
    ):
        with pytest.raises(stripe.InvalidRequestError, match="processor's own page"):
            ask()
    assert not PaymentMethod.objects.exists()
    assert not PaymentIntent.objects.exists()
    assert not Charge.objects.exists()
