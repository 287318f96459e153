"""What a credit note says, as finished strings in its invoice's language: the invoice's form with its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import translation
from django.utils.translation import pgettext

from core.money_format import format_quantity, format_unit_amount
from invoicing.models import CreditNote, CreditNoteLine
from invoicing.pdf import words
from invoicing.pdf.document import DocumentLine, InvoiceDocument, PaperWriter, Row, django_language


def credit_note_document(note: CreditNote, lines: Sequence[CreditNoteLine], logo: str = "") -> InvoiceDocument:
    """The credit note's words and figures. All amounts are what is given back, above zero. `logo` as an invoice's."""
    with translation.override(django_language(note.invoice.locale)):
        return _CreditNoteWriter(note, lines).document(logo)


class _CreditNoteWriter(PaperWriter):
    """One credit note being put into words, seller and buyer being those of its invoice."""

    def __init__(self, note: CreditNote, credited: Sequence[CreditNoteLine]) -> None:
        super().__init__(note.invoice, (), {})
        self.note, self.credited = note, credited

    def document(self, logo: str) -> InvoiceDocument:
        note, void = self.note, self.note.status == "void"
        return InvoiceDocument(
            **self.letterhead(logo),
            title=pgettext("paper", "Credit note"),
            number=note.number,
            stamp=pgettext("paper", "Void") if void else "",
            stamp_tone="void" if void else "due",
            watermark=pgettext("paper", "VOID") if void else "",
            meta=tuple(self.meta()),
            headline=pgettext("paper", "%(amount)s credited on %(date)s")
            % {"amount": self.money(note.total), "date": self.day(note.effective_at or note.created)},
            subline=note.memo,
            lines=tuple(self.credited_line(line) for line in self.credited),
            shows_tax=any(line.taxes for line in self.credited),
            totals=tuple(self.totals()),
            due=Row(pgettext("paper", "Total credited"), self.money(note.total), strong=True),
            notes=tuple(self.notes()),
            footer=self.seller.get("footer", ""),
        )

    def meta(self) -> Iterable[Row]:
        yield Row(pgettext("paper", "Credit note number"), self.note.number)
        yield Row(pgettext("paper", "Invoice number"), self.invoice.number or "")
        yield Row(pgettext("paper", "Date of issue"), self.day(self.note.effective_at or self.note.created))

    def credited_line(self, line: CreditNoteLine) -> DocumentLine:
        off = [f"{pgettext('paper', 'Discount')}  {self.money(-line.taken)}"] if line.taken else []
        rates = [words.rate(_percentage(tax), self.locale) for tax in line.taxes]
        return DocumentLine(
            description=line.description,
            details=tuple(off),
            quantity=format_quantity(line.quantity, self.locale),
            unit_price=""
            if line.unit_amount is None
            else format_unit_amount(line.unit_amount, self.note.currency, self.locale),
            tax=" + ".join(rates),
            amount=self.money(line.amount),
        )

    def totals(self) -> Iterable[Row]:
        note = self.note
        yield Row(pgettext("paper", "Subtotal"), self.money(note.subtotal))
        if note.taken:
            yield Row(pgettext("paper", "Discount"), self.money(-note.taken))
        yield from self.tax_rows()

    def tax_rows(self) -> Iterable[Row]:
        """A row for each rate of the credited lines; inclusive ones say that they are inside."""
        sums: dict[tuple[str, str, bool], list[int]] = {}
        for line in self.credited:
            for tax in line.taxes:
                key = (tax["display_name"], str(tax["percentage"]), bool(tax["inclusive"]))
                amount, base = sums.setdefault(key, [0, 0])
                sums[key] = [amount + tax["amount"], base + tax["taxable_amount"]]
        for (name, percentage, inclusive), (amount, base) in sums.items():
            label = f"{words.tax_name(name)} {words.rate(_percentage({'percentage': percentage}), self.locale)}"
            note = pgettext("paper", "on %(amount)s") % {"amount": self.money(base)}
            if inclusive:
                note = pgettext("paper", "included, %(base)s") % {"base": note}
            yield Row(label, self.money(amount), note=note)

    def notes(self) -> Iterable[str]:
        """Where the money went, then whether the note still stands."""
        note = self.note
        ways = (
            (pgettext("paper", "Taken off the amount due"), note.pre_payment_amount),
            (pgettext("paper", "Refunded"), note.refund_amount),
            (pgettext("paper", "Added to your balance"), note.credit_amount),
            (pgettext("paper", "Settled another way"), note.out_of_band_amount),
        )
        for label, amount in ways:
            if amount:
                yield f"{label}  {self.money(amount)}"
        if note.status == "void":
            yield pgettext("paper", "This credit note is void.")


def _percentage(tax: Mapping[str, Any]) -> Any:
    return words.decimal_of(tax["percentage"])
