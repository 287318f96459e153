"""A quote on paper: an invoice's form with its own words. Printed from what was frozen when it was finalized."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import npgettext, pgettext

from catalog.models import Price, TaxRate
from core.errors import OstinatoError, gettext_noop
from core.money_format import format_quantity, format_unit_amount
from invoicing.models import Invoice
from invoicing.pdf import words
from invoicing.pdf.document import DocumentLine, InvoiceDocument, PaperWriter, Row, django_language
from invoicing.pdf.logo import logo_or_nothing
from invoicing.pdf.render import render_pdf
from invoicing.pdf.selectors import coupon_names
from subscriptions.models import Quote
from subscriptions.selectors import quote_by_id


class QuoteHasNoPdf(OstinatoError):
    code = "quote_not_finalized"
    param = "quote"
    message_id = gettext_noop("A quote has a PDF once it is finalized.")


def quote_pdf(*, merchant_id: str, quote_id: str) -> tuple[bytes, str]:
    """The PDF's bytes and a file name for people. Raises `QuoteNotFound`, `QuoteHasNoPdf`."""
    quote = quote_by_id(merchant_id, quote_id)
    if not quote.finalized_at:
        raise QuoteHasNoPdf
    logo = logo_or_nothing(str(quote.seller_snapshot.get("logo") or ""), merchant_id)
    return render_pdf(quote_document(quote, logo)), f"quote-{slugify(quote.number).upper() or quote.id}.pdf"


def quote_document(quote: Quote, logo: str = "") -> InvoiceDocument:
    """The quote's words and figures. `logo` as an invoice's."""
    with translation.override(django_language(quote.locale)):
        return _QuoteWriter(quote).document(logo)


class _QuoteWriter(PaperWriter):
    """One quote being put into words; its seller and buyer are kept in an invoice's shape."""

    def __init__(self, quote: Quote) -> None:
        super().__init__(cast(Invoice, quote), (), {})
        self.quote = quote
        ids = {line["price"] for line in quote.lines}
        rows = Price.objects.filter(merchant_id=quote.merchant_id, id__in=ids).select_related("product")
        self.prices = {price.id: price for price in rows}
        self.rates = {
            row.id: row for row in TaxRate.objects.filter(merchant_id=quote.merchant_id, id__in=_rates(quote))
        }
        offered = [*quote.discounts, *(one for line in quote.lines for one in line["discounts"])]
        coupons = {one["discount"] or one["id"]: one["coupon"] for one in offered}
        names = coupon_names(quote.merchant_id, coupons.values(), quote.locale)
        self.discount_names = {discount: names[coupon] for discount, coupon in coupons.items() if coupon in names}

    def document(self, logo: str) -> InvoiceDocument:
        quote = self.quote
        stamp, tone = self.stamp()
        return InvoiceDocument(
            **self.letterhead(logo),
            title=pgettext("paper", "Quote"),
            number=quote.number,
            stamp=stamp,
            stamp_tone=tone,
            watermark="",
            meta=tuple(self.meta()),
            headline=quote.header or self.headline(),
            subline=quote.description,
            lines=tuple(self.offered(line) for line in quote.lines),
            shows_tax=bool(quote.computed["all"]["taxes"]),
            totals=tuple(self.totals()),
            due=Row(self._due_label(), self.money(quote.computed["upfront"]["amount_total"]), strong=True),
            notes=tuple(self.notes()),
            footer=quote.footer or self.seller.get("footer", ""),
        )

    def labels(self) -> dict[str, str]:
        return super().labels() | {"bill_to": pgettext("paper", "For")}

    def stamp(self) -> tuple[str, str]:
        if self.quote.status == "accepted":
            return pgettext("paper", "Accepted"), "paid"
        return (pgettext("paper", "Canceled"), "void") if self.quote.status == "canceled" else ("", "due")

    def meta(self) -> Iterable[Row]:
        quote = self.quote
        yield Row(pgettext("paper", "Quote number"), quote.number)
        yield Row(pgettext("paper", "Date of issue"), self.day(quote.finalized_at))
        yield Row(pgettext("paper", "Valid until"), self.day(quote.expires_at))
        if quote.accepted_at:
            yield Row(pgettext("paper", "Date accepted"), self.day(quote.accepted_at))

    def headline(self) -> str:
        amounts = {
            "amount": self.money(self.quote.computed["all"]["amount_total"]),
            "date": self.day(self.quote.expires_at),
        }
        return pgettext("paper", "%(amount)s, valid until %(date)s") % amounts

    def offered(self, line: Mapping[str, Any]) -> DocumentLine:
        totals, price = self.quote.computed["lines"][line["id"]], self.prices[line["price"]]
        details = [self._every(price)] if price.interval else []
        details += [
            f"{self._discount_name(one['discount'])}  {self.money(-one['amount'])}"
            for one in totals["discounts"]
            if one["amount"]
        ]
        unit = price.unit_amount_decimal if price.currency == self.quote.currency else None
        return DocumentLine(
            description=price.product.name,
            details=tuple(details),
            quantity="" if price.usage_type == "metered" else format_quantity(line["quantity"], self.locale),
            unit_price="" if unit is None else format_unit_amount(unit, self.quote.currency, self.locale),
            tax=" + ".join(words.rate(self.rates[one["rate"]].percentage, self.locale) for one in totals["taxes"]),
            amount=self.money(totals["amount_subtotal"]),
        )

    def totals(self) -> Iterable[Row]:
        found = self.quote.computed["all"]
        yield Row(pgettext("paper", "Subtotal"), self.money(found["amount_subtotal"]))
        for one in found["discounts"]:
            if one["amount"]:
                yield Row(self._discount_name(one["discount"]), self.money(-one["amount"]))
        for one in found["taxes"]:
            yield self._tax_row(one)
        yield Row(pgettext("paper", "Total"), self.money(found["amount_total"]), strong=True)

    def notes(self) -> Iterable[str]:
        quote = self.quote
        recurring = quote.computed["recurring"]
        if quote.effective_date:
            yield pgettext("paper", "Begins on %(date)s.") % {"date": self.day(quote.effective_date)}
        if quote.trial_period_days:
            days = npgettext("paper", "%(count)s day free.", "%(count)s days free.", quote.trial_period_days)
            yield days % {"count": quote.trial_period_days}
        if recurring:
            every = _every_words(recurring["interval"], recurring["interval_count"])
            amount = {"amount": self.money(recurring["amount_total"]), "every": every}
            yield pgettext("paper", "Renews at %(amount)s %(every)s.") % amount
        if any(price.usage_type == "metered" for price in self.prices.values()):
            yield pgettext("paper", "Usage is billed beside it, at the end of each period.")
        if any(one["taxability_reason"] == "reverse_charge" for one in quote.computed["all"]["taxes"]):
            yield pgettext("paper", "Tax to be paid on reverse charge basis.")

    def _due_label(self) -> str:
        later = self.quote.effective_date
        return pgettext("paper", "Due at the start") if later else pgettext("paper", "Due on acceptance")

    def _every(self, price: Price) -> str:
        return _every_words(price.interval, price.interval_count or 1)

    def _tax_row(self, tax: Mapping[str, Any]) -> Row:
        rate = self.rates[tax["rate"]]
        base = pgettext("paper", "on %(amount)s") % {"amount": self.money(tax["taxable_amount"])}
        if tax["taxability_reason"] == "reverse_charge":
            base = pgettext("paper", "reverse charge")
        elif tax["taxability_reason"] == "customer_exempt":
            base = pgettext("paper", "exempt")
        elif rate.inclusive:
            base = pgettext("paper", "included, %(base)s") % {"base": base}
        label = f"{words.tax_name(rate.display_name)} {words.rate(rate.percentage, self.locale)}"
        return Row(label, self.money(tax["amount"]), note=base)

    def _discount_name(self, discount_id: str) -> str:
        return self.discount_names.get(discount_id, pgettext("paper", "Discount"))


def _rates(quote: Quote) -> set[str]:
    return {one["rate"] for totals in quote.computed["lines"].values() for one in totals["taxes"]}


def _every_words(interval: str, count: int) -> str:
    every = {
        "day": npgettext("paper", "every day", "every %(count)s days", count),
        "week": npgettext("paper", "every week", "every %(count)s weeks", count),
        "month": npgettext("paper", "every month", "every %(count)s months", count),
        "year": npgettext("paper", "every year", "every %(count)s years", count),
    }
    return every[interval] % {"count": count}
