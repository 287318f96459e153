"""The paper, for staff to look at."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from invoicing.models import (
    CreditNote,
    CreditNoteLine,
    Invoice,
    InvoiceItem,
    InvoiceLine,
    InvoiceLineTax,
    NumberSeries,
)
from merchants.staff import ReadOnlyAdmin, ReadOnlyInline, in_words, money

BY_MERCHANT = ("merchant", AutocompleteSelectFilter)


class LineInline(ReadOnlyInline):
    model = InvoiceLine
    fields = ("description", "quantity", money("amount"), money("discount_amount"), "period_start", "period_end")
    ordering = ("position", "id")


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = (
        "number_or_id",
        "customer",
        "merchant",
        "status",
        money("total"),
        money("amount_remaining"),
        "due_date",
        "created",
    )
    money_fields = (
        "lines_gross",
        "total_discount",
        "credit_grants_applied",
        "inclusive_tax_backed_out",
        "inclusive_tax",
        "exclusive_tax",
        "total",
        "starting_balance",
        "balance_applied",
        "amount_due",
        "amount_paid",
        "amount_remaining",
        "pre_payment_credit_notes_amount",
        "post_payment_credit_notes_amount",
    )
    list_filter = ("status", "billing_reason", BY_MERCHANT)
    search_fields = ("id__exact", "number__exact", "customer__id__exact", "customer__email", "subscription__id__exact")
    list_select_related = ("customer", "merchant")
    inlines = (LineInline,)
    exclude = ("hosted_token",)  # whoever has it may pay and see the invoice without logging in

    @admin.display(description="number", ordering="number")
    def number_or_id(self, invoice: Invoice) -> str:
        return str(invoice)


@admin.register(InvoiceLine)
class InvoiceLineAdmin(ReadOnlyAdmin):
    list_display = ("id", "invoice", "description", "quantity", money("amount"), money("discount_amount"), "proration")
    money_fields = ("amount", "discount_amount", "unit_amount_decimal")
    list_filter = ("proration",)
    search_fields = ("id__exact", "invoice__id__exact", "subscription_id__exact", "price_id__exact")
    list_select_related = ("invoice",)


@admin.register(InvoiceLineTax)
class InvoiceLineTaxAdmin(ReadOnlyAdmin):
    list_display = ("id", "invoice", "display_name", "percentage", "inclusive", "taxable", "tax")
    list_filter = ("inclusive",)
    search_fields = ("id__exact", "invoice__id__exact", "line__id__exact", "tax_rate_id__exact")
    list_select_related = ("invoice", "line")

    @admin.display(description="taxable amount", ordering="taxable_amount")
    def taxable(self, tax: InvoiceLineTax) -> str:
        return in_words(tax.taxable_amount, tax.invoice.currency)

    @admin.display(description="amount", ordering="amount")
    def tax(self, tax: InvoiceLineTax) -> str:
        return in_words(tax.amount, tax.invoice.currency)


@admin.register(InvoiceItem)
class InvoiceItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "description", money("amount"), "proration", "invoice_id", "merchant", "created")
    money_fields = ("amount", "unit_amount_decimal")
    list_filter = ("proration", BY_MERCHANT)
    search_fields = ("id__exact", "customer__id__exact", "subscription__id__exact", "invoice_id__exact")
    list_select_related = ("customer", "merchant")


@admin.register(NumberSeries)
class NumberSeriesAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "next_number", "padding", "billing_entity", "merchant")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "prefix__iexact", "billing_entity__legal_name")
    list_select_related = ("billing_entity", "merchant")


class CreditNoteLineInline(ReadOnlyInline):
    model = CreditNoteLine
    fields = ("description", "quantity", "unit_amount", "amount", "taken", "exclusive_tax", "metadata")
    ordering = ("position", "id")


@admin.register(CreditNote)
class CreditNoteAdmin(ReadOnlyAdmin):
    list_display = ("number", "invoice", "customer", "merchant", "status", money("total"), "created")
    money_fields = (
        "subtotal",
        "taken",
        "inclusive_tax",
        "exclusive_tax",
        "total",
        "pre_payment_amount",
        "post_payment_amount",
        "refund_amount",
        "credit_amount",
        "out_of_band_amount",
    )
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "number__exact", "invoice__id__exact", "customer__id__exact")
    list_select_related = ("invoice", "customer", "merchant")
    inlines = (CreditNoteLineInline,)


@admin.register(CreditNoteLine)
class CreditNoteLineAdmin(ReadOnlyAdmin):
    list_display = ("id", "credit_note", "description", "quantity", "given_back")
    search_fields = ("id__exact", "credit_note__id__exact", "invoice_line_id__exact")
    list_select_related = ("credit_note",)

    @admin.display(description="amount", ordering="amount")
    def given_back(self, line: CreditNoteLine) -> str:
        return in_words(line.amount, line.credit_note.currency)
