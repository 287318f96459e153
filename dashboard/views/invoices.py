"""Invoices: list, detail, PDF."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy as _

from core.errors import OstinatoError
from dashboard.filters.lists import InvoiceFilter
from dashboard.selectors import details, lists, money
from dashboard.tables.money import InvoiceTable
from dashboard.views.edge import context_of, error_text
from dashboard.views.pages import DetailPage, ListPage, Page
from invoicing import selectors as invoicing
from invoicing.models import CreditNote, Invoice
from invoicing.pdf.service import credit_note_pdf, invoice_pdf
from invoicing.rules.explaining import explain_invoice


class InvoiceList(ListPage):
    title = _("Invoices")
    table = InvoiceTable
    filter = InvoiceFilter
    filename = "invoices"
    empty_icon = "receipt-text"
    empty_title = _("No invoices yet")
    empty_text = _("The first one is issued with the first subscription.")

    def rows(self) -> QuerySet[Invoice]:
        return lists.listed_invoices(self.merchant_id)


class InvoiceDetail(DetailPage):
    template = "dashboard/invoices/detail.html"

    def rows(self) -> QuerySet[Invoice]:
        return lists.listed_invoices(self.merchant_id)

    def facts(self, found: Invoice) -> dict[str, Any]:
        charges = details.charges_of_invoice(self.merchant_id, found.pk)
        lines = invoicing.invoice_lines(found)
        return {
            "lines": lines,
            "is_open_draft": found.status == "draft" and self.scope.can["invoices"],
            "explained": explain_invoice(found, lines, get_language() or "en", self.scope.merchant.timezone),
            "taxes": details.taxes_of(found),
            "charges": charges,
            "disputes": money.disputes_of_invoice(self.merchant_id, found.pk),
            "payments": list(found.payments.order_by("created", "id")),
            "credit_notes": details.credit_notes_of(found),
            "credited": found.pre_payment_credit_notes_amount + found.post_payment_credit_notes_amount,
            "case": details.open_case_of(self.merchant_id, found.pk),
            "messages_sent": details.messages_about(self.merchant_id, found.pk),
            "hosted_url": details.hosted_invoice_url(found),
            "timeline": details.timeline_of_invoice(found, charges),
        }


class InvoicePdf(Page):
    """The paper as it is stored; made now when nobody asked for it before."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        invoice = get_object_or_404(lists.listed_invoices(self.merchant_id), pk=pk)
        try:
            content, name, _digest = invoice_pdf(
                ctx=context_of(request, self.scope), merchant_id=self.merchant_id, invoice_id=invoice.pk
            )
        except OstinatoError as error:
            messages.error(request, error_text(error))
            return HttpResponseRedirect(reverse("dashboard:invoice", args=[invoice.pk]))
        headers = {"Content-Disposition": f'inline; filename="{name}"'}
        return HttpResponse(content, content_type="application/pdf", headers=headers)


class CreditNotePdf(Page):
    """A credit note's paper, as it is stored."""

    def get(self, request: HttpRequest, pk: str, note: str) -> HttpResponse:
        row = get_object_or_404(CreditNote, merchant_id=self.merchant_id, invoice_id=pk, pk=note)
        try:
            content, name, _digest = credit_note_pdf(
                ctx=context_of(request, self.scope), merchant_id=self.merchant_id, credit_note_id=row.pk
            )
        except OstinatoError as error:
            messages.error(request, error_text(error))
            return HttpResponseRedirect(reverse("dashboard:invoice", args=[pk]))
        headers = {"Content-Disposition": f'inline; filename="{name}"'}
        return HttpResponse(content, content_type="application/pdf", headers=headers)
