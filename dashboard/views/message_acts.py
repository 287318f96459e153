"""Say it again: an invoice's mail once more."""

from django.forms import Form
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.context import Context
from dashboard.selectors import lists
from dashboard.views.pages import ActPage
from invoicing.models import Invoice
from merchants.rules import Capability
from notifications import services


class InvoiceResend(ActPage):
    capability = Capability.INVOICES
    title = _("Send the invoice again?")
    text = _("The customer gets it by e-mail once more, with its PDF.")
    button = _("Send again")
    done = _("The message is on its way.")

    def load(self, **kwargs: str) -> Invoice:
        return get_object_or_404(lists.listed_invoices(self.merchant_id), pk=kwargs["pk"])

    def back_url(self) -> str:
        return reverse("dashboard:invoice", args=[self.object.pk])

    def perform(self, ctx: Context, form: Form) -> str:
        services.resend_invoice(ctx=ctx, merchant_id=self.merchant_id, invoice_id=self.object.pk)
        return self.back_url()
