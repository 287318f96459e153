"""Credit notes before and after the payment, on the database and the sandbox gateway."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from core.errors import OstinatoError
from customers.models import Customer, CustomerBalanceTransaction
from engine.services.collect import collect_invoices
from engine.services.credit_notes import (
    CreditNoteNotVoidable,
    UnknownReason,
    create_credit_note,
    preview_credit_note,
    void_credit_note,
)
from engine.services.invoice_items import create_invoice_item
from engine.services.invoices import create_invoice
from events.models import Event
from invoicing.models import CreditNote, CreditNoteLine, Invoice, InvoiceLine
from invoicing.rules.credit_notes import (
    CreditedLineRequest,
    CreditedMoreThanBilled,
    CreditNoteRequest,
    MoneyDoesNotAddUp,
)
from invoicing.selectors import InvoiceNotFound
from invoicing.snapshots import credit_note_snapshot
from payments.models import Charge, PaymentIntent, Refund
from tests.factories.catalog import tax_rate
from tests.factories.customers import customer
from tests.factories.merchants import merchant
from tests.factories.times import context, utc

pytestmark = pytest.mark.django_db

CTX = context(utc(2024, 1, 10))


def billed(instrument="", amount=10000, **fields):
    """An invoice of 100.00 with GST and QST: 114.98, paid at once with a card that works."""
    payer = customer(merchant=merchant(), payment_method=instrument)
    taxes = [
        tax_rate(merchant=payer.merchant, percentage="5").id,
        tax_rate(merchant=payer.merchant, percentage="9.975", display_name="QST").id,
    ]
    owner = {"merchant_id": payer.merchant_id, "customer_id": payer.id}
    create_invoice_item(ctx=CTX, **owner, currency="cad", amount=amount, description="Help", tax_rate_ids=taxes)
    return Invoice.objects.get(id=create_invoice(ctx=CTX, **owner, **fields))


def credit(invoice, ctx=CTX, **fields):
    options = {name: fields.pop(name) for name in ("reason", "memo") if name in fields}
    note_id = create_credit_note(
        ctx=ctx,
        merchant_id=invoice.merchant_id,
        invoice_id=invoice.id,
        request=CreditNoteRequest(**fields),
        **options,
    )
    invoice.refresh_from_db()
    return CreditNote.objects.get(id=note_id)


class TestBeforePayment:
    def test_it_lowers_what_is_due_and_the_next_attempt_charges_the_rest(self):
        invoice = billed(collection_method="send_invoice")
        note = credit(invoice, amount=1498, reason="duplicate")
        assert (note.number, note.type, note.total) == ("INV-0001-CN-01", "pre_payment", 1498)
        assert (invoice.status, invoice.amount_due, invoice.amount_remaining) == ("open", 11498, 10000)
        assert invoice.pre_payment_credit_notes_amount == 1498
        assert PaymentIntent.objects.get().status == "canceled"  # it was for 114.98
        method = customer(merchant=invoice.merchant, payment_method="pm_card_visa").default_payment_method_id
        [outcome] = collect_invoices(ctx=CTX, invoice_ids=[invoice.id], payment_method_id=method)
        assert (outcome.status, Charge.objects.get(id=outcome.charge_id).amount) == ("succeeded", 10000)

    def test_all_of_it_pays_the_invoice(self):
        invoice = billed(collection_method="send_invoice")
        credit(invoice, lines=(CreditedLineRequest(InvoiceLine.objects.get().id),))
        assert (invoice.status, invoice.amount_remaining, invoice.amount_paid) == ("paid", 0, 0)
        line = CreditNoteLine.objects.get()
        assert (line.amount, line.exclusive_tax, [tax["amount"] for tax in line.taxes]) == (10000, 1498, [500, 998])
        told = set(
            Event.objects.filter(type__in=["credit_note.created", "invoice.updated", "invoice.paid"]).values_list(
                "type", flat=True
            )
        )
        assert told == {"credit_note.created", "invoice.updated", "invoice.paid"}

    def test_voided_it_is_due_again(self):
        invoice = billed(collection_method="send_invoice")
        note = credit(invoice, amount=1498)
        void_credit_note(ctx=CTX, merchant_id=invoice.merchant_id, credit_note_id=note.id)
        invoice.refresh_from_db()
        note.refresh_from_db()
        assert (note.status, invoice.amount_remaining, invoice.pre_payment_credit_notes_amount) == ("void", 11498, 0)
        assert credit(invoice, amount=11498).number == "INV-0001-CN-02"
        with pytest.raises(CreditNoteNotVoidable):
            void_credit_note(ctx=CTX, merchant_id=invoice.merchant_id, credit_note_id=note.id)
        assert Event.objects.filter(type="credit_note.voided").count() == 1


class TestAfterPayment:
    def test_refund_balance_and_outside_make_the_total(self):
        invoice = billed("pm_card_visa")
        note = credit(invoice, amount=1000, refund_amount=600, credit_amount=300, out_of_band_amount=100)
        refund = Refund.objects.get()
        assert (refund.status, refund.amount, note.refund_ids) == ("succeeded", 600, [refund.id])
        entry = CustomerBalanceTransaction.objects.get()
        assert (entry.type, entry.amount, entry.credit_note_id) == ("credit_note", -300, note.id)
        assert note.balance_transaction_id == entry.id
        assert Customer.objects.get().balance == -300
        assert (invoice.status, invoice.post_payment_credit_notes_amount, invoice.amount_remaining) == ("paid", 1000, 0)
        with pytest.raises(CreditNoteNotVoidable):
            void_credit_note(ctx=CTX, merchant_id=invoice.merchant_id, credit_note_id=note.id)

    def test_what_is_refused_writes_nothing(self):
        invoice = billed("pm_card_visa")
        for error, fields in (
            (MoneyDoesNotAddUp, {"amount": 1000}),
            (CreditedMoreThanBilled, {"amount": 11499, "refund_amount": 11499}),
            (UnknownReason, {"amount": 1, "credit_amount": 1, "reason": "whim"}),
        ):
            with pytest.raises(error):
                credit(invoice, **fields)
        assert not CreditNote.objects.exists()
        assert not Refund.objects.exists()

    def test_the_preview_is_the_note(self):
        invoice = billed("pm_card_visa")
        request = CreditNoteRequest(amount=777, refund_amount=777)
        planned = preview_credit_note(merchant_id=invoice.merchant_id, invoice_id=invoice.id, request=request)
        assert not CreditNote.objects.exists()
        note = credit(invoice, amount=777, refund_amount=777)
        assert (note.subtotal, note.exclusive_tax, note.total) == (planned.subtotal, planned.exclusive_tax, 777)

    def test_of_another_merchant_there_is_none(self):
        invoice = billed("pm_card_visa")
        with pytest.raises(InvoiceNotFound):
            create_credit_note(
                ctx=CTX,
                merchant_id=merchant(name="Other", prefix="OT").id,
                invoice_id=invoice.id,
                request=CreditNoteRequest(amount=1, credit_amount=1),
            )

    def test_its_object_is_stripes(self):
        note = credit(billed("pm_card_visa"), amount=11498, refund_amount=11498, memo="Sorry")
        body = credit_note_snapshot(note, list(note.lines.all()))
        assert body["object"] == "credit_note"
        assert (body["amount"], body["subtotal"], body["total_excluding_tax"]) == (11498, 10000, 10000)
        assert body["lines"]["data"][0]["type"] == "invoice_line_item"
        assert [tax["amount"] for tax in body["total_taxes"]] == [500, 998]


class TestTheDatabaseSaysNo:
    def test_to_more_than_was_billed(self):
        invoice = billed("pm_card_visa")
        with pytest.raises(DatabaseError), transaction.atomic():
            Invoice.objects.filter(id=invoice.id).update(post_payment_credit_notes_amount=11499)

    def test_to_a_note_that_its_invoice_does_not_count(self):
        note = credit(billed("pm_card_visa"), amount=100, credit_amount=100)
        CreditNote.objects.filter(id=note.id).update(status="void")
        with pytest.raises(DatabaseError):
            connection.check_constraints()

    def test_to_another_amount(self):
        note = credit(billed("pm_card_visa"), amount=100, credit_amount=100)
        with pytest.raises(DatabaseError), transaction.atomic():
            CreditNote.objects.filter(id=note.id).update(memo="", total=1)


@pytest.mark.django_db(transaction=True)
def test_two_people_credit_the_same_invoice_once():
    invoice = billed("pm_card_visa")

    def attempt(_):
        try:
            return credit(Invoice.objects.get(id=invoice.id), amount=8000, refund_amount=8000).total
        except OstinatoError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(map(str, pool.map(attempt, range(2)))) == ["8000", "amount_too_large"]
    assert sum(Refund.objects.values_list("amount", flat=True)) == 8000
