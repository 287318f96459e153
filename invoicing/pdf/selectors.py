"""What the paper needs beside the invoice itself."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from catalog.models import Coupon
from core.money_format import format_money, format_percentage
from invoicing.models import Invoice, InvoiceLine
from subscriptions.models import Discount


def discount_names(merchant_id: str, lines: Iterable[InvoiceLine], locale: str) -> dict[str, str]:
    """What each discount on these lines is called, in the invoice's language: "Welcome (20% off)". One query."""
    ids = {given["discount"] for line in lines for given in line.discount_amounts if given.get("discount")}
    if not ids:
        return {}
    rows = Discount.objects.filter(merchant_id=merchant_id, id__in=ids).select_related("coupon")
    with translation.override(locale.replace("_", "-").lower() or "en"):
        return {row.id: _name(row.coupon, locale) for row in rows}


def coupon_names(merchant_id: str, coupon_ids: Iterable[str], locale: str) -> dict[str, str]:
    """What each coupon is called, in the paper's language. One query, none for no ids."""
    ids = set(coupon_ids)
    if not ids:
        return {}
    rows = Coupon.objects.filter(merchant_id=merchant_id, id__in=ids)
    with translation.override(locale.replace("_", "-").lower() or "en"):
        return {row.id: _name(row, locale) for row in rows}


def invoices_without_pdf(limit: int) -> QuerySet[Invoice]:
    """Finalized invoices whose paper was not made yet, the latest first. Crosses merchants: the background work."""
    return Invoice.objects.filter(pdf_sha256="").exclude(status="draft").order_by("-finalized_at")[:limit]


def _name(coupon: Coupon, locale: str) -> str:
    if coupon.percent_off is not None:
        off = _("%(amount)s off") % {"amount": format_percentage(coupon.percent_off.normalize(), locale)}
    else:
        off = _("%(amount)s off") % {"amount": format_money(coupon.amount_off or 0, coupon.currency, locale)}
    return f"{coupon.name} ({off})" if coupon.name else off
