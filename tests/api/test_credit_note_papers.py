"""Credit notes by the official SDK: before and after payment, their previews, their paper."""

from __future__ import annotations

import urllib.request

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_sdk_clocks import at


def billed(sdk: Sdk, lines: list[dict], **fields):
    customer = sdk.customer().id
    draft = sdk.v1.invoices.create({"customer": customer, "currency": "usd", **fields}).id
    sdk.v1.invoices.add_lines(draft, {"lines": lines})
    return sdk.v1.invoices.finalize_invoice(draft)


def test_a_note_before_payment_lowers_what_is_due_and_is_voided(sdk: Sdk) -> None:
    tax = sdk.v1.tax_rates.create({"display_name": "GST", "percentage": 5, "inclusive": False}).id
    invoice = billed(sdk, [{"unit_amount_decimal": "250", "quantity": 4, "tax_rates": [tax]}, {"amount": 500}])
    assert (invoice.total, invoice.amount_remaining) == (1550, 1550)
    line = invoice.lines.data[0].id
    ask = {"invoice": invoice.id, "lines": [{"type": "invoice_line_item", "invoice_line_item": line, "quantity": 1}]}
    preview = sdk.v1.credit_notes.preview(ask)
    note = sdk.v1.credit_notes.create({**ask, "memo": "Broken", "reason": "product_unsatisfactory"})
    # A quarter of 1000, and of its 50 of tax: 250 + 13.
    for shown in (preview, note):
        assert (shown.subtotal, shown.total, shown.pre_payment_amount, shown.post_payment_amount) == (250, 263, 263, 0)
        assert (shown.lines.data[0].quantity, shown.lines.data[0].taxes[0].amount) == (1, 13)
        assert (shown.number, shown.type) == (f"{invoice.number}-CN-01", "pre_payment")
    lowered = sdk.v1.invoices.retrieve(invoice.id)
    assert (lowered.amount_remaining, lowered.pre_payment_credit_notes_amount) == (1287, 263)
    changed = sdk.v1.credit_notes.update(note.id, {"memo": "Broken twice", "metadata": {"rma": "9"}})
    assert (changed.memo, changed.metadata["rma"], changed.total) == ("Broken twice", "9", 263)
    assert sdk.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert sdk.v1.invoices.retrieve(invoice.id).amount_remaining == 1550
    rest = sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 1550})
    assert rest.number == f"{invoice.number}-CN-02"
    assert sdk.v1.invoices.retrieve(invoice.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 1, "credit_amount": 1})


def test_a_note_after_payment_is_refund_credit_and_out_of_band_to_the_cent(sdk: Sdk) -> None:
    invoice = billed(sdk, [{"amount": 1000}])
    sdk.v1.invoices.pay(invoice.id)
    ask = {"invoice": invoice.id, "amount": 600, "refund_amount": 300, "credit_amount": 200, "out_of_band_amount": 100}
    with pytest.raises(stripe.InvalidRequestError) as short:
        sdk.v1.credit_notes.create({**ask, "credit_amount": 199})
    assert short.value.param == "refund_amount"
    note = sdk.v1.credit_notes.create(ask)
    assert (note.type, note.post_payment_amount, note.out_of_band_amount) == ("post_payment", 600, 100)
    [refund] = note.refunds
    assert (refund.amount_refunded, sdk.v1.refunds.retrieve(refund.refund).amount) == (300, 300)
    assert sdk.v1.customers.retrieve(invoice.customer).balance == -200
    entry = sdk.v1.customers.balance_transactions.retrieve(invoice.customer, note.customer_balance_transaction)
    assert (entry.type, entry.amount, entry.credit_note) == ("credit_note", -200, note.id)
    assert sdk.v1.invoices.retrieve(invoice.id).post_payment_credit_notes_amount == 600
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.credit_notes.void_credit_note(note.id)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 401, "out_of_band_amount": 401})
    found = sdk.v1.credit_notes.list({"customer": invoice.customer, "created": {"gte": note.created}}).data
    assert [one.id for one in found] == [note.id]


def test_the_lines_of_a_note_come_by_pages(sdk: Sdk) -> None:
    invoice = billed(sdk, [{"amount": number} for number in (100, 200, 300)])
    note = sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 600})
    first = sdk.v1.credit_notes.line_items.list(note.id, {"limit": 2})
    assert ([line.amount for line in first.data], first.has_more) == ([100, 200], True)
    assert [line.amount for line in first.auto_paging_iter()] == [100, 200, 300]


def test_a_note_has_a_paper_that_anybody_with_its_address_reads(sdk: Sdk, settings) -> None:
    settings.SITE_URL = sdk.url
    invoice = billed(sdk, [{"amount": 1000}], effective_at=at(2024, 1, 9))
    note = sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 250})
    assert note.pdf.startswith(sdk.url)
    with urllib.request.urlopen(note.pdf) as answer:
        first = answer.read()
    assert first.startswith(b"%PDF")
    with urllib.request.urlopen(sdk.v1.credit_notes.retrieve(note.id).pdf) as answer:
        assert answer.read() == first


def test_an_invoice_that_is_sent_is_told_again_when_asked(sdk: Sdk) -> None:
    invoice = billed(sdk, [{"amount": 1000}], collection_method="send_invoice", days_until_due=3)
    assert sdk.v1.invoices.send_invoice(invoice.id).status == "open"
    sent = sdk.v1.events.list({"type": "invoice.sent"}).data
    assert [one.data.object.id for one in sent] == [invoice.id, invoice.id]
    charged = billed(sdk, [{"amount": 1000}])
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.invoices.send_invoice(charged.id)


def test_a_note_says_when_it_counts_and_its_lines_what_is_to_be_known_of_them(sdk: Sdk) -> None:
    invoice = billed(sdk, [{"amount": 1000}], collection_method="send_invoice", days_until_due=3)
    lines = [
        {"type": "custom_line_item", "description": "Calls", "quantity": 3, "unit_amount_decimal": "0.5"},
        {
            "type": "invoice_line_item",
            "invoice_line_item": invoice.lines.data[0].id,
            "amount": 100,
            "metadata": {"rma": "7"},
        },
    ]
    ask = {"invoice": invoice.id, "lines": lines, "effective_at": at(2024, 1, 9), "email_type": "none"}
    shown = sdk.v1.credit_notes.preview(ask)
    note = sdk.v1.credit_notes.create(ask)
    for one in (shown, note, sdk.v1.credit_notes.retrieve(note.id)):
        own, of_invoice = one.lines.data
        # 3 x 0.5 = 1.5 cents, rounded once to 2.
        assert (own.amount, own.quantity, own.unit_amount, str(own.unit_amount_decimal)) == (2, 3, None, "0.5")
        assert (one.total, one.effective_at, dict(of_invoice.metadata)) == (102, at(2024, 1, 9), {"rma": "7"})
    lines[0]["unit_amount_decimal"] = "0.0000000000001"
    with pytest.raises(stripe.InvalidRequestError) as finer:
        sdk.v1.credit_notes.create(ask)
    assert finer.value.param == "lines[0][unit_amount_decimal]"


def test_refunds_that_were_made_before_are_put_on_a_note_and_on_one_only(sdk: Sdk) -> None:
    invoice = billed(sdk, [{"amount": 1000}])
    sdk.v1.invoices.pay(invoice.id)
    [paid] = sdk.v1.invoice_payments.list({"invoice": invoice.id}).data
    first, second = (
        sdk.v1.refunds.create({"payment_intent": paid.payment.payment_intent, "amount": amount}).id
        for amount in (300, 200)
    )
    part = {"refund": first, "amount_refunded": 250}
    ask = {"invoice": invoice.id, "amount": 500, "refunds": [part, {"refund": second, "type": "refund"}]}
    with pytest.raises(stripe.InvalidRequestError) as short:
        sdk.v1.credit_notes.create(ask)  # 250 + 200 of 500
    assert short.value.param == "refund_amount"
    note = sdk.v1.credit_notes.create({**ask, "refund_amount": 50})
    assert [(one.refund, one.amount_refunded) for one in note.refunds[:2]] == [(first, 250), (second, 200)]
    assert (len(note.refunds), note.refunds[2].amount_refunded, note.post_payment_amount) == (3, 50, 500)
    # 300 and 200 went back before, 50 with the note: nothing twice.
    charge = sdk.v1.charges.list({"payment_intent": paid.payment.payment_intent}).data[0]
    assert charge.amount_refunded == 550
    again = {"invoice": invoice.id, "amount": 51, "refunds": [{"refund": first, "amount_refunded": 51}]}
    with pytest.raises(stripe.InvalidRequestError) as twice:
        sdk.v1.credit_notes.create(again)
    assert (twice.value.code, twice.value.param) == ("amount_too_large", "refunds[0][amount_refunded]")
    rest = sdk.v1.credit_notes.create({"invoice": invoice.id, "amount": 50, "refunds": [{"refund": first}]})
    assert [(one.refund, one.amount_refunded) for one in rest.refunds] == [(first, 50)]
    other = billed(sdk, [{"amount": 1000}])
    sdk.v1.invoices.pay(other.id)
    with pytest.raises(stripe.InvalidRequestError) as foreign:
        sdk.v1.credit_notes.create({"invoice": other.id, "amount": 300, "refunds": [{"refund": first}]})
    assert (foreign.value.code, foreign.value.param) == ("resource_missing", "refunds[0][refund]")
