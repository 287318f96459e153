"""What a member does to an invoice."""

from datetime import datetime, time
from typing import Any

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _

from core.context import Context
from customers import selectors as people
from dashboard.forms.fields import major
from dashboard.forms.money import ChargeNowForm, RecordPaymentForm
from dashboard.selectors import lists
from dashboard.views.edge import outcome_words
from dashboard.views.pages import ActPage
from engine.services import finalize, invoices, pay
from invoicing.models import Invoice
from merchants.rules import Capability


class InvoiceAct(ActPage):
    capability = Capability.INVOICES

    def load(self, **kwargs: str) -> Invoice:
        return get_object_or_404(lists.listed_invoices(self.merchant_id), pk=kwargs["pk"])

    def back_url(self) -> str:
        return reverse("dashboard:invoice", args=[self.object.pk])

    @property
    def ids(self) -> dict[str, str]:
        return {"merchant_id": self.merchant_id, "invoice_id": self.object.pk}


class InvoiceFinalize(InvoiceAct):
    title = _("Finalize the invoice?")
    text = _("It gets its number and is collected. Its lines and amounts can then not be changed any more.")
    button = _("Finalize")
    done = _("The invoice was finalized.")

    def perform(self, ctx: Context, form: Form) -> str:
        finalize.finalize_invoice(ctx=ctx, **self.ids)
        return self.back_url()


class InvoiceVoid(InvoiceAct):
    title = _("Void the invoice?")
    text = _(
        "It keeps its number but nothing is owed on it any more. This cannot be undone, and it is not billed again."
    )
    button = _("Void it")
    danger = True
    done = _("The invoice was voided.")

    def perform(self, ctx: Context, form: Form) -> str:
        invoices.void_invoice(ctx=ctx, **self.ids)
        return self.back_url()


class InvoiceUncollectible(InvoiceAct):
    title = _("Write the invoice off?")
    text = _("It is marked uncollectible and not tried again. It can still be paid later.")
    button = _("Write it off")
    danger = True
    done = _("The invoice was marked uncollectible.")

    def perform(self, ctx: Context, form: Form) -> str:
        invoices.mark_uncollectible(ctx=ctx, **self.ids)
        return self.back_url()


class InvoicePay(InvoiceAct):
    form = ChargeNowForm
    title = _("Charge the customer now?")
    text = _("The remaining amount is collected with the chosen payment method.")
    button = _("Charge now")

    def form_kwargs(self) -> dict[str, Any]:
        return {"methods": people.payment_methods(self.merchant_id, self.object.customer_id)}

    def perform(self, ctx: Context, form: Form) -> str:
        method_id = form.cleaned_data["payment_method"]
        outcome = pay.pay_invoice(ctx=ctx, payment_method_id=method_id, off_session=True, **self.ids)
        self.message = outcome_words(outcome)
        return self.back_url()


class InvoiceRecordPayment(InvoiceAct):
    form = RecordPaymentForm
    title = _("Record a payment")
    text = _("Money that arrived outside the gateway: a bank transfer, a cheque, cash.")
    button = _("Record")
    done = _("The payment was recorded.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"currency": self.object.currency}

    def initial(self) -> dict[str, Any]:
        return {"amount": major(self.object.amount_remaining, self.object.currency)}

    def perform(self, ctx: Context, form: Form) -> str:
        data = form.cleaned_data
        day = data["received_on"]
        pay.record_payment(
            ctx=ctx,
            amount=data["minor"],
            note=data["note"],
            reference=data["reference"],
            received_at=make_aware(datetime.combine(day, time.min)) if day else None,
            **self.ids,
        )
        return self.back_url()
