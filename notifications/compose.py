"""The words of each mail. Called inside `translation.override` with the addressee's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from babel.dates import format_date
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _, pgettext

from catalog.price_words import amount_words
from core.money_format import format_money, format_quantity, reader_locale
from core.periods import UnknownTimeZone, time_zone
from invoicing.models import Invoice
from notifications.types import Addressee, Facts, Mail, MailRow, Sender
from payments.models import Refund
from subscriptions.models import Subscription, SubscriptionItem


def compose(kind: str, facts: Facts, sender: Sender, to: Addressee) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail of this kind, in the addressee's language."""
    language = to.locale.replace("_", "-").lower()
    with translation.override(language):
        mail = WRITERS[kind](facts, sender, _Voice(to.locale, to.timezone))
        context = {
            "mail": mail,
            "sender": sender,
            "language": language,
            # French puts a space before a colon.
            "colon": "\xa0:" if language.startswith("fr") else ":",
            "questions": _("Questions?") if sender.support_email or sender.support_url else "",
        }
        text = render_to_string("notifications/mail.txt", context)
        html = render_to_string("notifications/mail.html", context)
    return " ".join(mail.subject.split()), text.strip() + "\n", html


class _Voice:
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


def _receipt(facts: Facts, sender: Sender, voice: _Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_paid, invoice.currency)
    paid_on = MailRow(_("Date paid"), voice.day(invoice.paid_at or invoice.created))
    return Mail(
        subject=_("Your receipt from %(merchant)s: %(number)s") % {"merchant": sender.name, "number": invoice.number},
        heading=_("Thank you, we received %(amount)s.") % {"amount": amount},
        paragraphs=(_("Your payment went through. The invoice is attached for your records."),),
        rows=(
            *_line_rows(facts, invoice, voice),
            *_tax_rows(invoice, voice),
            MailRow(_("Amount paid"), amount, strong=True),
            MailRow(_("Invoice number"), invoice.number or ""),
            paid_on,
        ),
        button=_hosted(invoice, _("See the invoice")),
    )


def _invoice(facts: Facts, sender: Sender, voice: _Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    due = voice.day(invoice.due_date) if invoice.due_date else ""
    words = {"merchant": sender.name, "number": invoice.number, "amount": amount, "date": due}
    return Mail(
        subject=_("Invoice %(number)s from %(merchant)s") % words,
        heading=_("%(amount)s due %(date)s") % words if due else _("%(amount)s to pay") % words,
        paragraphs=(_("Here is your invoice from %(merchant)s. It is attached, and you can pay it online.") % words,),
        rows=(
            *_line_rows(facts, invoice, voice),
            *_tax_rows(invoice, voice),
            MailRow(_("Amount due"), amount, strong=True),
            MailRow(_("Invoice number"), invoice.number or ""),
        ),
        button=_hosted(invoice, _("Pay this invoice")),
    )


def _payment_failed(facts: Facts, sender: Sender, voice: _Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    words = {"merchant": sender.name, "amount": amount, "number": invoice.number}
    again = _("Please check your payment method or use another one; it takes a minute.")
    if invoice.next_payment_attempt:
        again = _("We will try again on %(date)s. To be sure it works, check your payment method before then.") % {
            "date": voice.day(invoice.next_payment_attempt)
        }
    return Mail(
        subject=_("Your payment to %(merchant)s did not go through") % words,
        heading=_("We could not collect %(amount)s.") % words,
        paragraphs=(_("The payment of invoice %(number)s was refused by your bank or card issuer.") % words, again),
        rows=(MailRow(_("Amount due"), amount, strong=True), MailRow(_("Invoice number"), invoice.number or "")),
        button=_hosted(invoice, _("Fix the payment")),
    )


def _action_required(facts: Facts, sender: Sender, voice: _Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    words = {"merchant": sender.name, "amount": amount, "number": invoice.number}
    return Mail(
        subject=_("Please confirm your payment to %(merchant)s") % words,
        heading=_("Your bank asks you to confirm %(amount)s.") % words,
        paragraphs=(_("Invoice %(number)s cannot be paid before you confirm the payment with your bank.") % words,),
        rows=(MailRow(_("Amount due"), amount, strong=True),),
        button=_hosted(invoice, _("Confirm the payment")),
    )


def _trial_will_end(facts: Facts, sender: Sender, voice: _Voice) -> Mail:
    subscription: Subscription = facts["subscription"]
    ends = voice.day(subscription.trial_end) if subscription.trial_end else ""
    words = {"merchant": sender.name, "date": ends}
    return Mail(
        subject=_("Your trial with %(merchant)s ends on %(date)s") % words,
        heading=_("Your trial ends on %(date)s.") % words,
        paragraphs=(
            _("Your subscription goes on after that, and you are billed as below, plus taxes."),
            _("If you do not want to go on, cancel before then and you pay nothing."),
        ),
        rows=tuple(_plan_rows(facts, subscription, voice)),
        button=_portal(subscription.merchant_id, _("Manage the subscription")),
    )


def _subscription_ended(facts: Facts, sender: Sender, voice: _Voice) -> Mail:
    subscription: Subscription = facts["subscription"]
    ended = voice.day(subscription.ended_at or subscription.canceled_at or subscription.created)
    words = {"merchant": sender.name, "date": ended}
    if subscription.cancellation_reason == "payment_failed":
        why = _("We tried to collect the payment several times and could not, so it was ended on %(date)s.") % words
    elif subscription.cancellation_reason == "payment_disputed":
        why = _("A payment was disputed with the bank, so it was ended on %(date)s.") % words
    else:
        why = _("It ended on %(date)s, as requested. You will not be billed for it again.") % words
    return Mail(
        subject=_("Your subscription with %(merchant)s has ended") % words,
        heading=_("Your subscription has ended."),
        paragraphs=(why, _("Thank you for having been with us. You are welcome back at any time.")),
        rows=tuple(_plan_rows(facts, subscription, voice)),
        button=_portal(subscription.merchant_id, _("See your account")),
    )


def _refund(facts: Facts, sender: Sender, voice: _Voice) -> Mail:
    refund: Refund = facts["refund"]
    invoice: Invoice | None = facts.get("invoice")
    words = {"merchant": sender.name, "amount": voice.money(refund.amount, refund.currency)}
    rows = [MailRow(_("Amount refunded"), words["amount"], strong=True)]
    if invoice:
        rows.append(MailRow(_("Invoice number"), invoice.number or ""))
    return Mail(
        subject=_("Your refund from %(merchant)s") % words,
        heading=_("We are refunding you %(amount)s.") % words,
        paragraphs=(_("It goes back to the payment method you paid with and arrives within 5 to 10 business days."),),
        rows=tuple(rows),
        button=_hosted(invoice, _("See the invoice")) if invoice else None,
    )


def _portal_link(facts: Facts, sender: Sender, voice: _Voice) -> Mail:
    return Mail(
        subject=_("Your sign-in link for %(merchant)s") % {"merchant": sender.name},
        heading=_("Sign in to your account"),
        paragraphs=(_("Use the button below to see your subscriptions, invoices and payment methods."),),
        button=(_("Sign in"), facts["url"]),
        small_print=_("The link works once and only for a short time. If you did not ask for it, ignore this mail."),
    )


WRITERS: dict[str, Callable[[Facts, Sender, _Voice], Mail]] = {
    "receipt": _receipt,
    "invoice": _invoice,
    "payment_failed": _payment_failed,
    "payment_action_required": _action_required,
    "trial_will_end": _trial_will_end,
    "subscription_ended": _subscription_ended,
    "refund": _refund,
    "portal_link": _portal_link,
}

MOST_LINES = 10


def _line_rows(facts: Facts, invoice: Invoice, voice: _Voice) -> Iterable[MailRow]:
    lines = facts.get("lines", [])
    for line in lines[:MOST_LINES]:
        yield MailRow(line.description, voice.money(line.amount - line.discount_amount, invoice.currency))
    if len(lines) > MOST_LINES:
        yield MailRow(_("and %(count)s more lines") % {"count": len(lines) - MOST_LINES}, "…")


def _tax_rows(invoice: Invoice, voice: _Voice) -> Iterable[MailRow]:
    if invoice.exclusive_tax:
        yield MailRow(_("Taxes"), voice.money(invoice.exclusive_tax, invoice.currency))
    if invoice.balance_applied > 0:
        yield MailRow(_("Applied balance"), voice.money(-invoice.balance_applied, invoice.currency))


def _plan_rows(facts: Facts, subscription: Subscription, voice: _Voice) -> Iterable[MailRow]:
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


def _hosted(invoice: Invoice, label: str) -> tuple[str, str] | None:
    return _link("hosted_invoice", label, invoice.hosted_token) if invoice.hosted_token else None


def _portal(merchant_id: str, label: str) -> tuple[str, str] | None:
    return _link("portal_login", label, merchant_id)


def _link(name: str, label: str, *args: Any) -> tuple[str, str] | None:
    """A button to a page of the floor above, by its name; none where that face is not installed."""
    try:
        return (label, f"{settings.SITE_URL}{reverse(name, args=args)}")
    except NoReverseMatch:
        return None
