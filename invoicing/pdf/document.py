"""What an invoice says, as finished strings in its language. From the snapshots on it, never from today's merchant.

Its words have a context of their own ("paper"): a button's "From" is not an invoice's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import pgettext

from core.money_format import format_money, format_quantity, format_unit_amount
from core.periods import UnknownTimeZone, time_zone
from invoicing.models import Invoice, InvoiceLine, InvoiceLineTax
from invoicing.pdf import words
from invoicing.rules.transfers import transfer_of

LETTER_COUNTRIES = frozenset({"CA", "US", "MX", "PH", "CL", "CO"})
MINUS = "−"


@dataclass(frozen=True, slots=True)
class Row:
    """A label and a figure; `strong` for those that people look for, `note` in small under the label."""

    label: str
    value: str
    strong: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    description: str
    details: tuple[str, ...]
    quantity: str
    unit_price: str
    tax: str
    amount: str


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    lines: tuple[str, ...]
    numbers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """Everything the template prints. `stamp_tone`: paid, due, void, draft."""

    language: str
    paper: str  # Letter, A4
    brand_color: str
    merchant_name: str
    title: str
    number: str
    stamp: str
    stamp_tone: str
    watermark: str
    meta: tuple[Row, ...]
    seller: Party
    buyer: Party
    headline: str
    subline: str
    lines: tuple[DocumentLine, ...]
    shows_tax: bool
    totals: tuple[Row, ...]
    due: Row
    notes: tuple[str, ...]
    footer: str
    contact: str
    logo: str = ""
    transfer: tuple[Row, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


def invoice_document(
    invoice: Invoice, lines: Sequence[InvoiceLine], discount_names: Mapping[str, str], logo: str = ""
) -> InvoiceDocument:
    """The invoice's words and figures. `lines` come with their taxes; `logo` is a data URI or blank."""
    with translation.override(django_language(invoice.locale)):
        return PaperWriter(invoice, lines, discount_names).document(logo)


def django_language(locale: str) -> str:
    """The paper's locale as Django names its languages: fr_CA -> fr-ca."""
    return locale.replace("_", "-").lower() or "en"


class PaperWriter:
    """One invoice being put into words; nothing here outlives the call. A credit note is written by the same hand."""

    def __init__(self, invoice: Invoice, lines: Sequence[InvoiceLine], discount_names: Mapping[str, str]) -> None:
        self.invoice, self.lines, self.discount_names = invoice, lines, discount_names
        self.locale = django_language(invoice.locale)
        self.seller: dict[str, Any] = invoice.seller_snapshot or {}
        self.buyer: dict[str, Any] = invoice.customer_snapshot or {}
        self.zone = _zone(self.seller.get("timezone", ""))
        self.taxes = [tax for line in lines for tax in line.taxes.all()]

    def document(self, logo: str) -> InvoiceDocument:
        invoice = self.invoice
        stamp, tone = self.stamp()
        owed = 0 if invoice.status == "void" else invoice.amount_remaining
        return InvoiceDocument(
            **self.letterhead(logo),
            title=pgettext("paper", "Invoice"),
            number=invoice.number or "",
            stamp=stamp,
            stamp_tone=tone,
            watermark=pgettext("paper", "DRAFT")
            if tone == "draft"
            else pgettext("paper", "VOID")
            if tone == "void"
            else "",
            meta=tuple(self.meta()),
            headline=self.headline(),
            subline=invoice.description,
            lines=tuple(self.line(line) for line in self.lines),
            shows_tax=bool(self.taxes),
            totals=tuple(self.totals()),
            due=Row(pgettext("paper", "Amount due"), self.money(owed), strong=True),
            notes=tuple(self.notes()),
            footer=invoice.footer or self.seller.get("footer", ""),
            transfer=tuple(self.transfer()),
        )

    def letterhead(self, logo: str) -> dict[str, Any]:
        """What all papers of a merchant share: its language and looks, who writes to whom, the form's own words."""
        seller = self.party(self.seller, self.seller.get("legal_name", ""), self.seller.get("tax_registrations", []))
        return {
            "language": self.locale,
            "paper": "Letter" if self.seller.get("address", {}).get("country") in LETTER_COUNTRIES else "A4",
            "brand_color": self.seller.get("brand_color") or "#1c1d22",
            "merchant_name": self.seller.get("name") or seller.name,
            "seller": seller,
            "buyer": self.party(self.buyer, self.buyer.get("name", ""), self.buyer.get("tax_ids", [])),
            "contact": " · ".join(filter(None, (self.seller.get("email", ""), self.seller.get("url", "")))),
            "logo": logo,
            "labels": self.labels(),
        }

    def money(self, minor: int) -> str:
        # A typographic minus in front reads the same in every locale's currency pattern.
        return f"{MINUS}{self.money(-minor)}" if minor < 0 else format_money(minor, self.invoice.currency, self.locale)

    def stamp(self) -> tuple[str, str]:
        status = self.invoice.status
        if status == "paid":
            return pgettext("paper", "Paid"), "paid"
        if status == "void":
            return pgettext("paper", "Void"), "void"
        return (pgettext("paper", "Draft"), "draft") if status == "draft" else ("", "due")

    def meta(self) -> Iterable[Row]:
        invoice = self.invoice
        yield Row(pgettext("paper", "Invoice number"), invoice.number or pgettext("paper", "Draft"))
        issued = invoice.effective_at or invoice.finalized_at or invoice.created
        yield Row(pgettext("paper", "Date of issue"), self.day(issued))
        if invoice.collection_method == "send_invoice" and invoice.due_date:
            yield Row(pgettext("paper", "Date due"), self.day(invoice.due_date))
        if invoice.status == "paid" and invoice.paid_at:
            yield Row(pgettext("paper", "Date paid"), self.day(invoice.paid_at))
        for custom in invoice.custom_fields:
            yield Row(custom["name"], custom["value"])

    def headline(self) -> str:
        invoice = self.invoice
        if invoice.status == "paid" and invoice.paid_at:
            return pgettext("paper", "%(amount)s paid on %(date)s") % {
                "amount": self.money(invoice.amount_due),
                "date": self.day(invoice.paid_at),
            }
        date = invoice.due_date or invoice.finalized_at or invoice.created
        amount = {"amount": self.money(invoice.amount_remaining), "date": self.day(date)}
        return (
            self.money(invoice.amount_due)
            if invoice.status == "void"
            else pgettext("paper", "%(amount)s due %(date)s") % amount
        )

    def day(self, moment: Any) -> str:
        return words.day(moment, self.zone, self.locale)

    def party(self, snapshot: dict[str, Any], name: str, numbers: Sequence[Mapping[str, str]]) -> Party:
        lines = words.address_lines(snapshot.get("address") or {}, self.locale)
        email = [snapshot["email"]] if snapshot.get("email") else []
        shown = tuple(words.tax_number(given["type"], given["value"]) for given in numbers)
        return Party(name or snapshot.get("email", ""), tuple(lines + (email if name else [])), shown)

    def line(self, line: InvoiceLine) -> DocumentLine:
        invoice = self.invoice
        details = [words.period(line.period_start, line.period_end, self.zone, self.locale)]
        for given in line.discount_amounts:
            if given.get("amount"):
                name = self.discount_names.get(given.get("discount", ""), pgettext("paper", "Discount"))
                details.append(f"{name}  {self.money(-int(given['amount']))}")
        unit = line.unit_amount_decimal
        # A proration's amount is no multiple of its price.
        shown = "" if unit is None or line.proration else format_unit_amount(unit, invoice.currency, self.locale)
        return DocumentLine(
            description=line.description,
            details=tuple(details),
            quantity=self.money(line.quantity) if line.counts_money else format_quantity(line.quantity, self.locale),
            unit_price=shown,
            tax=" + ".join(words.rate(tax.percentage, self.locale) for tax in line.taxes.all()),
            amount=self.money(line.amount),
        )

    def totals(self) -> Iterable[Row]:
        invoice = self.invoice
        yield Row(pgettext("paper", "Subtotal"), self.money(invoice.lines_gross))
        yield from self.discount_rows()
        if invoice.credit_grants_applied:
            yield Row(pgettext("paper", "Credits"), self.money(-invoice.credit_grants_applied))
        if invoice.inclusive_tax_backed_out:
            yield Row(pgettext("paper", "Tax not charged"), self.money(-invoice.inclusive_tax_backed_out))
        if self.taxes and invoice.total_discount:
            yield Row(
                pgettext("paper", "Total excluding tax"),
                self.money(invoice.total - invoice.exclusive_tax - invoice.inclusive_tax),
            )
        yield from self.tax_rows()
        yield Row(pgettext("paper", "Total"), self.money(invoice.total), strong=True)
        if invoice.balance_applied > 0:
            yield Row(pgettext("paper", "Applied balance"), self.money(-invoice.balance_applied))
        elif invoice.balance_applied < 0:
            yield Row(pgettext("paper", "Moved to your balance"), self.money(-invoice.balance_applied))
        if invoice.pre_payment_credit_notes_amount:
            yield Row(pgettext("paper", "Credit notes"), self.money(-invoice.pre_payment_credit_notes_amount))
        if invoice.amount_paid:
            yield Row(pgettext("paper", "Amount paid"), self.money(-invoice.amount_paid))

    def discount_rows(self) -> Iterable[Row]:
        by_name: dict[str, int] = {}
        for line in self.lines:
            for given in line.discount_amounts:
                name = self.discount_names.get(given.get("discount", ""), pgettext("paper", "Discount"))
                by_name[name] = by_name.get(name, 0) + int(given.get("amount", 0))
        unnamed = self.invoice.total_discount - sum(by_name.values())
        if unnamed:
            by_name[pgettext("paper", "Discount")] = by_name.get(pgettext("paper", "Discount"), 0) + unnamed
        for name, amount in by_name.items():
            if amount:
                yield Row(name, self.money(-amount))

    def tax_rows(self) -> Iterable[Row]:
        """A row for each rate: its name, percentage and base; inclusive ones say that they are inside."""
        by_rate: dict[tuple[str, Any, bool, str], list[InvoiceLineTax]] = {}
        for tax in self.taxes:
            key = (tax.display_name, tax.percentage, tax.inclusive, tax.taxability_reason)
            by_rate.setdefault(key, []).append(tax)
        for (name, percentage, inclusive, reason), taxes in by_rate.items():
            label = f"{words.tax_name(name)} {words.rate(percentage, self.locale)}"
            base = pgettext("paper", "on %(amount)s") % {"amount": self.money(sum(tax.taxable_amount for tax in taxes))}
            if reason == "reverse_charge":
                base = pgettext("paper", "reverse charge")
            elif reason == "customer_exempt":
                base = pgettext("paper", "exempt")
            elif inclusive:
                base = pgettext("paper", "included, %(base)s") % {"base": base}
            yield Row(label, self.money(sum(tax.amount for tax in taxes)), note=base)

    def transfer(self) -> Iterable[Row]:
        """Where and how to pay by transfer, while the invoice is owed."""
        found = transfer_of(self.invoice)
        if found is not None:
            for label, value in found.details:
                yield Row(label, value)
            yield Row(pgettext("paper", "Payment reference"), found.reference, strong=True)

    def notes(self) -> Iterable[str]:
        if any(tax.taxability_reason == "reverse_charge" for tax in self.taxes):
            yield pgettext("paper", "Tax to be paid on reverse charge basis.")
        if self.invoice.status == "draft":
            yield pgettext("paper", "This is a draft. It has no number yet and may change.")
        if self.invoice.status == "void":
            yield pgettext("paper", "This invoice is void. Nothing is owed.")

    def labels(self) -> dict[str, str]:
        """The words of the form itself."""
        return {
            "from": pgettext("paper", "From"),
            "bill_to": pgettext("paper", "Bill to"),
            "description": pgettext("paper", "Description"),
            "quantity": pgettext("paper", "Qty"),
            "unit_price": pgettext("paper", "Unit price"),
            "tax": pgettext("paper", "Tax"),
            "amount": pgettext("paper", "Amount"),
            "page": pgettext("paper", "page"),
            "questions": pgettext("paper", "Questions?"),
            "transfer": pgettext("paper", "Pay by bank transfer"),
        }


def _zone(name: str) -> ZoneInfo:
    try:
        return time_zone(name or "UTC")
    except UnknownTimeZone:
        return ZoneInfo("UTC")
