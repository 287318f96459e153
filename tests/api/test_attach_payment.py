"""invoices/:id/attach_payment through the official SDK: a payment made for itself pays an invoice."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk


def invoice(sdk: Sdk, customer: str, amount: int = 1000) -> Any:
    made = sdk.v1.invoices.create({"customer": customer, "auto_advance": False})
    sdk.v1.invoice_items.create({"customer": customer, "invoice": made.id, "amount": amount, "currency": "usd"})
    return sdk.v1.invoices.finalize_invoice(made.id)


def payment(sdk: Sdk, customer: str, amount: int = 1000, **fields: Any) -> Any:
    return sdk.v1.payment_intents.create(
        {"amount": amount, "currency": "usd", "customer": customer, "confirm": True, **fields}
    )


def test_a_payment_pays_the_invoice_that_it_is_attached_to(sdk: Sdk) -> None:
    ada = sdk.customer()
    bill, paid = invoice(sdk, ada.id), payment(sdk, ada.id)
    done = sdk.v1.invoices.attach_payment(bill.id, {"payment_intent": paid.id, "expand": ["payments"]})
    assert (done.status, done.amount_paid, done.amount_remaining) == ("paid", 1000, 0)
    assert done.payments.data[0].payment.payment_intent == paid.id
    [told] = sdk.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": paid.id}}).data
    assert (told.invoice, told.amount_paid, told.status) == (bill.id, 1000, "paid")
    with pytest.raises(stripe.InvalidRequestError, match="attached to the invoice"):
        sdk.v1.invoices.attach_payment(invoice(sdk, ada.id).id, {"payment_intent": paid.id})


def test_a_part_leaves_the_rest_to_pay_and_what_is_over_goes_to_the_balance(sdk: Sdk) -> None:
    ada = sdk.customer()
    bill = invoice(sdk, ada.id)
    part = sdk.v1.invoices.attach_payment(bill.id, {"payment_intent": payment(sdk, ada.id, 400).id})
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 400, 600)
    rest = sdk.v1.invoices.attach_payment(bill.id, {"payment_intent": payment(sdk, ada.id, 700).id})
    assert (rest.status, rest.amount_paid) == ("paid", 1000)
    assert sdk.v1.customers.retrieve(ada.id).balance == -100  # 400 + 700 - 1000


def test_the_rest_of_an_invoice_is_paid_as_ever(sdk: Sdk) -> None:
    ada = sdk.customer()
    bill = invoice(sdk, ada.id)
    sdk.v1.invoices.attach_payment(bill.id, {"payment_intent": payment(sdk, ada.id, 400).id})
    assert sdk.v1.invoices.pay(bill.id).status == "paid"
    assert sorted(one.amount for one in sdk.v1.charges.list().data) == [400, 600]


def test_what_pays_no_invoice_is_refused_and_changes_nothing(sdk: Sdk) -> None:
    ada, bob = sdk.customer(), sdk.customer(email="bob@example.com")
    bill = invoice(sdk, ada.id)
    held = payment(sdk, ada.id, capture_method="manual")
    back = payment(sdk, ada.id)
    sdk.v1.refunds.create({"payment_intent": back.id, "amount": 1})
    for intent, said in [
        (held.id, "status of requires_capture"),
        (back.id, "refunded"),
        (payment(sdk, bob.id).id, "same customer"),
        (payment(sdk, ada.id, currency="eur").id, "same customer and currency"),
        ("pi_nonesuch", "No such payment_intent"),
    ]:
        with pytest.raises(stripe.InvalidRequestError, match=said):
            sdk.v1.invoices.attach_payment(bill.id, {"payment_intent": intent})
    assert sdk.v1.invoices.retrieve(bill.id).amount_remaining == 1000
    assert sdk.v1.invoices.pay(bill.id).status == "paid"
