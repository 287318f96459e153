"""One-off billing: an amount put on a customer's next invoice, an invoice of what is pending, a draft thrown away."""

from typing import Any

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog import selectors as catalog
from core.context import Context
from dashboard.forms.money import InvoiceNowForm, PendingAmountForm
from dashboard.selectors import lists
from dashboard.views.customer_acts import CustomerAct
from dashboard.views.invoice_acts import InvoiceAct
from engine.services import invoices
from engine.services.invoice_items import create_invoice_item
from invoicing.models import Invoice
from merchants.rules import Capability


class CustomerAddAmount(CustomerAct):
    capability = Capability.INVOICES
    form = PendingAmountForm
    title = _("Add an amount")
    text = _("It goes on the customer's next invoice. A negative amount is a credit.")
    button = _("Add")
    done = _("The amount waits for the next invoice.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"currency": self.object.currency or self.scope.merchant.default_currency}

    def perform(self, ctx: Context, form: Form) -> str:
        create_invoice_item(
            ctx=ctx,
            merchant_id=self.merchant_id,
            customer_id=self.object.pk,
            amount=form.cleaned_data["minor"],
            currency=form.currency,  # type: ignore[attr-defined]
            description=form.cleaned_data["description"],
        )
        return self.back_url()


class CustomerInvoiceNow(CustomerAct):
    capability = Capability.INVOICES
    form = InvoiceNowForm
    title = _("Invoice what is pending")
    text = _("Everything that waits for this customer's next invoice is put on one now.")
    button = _("Create the invoice")
    done = _("The invoice was created.")

    def form_kwargs(self) -> dict[str, Any]:
        return {"tax_rates": list(catalog.tax_rates(self.merchant_id).filter(active=True).order_by("created"))}

    def perform(self, ctx: Context, form: Form) -> str:
        invoice_id = invoices.create_invoice(
            ctx=ctx,
            merchant_id=self.merchant_id,
            customer_id=self.object.pk,
            currency=self.object.currency or self.scope.merchant.default_currency,
            collection_method=form.cleaned_data["collection_method"],
            default_tax_rate_ids=form.cleaned_data["tax_rate_ids"],
        )
        return reverse("dashboard:invoice", args=[invoice_id])


class InvoiceDeleteDraft(InvoiceAct):
    title = _("Delete the draft?")
    text = _("What it billed is pending again. Only a one-off draft can be deleted.")
    button = _("Delete")
    danger = True
    done = _("The draft was deleted.")

    def load(self, **kwargs: str) -> Invoice:
        drafts = lists.listed_invoices(self.merchant_id).filter(status="draft", subscription__isnull=True)
        return get_object_or_404(drafts, pk=kwargs["pk"])

    def perform(self, ctx: Context, form: Form) -> str:
        customer_id = self.object.customer_id
        invoices.delete_draft(ctx=ctx, **self.ids)
        return reverse("dashboard:customer", args=[customer_id])
