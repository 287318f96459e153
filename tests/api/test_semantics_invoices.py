"""SEMANTICS, "Invoices", sentence by sentence, through the official SDK over HTTP."""

from __future__ import annotations

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_credits import grant, metered, used
from tests.api.test_sdk_clocks import at


def one_off(sdk: Sdk, customer: str, *amounts: int, **fields):
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd", **fields})
    return sdk.v1.invoices.add_lines(draft.id, {"lines": [{"amount": amount} for amount in amounts]})


def test_draft_open_paid_and_uncollectible_paid(sdk: Sdk) -> None:
    customer = sdk.customer().id
    draft = one_off(sdk, customer, 1000)
    assert (draft.status, draft.number) == ("draft", None)
    opened = sdk.v1.invoices.finalize_invoice(draft.id)
    assert (opened.status, opened.attempted, opened.number) == ("open", False, "INV-0001")
    assert sdk.v1.invoices.mark_uncollectible(draft.id).status == "uncollectible"
    paid = sdk.v1.invoices.pay(draft.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 1000, 0)
    for late in (sdk.v1.invoices.void_invoice, sdk.v1.invoices.mark_uncollectible, sdk.v1.invoices.pay):
        with pytest.raises(stripe.InvalidRequestError):
            late(draft.id)


def test_uncollectible_void_keeps_its_number(sdk: Sdk) -> None:
    customer = sdk.customer().id
    first = sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 1000).id)
    sdk.v1.invoices.mark_uncollectible(first.id)
    assert sdk.v1.invoices.void_invoice(first.id).status == "void"
    second = sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 1000).id)
    assert (first.number, second.number) == ("INV-0001", "INV-0002")


def test_a_deleted_draft_leaves_no_gap(sdk: Sdk) -> None:
    customer = sdk.customer().id
    sdk.v1.invoices.delete(one_off(sdk, customer, 1000).id)
    assert sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 1000).id).number == "INV-0001"


def test_the_first_charged_invoice_finalizes_at_once_and_what_is_sent_waits_an_hour(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer, price = sdk.customer(clock.id).id, sdk.price(1000).id
    charged = sdk.v1.subscriptions.create(
        {"customer": customer, "items": [{"price": price}], "expand": ["latest_invoice"]}
    )
    assert charged.latest_invoice.status == "paid"
    sent = sdk.v1.subscriptions.create(
        {
            "customer": customer,
            "items": [{"price": price}],
            "collection_method": "send_invoice",
            "days_until_due": 7,
            "expand": ["latest_invoice"],
        }
    ).latest_invoice
    assert (sent.status, sent.automatically_finalizes_at) == ("draft", at(2024, 1, 1, 1))
    sdk.advance(clock.id, at(2024, 1, 1, 2))
    opened = sdk.v1.invoices.retrieve(sent.id)
    assert (opened.status, opened.due_date) == ("open", at(2024, 1, 8, 1))


def test_lines_then_discounts_then_grants_then_tax_then_balance_then_what_is_due(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id, balance=-100).id
    tax = sdk.v1.tax_rates.create({"display_name": "Tax", "percentage": 10, "inclusive": False}).id
    coupon = sdk.v1.coupons.create({"percent_off": 20, "duration": "forever"}).id
    subscription = metered(sdk, customer, default_tax_rates=[tax], discounts=[{"coupon": coupon}])
    grant(sdk, customer, 300)
    sdk.advance(clock.id, at(2024, 1, 20))
    used(sdk, customer, 100, at(2024, 1, 19))
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    invoice = sdk.invoices(subscription=subscription.id)[-1]
    # 1000 - 200 = 800; - 300 = 500; + 50 = 550; - 100 of the balance = 450.
    assert (invoice.subtotal, invoice.total_discount_amounts[0].amount) == (1000, 200)
    assert [one.amount for one in invoice.total_pretax_credit_amounts] == [200, 300]
    assert (invoice.total_taxes[0].amount, invoice.total, invoice.starting_balance) == (50, 550, -100)
    assert (invoice.ending_balance, invoice.amount_due, invoice.amount_paid) == (0, 450, 450)


def test_grants_are_spent_by_priority_then_expiry_then_category(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id).id
    subscription = metered(sdk, customer)
    last = grant(sdk, customer, 400, category="paid")
    third = grant(sdk, customer, 300)
    second = grant(sdk, customer, 200, category="paid", expires_at=at(2024, 6, 1))
    first = grant(sdk, customer, 100, category="paid", priority=1)
    sdk.advance(clock.id, at(2024, 1, 20))
    used(sdk, customer, 65, at(2024, 1, 19))
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    assert sdk.invoices(subscription=subscription.id)[-1].total == 0
    left = {}
    for one in (first, second, third, last):
        ask = {"customer": customer, "filter": {"type": "credit_grant", "credit_grant": one.id}}
        left[one.id] = sdk.v1.billing.credit_balance_summary.retrieve(ask).balances[0].ledger_balance.monetary.value
    assert left == {first.id: 0, second.id: 0, third.id: 0, last.id: 350}  # 650 = 100 + 200 + 300 + 50


def test_below_the_minimum_it_is_paid_and_the_amount_goes_to_the_balance(sdk: Sdk) -> None:
    sdk.merchant.minimum_charges = {"usd": 50}
    sdk.merchant.save()
    customer = sdk.customer().id
    small = sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 20).id)
    assert (small.status, small.total, small.amount_due, small.ending_balance) == ("paid", 20, 0, 20)
    # What is owed comes with the next invoice.
    assert sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 100).id).amount_due == 120


def test_a_negative_total_goes_to_the_balance(sdk: Sdk) -> None:
    customer = sdk.customer().id
    credit = sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 300, -1000).id)
    assert (credit.status, credit.total, credit.amount_due, credit.ending_balance) == ("paid", -700, 0, -700)
    assert sdk.v1.customers.retrieve(customer).balance == -700
    spent = sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 500).id)
    assert (spent.status, spent.amount_due, spent.ending_balance) == ("paid", 0, -200)


def test_nothing_to_pay_is_paid_at_once(sdk: Sdk) -> None:
    assert sdk.v1.invoices.finalize_invoice(one_off(sdk, sdk.customer().id, 0).id).status == "paid"


def test_a_part_is_paid_another_way_and_the_rest_by_card(sdk: Sdk) -> None:
    from engine.services.pay import record_payment
    from tests.factories.times import context

    customer = sdk.customer().id
    invoice = sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 1000).id)
    record_payment(ctx=context(), merchant_id=sdk.merchant.id, invoice_id=invoice.id, amount=400)
    part = sdk.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 400, 600)
    assert [one.amount_paid for one in part.payments.data] == [400]
    paid = sdk.v1.invoices.pay(invoice.id, {"expand": ["payments"]})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 1000, 0)
    assert sorted(one.amount_paid for one in paid.payments.data) == [400, 600]


def test_the_invoices_own_method_comes_before_the_subscriptions_and_the_customers(sdk: Sdk) -> None:
    customer = sdk.customer(card="pm_card_chargeCustomerFail").id
    good = sdk.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer}).id
    invoice = one_off(sdk, customer, 1000, default_payment_method=good)
    sdk.v1.invoices.finalize_invoice(invoice.id)
    assert sdk.v1.invoices.pay(invoice.id).status == "paid"
    other = sdk.v1.invoices.finalize_invoice(one_off(sdk, customer, 1000).id)
    with pytest.raises(stripe.CardError):
        sdk.v1.invoices.pay(other.id)
    assert sdk.v1.invoices.pay(other.id, {"paid_out_of_band": True}).status == "paid"


def test_a_part_that_came_out_of_band_leaves_the_rest_open(sdk: Sdk) -> None:
    """Ours: `amount` beside `paid_out_of_band`. 1000 due, 300 by transfer, the card pays 700."""
    invoice = sdk.v1.invoices.finalize_invoice(one_off(sdk, sdk.customer().id, 1000).id)
    part = sdk.v1.invoices.pay(invoice.id, {"paid_out_of_band": True, "amount": 300})
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 300, 700)
    paid = sdk.v1.invoices.pay(invoice.id, {"expand": ["payments"]})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    assert sorted(one.amount_paid for one in paid.payments.data) == [300, 700]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.invoices.pay(invoice.id, {"amount": 300})
    assert refused.value.param == "amount"


def test_credit_notes_come_to_at_most_the_invoices_total(sdk: Sdk) -> None:
    invoice = sdk.v1.invoices.finalize_invoice(one_off(sdk, sdk.customer().id, 1000).id)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 1001})
    sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 1000})
    assert sdk.v1.invoices.retrieve(invoice.id).status == "paid"
