"""Crediting an invoice from its page: by amount, by line, and where what was paid goes."""

from decimal import Decimal

import pytest
from django.urls import reverse

from catalog.models import TaxRate
from customers.models import Customer
from engine.services.finalize import finalize_invoice
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice
from engine.services.pay import pay_invoice, record_payment
from invoicing.models import CreditNote, Invoice, InvoiceLine
from payments.models import Charge, Refund
from tests.factories import catalog, customers
from tests.factories.times import context

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(shop) -> Customer:
    return customers.customer(merchant=shop, name="Ada", payment_method="pm_card_visa")


@pytest.fixture
def gst(shop) -> TaxRate:
    return catalog.tax_rate(merchant=shop, display_name="GST", percentage="5")


@pytest.fixture
def invoice(shop, ada, gst) -> Invoice:
    """Four seats at 25.00 and a set-up of 50.00, 5 % on top: 150.00 + 7.50 = 157.50, open."""
    for description, amount, quantity in (("Seats", 2500, 4), ("Set-up", 5000, 1)):
        create_invoice_item(
            ctx=context(),
            merchant_id=shop.id,
            customer_id=ada.id,
            unit_amount_decimal=Decimal(amount),
            quantity=quantity,
            currency="cad",
            description=description,
            tax_rate_ids=(gst.id,),
        )
    invoice_id = create_invoice(ctx=context(), merchant_id=shop.id, customer_id=ada.id, auto_advance=False)
    finalize_invoice(ctx=context(), merchant_id=shop.id, invoice_id=invoice_id)
    return Invoice.objects.get(id=invoice_id)


@pytest.fixture
def paid(invoice) -> Invoice:
    pay_invoice(ctx=context(), merchant_id=invoice.merchant_id, invoice_id=invoice.id)
    invoice.refresh_from_db()
    assert (invoice.status, invoice.total) == ("paid", 15750)
    return invoice


def line(invoice: Invoice, description: str) -> str:
    return str(InvoiceLine.objects.get(invoice=invoice, description=description).pk)


def by_lines(invoice: Invoice, **asked: str) -> dict[str, str]:
    """{"Seats_quantity": "1"} -> the form's own field of that line."""
    fields = {"by": "lines", "destination": "refund_amount"}
    for name, value in asked.items():
        description, _, what = name.rpartition("_")
        fields[f"{what}_{line(invoice, description.replace('_', '-'))}"] = value
    return fields


def test_one_unit_of_a_line_goes_back_with_its_tax(desk, paid):
    """25.00 + 5 % = 26.25"""
    page = desk.get("invoice_credit", paid.id).content.decode()
    assert all(said in page for said in ("Seats", "CA$100.00 billed", "4 units", "At most CA$157.50"))
    assert (
        desk.post("invoice_credit", paid.id, **by_lines(paid, Seats_quantity="1"), memo="One less").status_code == 302
    )
    note = CreditNote.objects.get()
    assert (note.total, note.refund_amount, note.memo, Refund.objects.get().amount) == (2625, 2625, "One less", 2625)
    assert "CA$75.00 left of CA$100.00" in desk.get("invoice_credit", paid.id).content.decode()


@pytest.mark.parametrize(
    ("destination", "refunded", "to_balance"), [("credit_amount", 0, -5250), ("out_of_band_amount", 0, 0)]
)
def test_a_whole_line_goes_where_one_chooses(desk, paid, ada, destination, refunded, to_balance):
    """50.00 + 5 % = 52.50"""
    fields = by_lines(paid, Set_up_line="on") | {"destination": destination}
    assert desk.post("invoice_credit", paid.id, **fields).status_code == 302
    note = CreditNote.objects.get()
    ada.refresh_from_db()
    assert (note.total, getattr(note, destination)) == (5250, 5250)
    assert (note.refund_amount, ada.balance) == (refunded, to_balance)


def test_before_payment_a_line_lowers_what_is_due(desk, invoice):
    page = desk.get("invoice_credit", invoice.id).content.decode()
    assert "Nothing is paid yet" in page
    assert desk.post("invoice_credit", invoice.id, **by_lines(invoice, Set_up_amount="20")).status_code == 302
    invoice.refresh_from_db()
    assert invoice.amount_remaining == 15750 - 2100  # 20.00 + 5 %
    assert not Refund.objects.exists()


def test_the_preview_is_the_planners_own(desk, paid):
    """Two seats 50.00 and the set-up 50.00: 100.00 + 5.00, all refunded; nothing is written."""
    answer = desk.post("invoice_credit_preview", paid.id, **by_lines(paid, Seats_quantity="2", Set_up_line="on"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert all(said in page for said in ("CA$50.00", "CA$5.00", "CA$105.00", "Refunded"))
    assert not CreditNote.objects.exists()


def test_the_preview_waits_for_something_to_credit(desk, paid):
    page = desk.post("invoice_credit_preview", paid.id, by="lines", destination="refund_amount").content.decode()
    assert "Say what is credited" in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"Seats_amount": "100.01"}, "CA$100.00 of it are left"),
        ({"Seats_quantity": "5"}, "is for 4 units; 5 would be credited"),
        ({"Seats_amount": "0"}, "more than zero"),
        ({"Seats_amount": "1", "Seats_quantity": "1"}, "Either a quantity or an amount"),
        ({"Seats_amount": "tea"}, "is not a number"),
        ({}, "at least one line"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_moves(desk, paid, asked, said):
    answer = desk.post("invoice_credit", paid.id, **by_lines(paid, **asked))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    if "of it are left" in said or "units" in said:
        assert said in desk.post("invoice_credit_preview", paid.id, **by_lines(paid, **asked)).content.decode()
    assert not CreditNote.objects.exists()


@pytest.mark.parametrize(("amount", "said"), [("157.51", "the CA$157.50 left of the invoice"), ("", "Say how much")])
def test_an_amount_above_what_is_left_is_refused_in_money(desk, paid, amount, said):
    answer = desk.post("invoice_credit", paid.id, by="amount", amount=amount, destination="refund_amount")
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_what_came_by_transfer_does_not_go_back_to_a_card(desk, invoice):
    record_payment(ctx=context(), merchant_id=invoice.merchant_id, invoice_id=invoice.id, amount=15750)
    fields = by_lines(invoice, Set_up_line="on")
    answer = desk.post("invoice_credit", invoice.id, **fields)
    assert answer.status_code == 422
    assert "At most CA$0.00 were paid in a way that can be refunded" in answer.content.decode()
    assert desk.post("invoice_credit", invoice.id, **fields | {"destination": "credit_amount"}).status_code == 302


def test_a_payment_leads_to_its_lines_and_a_refund_above_it_is_said_in_money(desk, paid):
    assert (
        reverse("dashboard:invoice_credit", args=[paid.id]) + "?by=lines"
        in desk.get("payment", paid.payment_intent_id).content.decode()
    )
    charge = Charge.objects.get()
    answer = desk.post("payment_refund", paid.payment_intent_id, charge.id, amount="200.00", reason="")
    assert "(CA$157.50 of CA$157.50)" in answer.content.decode()


def test_in_french_amounts_are_read_as_they_are_written(desk_of, paid):
    desk = desk_of(language="fr-ca")
    assert "Créditer" in desk.get("invoice_credit", paid.id).content.decode()
    assert desk.post("invoice_credit", paid.id, **by_lines(paid, Set_up_amount="12,50")).status_code == 302
    assert CreditNote.objects.get().subtotal == 1250


def test_support_may_not(desk_of, paid):
    desk = desk_of("read_only")
    assert desk.post("invoice_credit", paid.id, amount="1", destination="refund_amount").status_code == 403
    assert desk.post("invoice_credit_preview", paid.id, amount="1", destination="refund_amount").status_code == 403
