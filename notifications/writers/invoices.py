"""Mails about invoices: to pay, paid, late, refused, to be confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext as _

from dunning.models import EndBehavior, RecoveryCase
from invoicing.models import Invoice
from notifications.links import CONFIRM, FIX
from notifications.rules import REASON_WORDS, refusal_reason, what_comes_next
from notifications.types import Facts, Mail, MailRow, Sender
from notifications.voice import Button, Voice, hosted, line_rows, method_words, one_purpose, tax_rows
from payments.models import Charge


def receipt(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_paid, invoice.currency)
    paid_on = MailRow(_("Date paid"), voice.day(invoice.paid_at or invoice.created))
    return Mail(
        subject=_("Your receipt from %(merchant)s: %(number)s") % {"merchant": sender.name, "number": invoice.number},
        heading=_("Thank you, we received %(amount)s.") % {"amount": amount},
        paragraphs=(_("Your payment went through. The invoice is attached for your records."),),
        rows=(
            *line_rows(facts, invoice, voice),
            *tax_rows(invoice, voice),
            MailRow(_("Amount paid"), amount, strong=True),
            MailRow(_("Invoice number"), invoice.number or ""),
            paid_on,
        ),
        button=hosted(invoice, _("See the invoice")),
    )


def invoice(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    due = voice.day(invoice.due_date) if invoice.due_date else ""
    words = {"merchant": sender.name, "number": invoice.number, "amount": amount, "date": due}
    return Mail(
        subject=_("Invoice %(number)s from %(merchant)s") % words,
        heading=_("%(amount)s due %(date)s") % words if due else _("%(amount)s to pay") % words,
        paragraphs=(_("Here is your invoice from %(merchant)s. It is attached, and you can pay it online.") % words,),
        rows=(
            *line_rows(facts, invoice, voice),
            *tax_rows(invoice, voice),
            MailRow(_("Amount due"), amount, strong=True),
            MailRow(_("Invoice number"), invoice.number or ""),
        ),
        button=hosted(invoice, _("Pay this invoice")),
    )


def overdue(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    due = voice.day(invoice.due_date or invoice.created)
    words = {"merchant": sender.name, "number": invoice.number, "amount": amount, "date": due}
    return Mail(
        subject=_("Invoice %(number)s from %(merchant)s is overdue") % words,
        heading=_("%(amount)s was due on %(date)s.") % words,
        paragraphs=(_("If you have paid it in the last few days, there is nothing for you to do."),),
        rows=(MailRow(_("Amount due"), amount, strong=True), MailRow(_("Invoice number"), invoice.number or "")),
        button=hosted(invoice, _("Pay this invoice")),
    )


def payment_failed(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    words = {"merchant": sender.name, "amount": amount, "number": invoice.number}
    return Mail(
        subject=_("Your payment to %(merchant)s did not go through") % words,
        heading=_("We could not collect %(amount)s.") % words,
        paragraphs=(_why(facts, words), _what_next(facts, invoice, voice)),
        rows=(
            MailRow(_("Amount due"), amount, strong=True),
            MailRow(_("Invoice number"), invoice.number or ""),
            *_method_row(facts),
        ),
        button=_button(facts, FIX, invoice, _("Fix the payment")),
        small_print=_link_note(facts, voice),
    )


def action_required(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    case: RecoveryCase | None = facts.get("case")
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    words = {"merchant": sender.name, "amount": amount, "number": invoice.number}
    until = [_end_words(case, case.gives_up_at, voice)] if case and case.gives_up_at else []
    return Mail(
        subject=_("Please confirm your payment to %(merchant)s") % words,
        heading=_("Your bank asks you to confirm %(amount)s.") % words,
        paragraphs=(
            _("Invoice %(number)s cannot be paid before you confirm the payment with your bank.") % words,
            *until,
        ),
        rows=(MailRow(_("Amount due"), amount, strong=True), *_method_row(facts)),
        button=_button(facts, CONFIRM, invoice, _("Confirm the payment")),
        small_print=_link_note(facts, voice),
    )


def _why(facts: Facts, words: Mapping[str, object]) -> str:
    charge: Charge | None = facts.get("charge")
    case: RecoveryCase | None = facts.get("case")
    code = case.last_decline_code if case else ""
    if charge is not None:
        code = charge.decline_code or charge.failure_code or code
    return _(REASON_WORDS[refusal_reason(code)]) % words


def _what_next(facts: Facts, invoice: Invoice, voice: Voice) -> str:
    """What happens if nobody does anything: a retry, a last day, or nothing more."""
    case: RecoveryCase | None = facts.get("case")
    step = what_comes_next(
        decision=case.decision if case else "",
        next_attempt_at=invoice.next_payment_attempt,
        gives_up_at=case.gives_up_at if case else None,
    )
    if step == "retry":
        assert invoice.next_payment_attempt is not None
        date = voice.day(invoice.next_payment_attempt)
        return _("We will try again on %(date)s. To be sure it works, check your payment method before then.") % {
            "date": date
        }
    if step == "ask_customer":
        assert case is not None
        assert case.gives_up_at is not None
        asked = _("This payment method is not tried again, so please use another one.")
        return f"{asked} {_end_words(case, case.gives_up_at, voice)}"
    if step == "give_up":
        return _("This was our last try. You can still pay with another method below.")
    return _("Please check your payment method or use another one; it takes a minute.")


def _end_words(case: RecoveryCase, end: datetime, voice: Voice) -> str:
    date = {"date": voice.day(end)}
    if case.subscription_id and case.policy.end_behavior == EndBehavior.CANCEL:
        return _("If it is not paid by %(date)s, your subscription ends.") % date
    if case.subscription_id and case.policy.end_behavior == EndBehavior.UNPAID:
        return _("If it is not paid by %(date)s, your subscription is suspended.") % date
    return _("Please pay it by %(date)s.") % date


def _method_row(facts: Facts) -> tuple[MailRow, ...]:
    method = facts.get("method")
    return (MailRow(_("Payment method"), method_words(method)),) if method else ()


def _button(facts: Facts, purpose: str, invoice: Invoice, label: str) -> Button:
    return one_purpose(purpose, invoice, facts["link_expires_at"], label) or hosted(invoice, label)


def _link_note(facts: Facts, voice: Voice) -> str:
    return _("The link above works without signing in, for this invoice alone, until %(date)s.") % {
        "date": voice.day(facts["link_expires_at"])
    }
