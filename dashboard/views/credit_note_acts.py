"""Taking back what an invoice billed, and taking that back again."""

from typing import Any

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from core.context import Context
from dashboard.forms.fields import major
from dashboard.forms.money import CreditForm
from dashboard.views.invoice_acts import InvoiceAct
from engine.services import credit_notes
from invoicing.models import CreditNote, Invoice
from invoicing.rules.credit_notes import CreditNoteRequest
from merchants.rules import Capability


class InvoiceCredit(InvoiceAct):
    capability = Capability.REFUNDS
    form = CreditForm
    title = _("Credit the invoice")
    text = _("What is not paid yet is lowered first; of the rest you say how it goes back.")
    button = _("Issue the credit note")
    done = _("The credit note was issued.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"currency": self.object.currency}

    def initial(self) -> dict[str, Any]:
        return {"amount": major(self.object.total - credited(self.object), self.object.currency)}

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        # What is above the unpaid remainder was paid: all of it goes the one way that was chosen.
        paid_part = max(0, data["minor"] - self.object.amount_remaining)
        credit_notes.create_credit_note(
            ctx=ctx,
            merchant_id=self.merchant_id,
            invoice_id=self.object.pk,
            request=CreditNoteRequest(amount=data["minor"], **{data["destination"]: paid_part}),
            reason=data["reason"],
            memo=data["memo"],
        )
        return self.back_url()


class CreditNoteVoid(InvoiceAct):
    capability = Capability.REFUNDS
    title = _("Void the credit note?")
    text = _("What it took off is due again.")
    button = _("Void it")
    danger = True
    done = _("The credit note was voided.")

    def load(self, **kwargs: str) -> Invoice:
        invoice = super().load(**kwargs)
        rows = CreditNote.objects.filter(merchant_id=self.merchant_id, invoice=invoice, status="issued")
        self.note = get_object_or_404(rows, pk=kwargs["note"])
        return invoice

    def perform(self, ctx: Context, form: Form) -> str:
        credit_notes.void_credit_note(ctx=ctx, merchant_id=self.merchant_id, credit_note_id=self.note.pk)
        return self.back_url()


def credited(invoice: Invoice) -> int:
    return invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount
