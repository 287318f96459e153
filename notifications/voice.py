"""How a mail's writers speak: money and dates as the addressee reads them, small rows, links to the faces."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from babel.dates import format_date
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _, pgettext

from catalog.price_words import amount_words
from core.money_format import format_money, format_quantity, reader_locale
from core.periods import UnknownTimeZone, time_zone
from invoicing.models import Invoice
from notifications.links import OnePurpose, sign_link
from notifications.types import Facts, MailRow
from subscriptions.models import SubscriptionItem

Button = tuple[str, str] | None


class Voice:
    """Money and dates as the addressee reads them."""

    def __init__(self, locale: str, tz: str) -> None:
        self.locale = locale
        try:
            self.zone = time_zone(tz)
        except UnknownTimeZone:
            self.zone = time_zone("UTC")

    def money(self, minor: int, currency: str) -> str:
        return format_money(minor, currency, self.locale)

    def day(self, moment: datetime) -> str:
        return format_date(moment.astimezone(self.zone), format="long", locale=reader_locale(self.locale))


MOST_LINES = 10


def line_rows(facts: Facts, invoice: Invoice, voice: Voice) -> Iterable[MailRow]:
    lines = facts.get("lines", [])
    for line in lines[:MOST_LINES]:
        yield MailRow(line.description, voice.money(line.amount - line.discount_amount, invoice.currency))
    if len(lines) > MOST_LINES:
        yield MailRow(_("and %(count)s more lines") % {"count": len(lines) - MOST_LINES}, "…")


def tax_rows(invoice: Invoice, voice: Voice) -> Iterable[MailRow]:
    if invoice.exclusive_tax:
        yield MailRow(_("Taxes"), voice.money(invoice.exclusive_tax, invoice.currency))
    if invoice.balance_applied > 0:
        yield MailRow(_("Applied balance"), voice.money(-invoice.balance_applied, invoice.currency))


def plan_rows(facts: Facts, voice: Voice) -> Iterable[MailRow]:
    items: list[SubscriptionItem] = facts.get("items", [])
    for item in items:
        price = item.price
        quantity = f"{format_quantity(item.quantity, voice.locale)} × " if item.quantity != 1 else ""
        every = _every(price.interval, price.interval_count or 1)
        yield MailRow(f"{quantity}{price.product.name}", f"{amount_words(price)} {every}".strip())


def _every(interval: str, count: int) -> str:
    words = {
        "day": (pgettext("price", "a day"), _("every %(count)s days")),
        "week": (pgettext("price", "a week"), _("every %(count)s weeks")),
        "month": (pgettext("price", "a month"), _("every %(count)s months")),
        "year": (pgettext("price", "a year"), _("every %(count)s years")),
    }
    if interval not in words:
        return ""
    one, many = words[interval]
    return one if count == 1 else many % {"count": count}


def hosted(invoice: Invoice, label: str) -> Button:
    return link("hosted_invoice", label, invoice.hosted_token) if invoice.hosted_token else None


def portal(merchant_id: str, label: str) -> Button:
    return link("portal_login", label, merchant_id)


def one_purpose(purpose: str, invoice: Invoice, expires_at: datetime, label: str) -> Button:
    """A button that fixes or confirms the payment of this invoice, without a login."""
    token = sign_link(OnePurpose(purpose, invoice.merchant_id, invoice.id, expires_at))
    return link(f"payment_{purpose}", label, token)


def dashboard(dispute_id: str, label: str) -> Button:
    return link("dashboard:dispute", label, dispute_id)


def link(name: str, label: str, *args: Any) -> Button:
    """A button to a page of the floor above, by its name; none where that face is not installed."""
    try:
        return (label, f"{settings.SITE_URL}{reverse(name, args=args)}")
    except NoReverseMatch:
        return None


def expiry_words(month: int | None, year: int | None) -> str:
    return f"{month:02d}/{year}" if month and year else ""
