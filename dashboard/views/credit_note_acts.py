"""Taking back what an invoice billed, and taking that back again."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from core.context import Context
from core.errors import OstinatoError
from dashboard.forms.credits import AMOUNT, LINES, CreditForm
from dashboard.forms.fields import major
from dashboard.selectors import money
from dashboard.views.edge import error_text
from dashboard.views.invoice_acts import InvoiceAct
from dashboard.views.pages import FormPage
from engine.services import credit_notes
from invoicing.models import CreditNote, Invoice
from invoicing.rules.credit_notes import plan_credit_note
from merchants.rules import Capability
from payments.rules import MONEY_AT_BANK


class InvoiceCredit(InvoiceAct, FormPage):
    """A credit note by amount or by line. What it takes back is shown by the very planner that will write it."""

    template = "dashboard/invoices/credit.html"
    capability = Capability.REFUNDS
    form = CreditForm
    title = _("Credit the invoice")
    button = _("Issue the credit note")
    done = _("The credit note was issued.")

    def load(self, **kwargs: str) -> Invoice:
        invoice = super().load(**kwargs)
        self.left = credit_notes.creditable_invoice(merchant_id=self.merchant_id, invoice_id=invoice.pk)
        return invoice

    def form_kwargs(self) -> dict[str, Any]:
        return {"currency": self.object.currency, "lines": self.left.lines}

    def initial(self) -> dict[str, Any]:
        return {
            "amount": major(self.left.total - self.left.credited, self.object.currency),
            "by": LINES if self.request.GET.get("by") == LINES else AMOUNT,
            "destination": "refund_amount" if self.left.refundable else "credit_amount",
        }

    def context(self, form: Form) -> dict[str, Any]:
        disputes = money.disputes_of_invoice(self.merchant_id, self.object.pk)
        return {
            "left": self.left,
            "anything_paid": self.left.total - self.left.credited > self.left.amount_remaining,
            "dispute": next((dispute for dispute in disputes if dispute.status in MONEY_AT_BANK), None),
        }

    def perform(self, ctx: Context, form: Form) -> str:
        assert isinstance(form, CreditForm)
        data = form.cleaned_data
        credit_notes.create_credit_note(
            ctx=ctx,
            merchant_id=self.merchant_id,
            invoice_id=self.object.pk,
            request=form.credit_request(),
            reason=data["reason"],
            memo=data["memo"],
        )
        return self.back_url()


class InvoiceCreditPreview(InvoiceCredit):
    """What the credit note would take back: a fragment beside the form."""

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        return self.http_method_not_allowed(request)

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        self.object = self.load(**kwargs)
        form = self.form(request.POST, **self.form_kwargs())
        assert isinstance(form, CreditForm)
        found: dict[str, Any] = {}
        if form.is_valid():
            try:
                found["preview"] = plan_credit_note(self.left, form.credit_request())
            except OstinatoError as error:
                found["refused"] = error_text(error, self.object.currency)
        return self.render("dashboard/invoices/_credit_preview.html", object=self.object, form=form, **found)


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
