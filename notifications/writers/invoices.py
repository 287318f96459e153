"""Mails about invoices: to pay, paid, late, refused, to be confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils.translation import gettext as _

from customers.method_words import method_words
from customers.models import PaymentMethod
from dunning.models import EndBehavior, RecoveryCase
from invoicing.models import Invoice
from invoicing.rules.transfers import transfer_of
from notifications.links import CONFIRM, FIX
from notifications.payments import Paid
from notifications.rules import REASON_WORDS, refusal_reason, what_comes_next
from notifications.types import Facts, Mail, MailRow, Sender
from notifications.voice import Button, Voice, hosted, line_rows, one_purpose, tax_rows
from payments.models import Charge


def receipt(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_paid, invoice.currency)
    paid_on = MailRow(_("Date paid"), voice.day(invoice.paid_at or invoice.created))
    return Mail(
        subject=_("Your receipt from %(merchant)s: %(number)s") % {"merchant": sender.name, "number": invoice.number},
        heading=_("Thank you, we received %(amount)s.") % {"amount": amount},
        paragraphs=(*_said_of_payments(facts), _("The invoice is attached for your records.")),
        rows=(
            *line_rows(facts, invoice, voice),
            *tax_rows(invoice, voice),
            MailRow(_("Amount paid"), amount, strong=True),
            *_payment_rows(facts, voice),
            MailRow(_("Invoice number"), invoice.number or ""),
            paid_on,
        ),
        button=hosted(invoice, _("See the invoice")),
    )


def _said_of_payments(facts: Facts) -> Iterable[str]:
    """What happened, by the last payment: a charge, the backup's after a decline, or money that came another way."""
    payments: list[Paid] = facts.get("payments", [])
    last = payments[-1] if payments else None
    if last is not None and last.payment.type == "out_of_band":
        yield _("Your invoice is paid in full.")
        return
    yield _("Your payment went through.")
    if last is not None and last.method is not None and last.declined:
        declined = ", ".join(method_words(method) for method in last.declined)
        words = {"declined": declined, "charged": method_words(last.method)}
        yield _("%(declined)s was declined, so we charged your backup, %(charged)s.") % words


def _payment_rows(facts: Facts, voice: Voice) -> Iterable[MailRow]:
    """What it was paid with; of several payments, what each came to."""
    payments: list[Paid] = facts.get("payments", [])
    if len(payments) == 1:
        [only] = payments
        label = _("Payment method") if only.method else _("Received")
        yield MailRow(label, _paid_with(only, voice))
    elif payments:
        for paid in payments:
            yield MailRow(_paid_with(paid, voice), voice.money(paid.payment.amount_paid, paid.payment.currency))


def _paid_with(paid: Paid, voice: Voice) -> str:
    """ "Visa •••• 4242", or "5 February 2024, VIR-0012" for what came another way."""
    if paid.method is not None:
        return method_words(paid.method)
    payment = paid.payment
    came = voice.day(payment.received_at or payment.created)
    return f"{came}, {payment.reference}" if payment.reference else came


def payment_received(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    """A part that came another way (a transfer, cash); the rest is still owed."""
    invoice: Invoice = facts["invoice"]
    paid: Paid = facts["part"]
    amount = voice.money(paid.payment.amount_paid, invoice.currency)
    rest = voice.money(facts["left"], invoice.currency)
    words = {"merchant": sender.name, "number": invoice.number, "amount": amount, "rest": rest}
    return Mail(
        subject=_("Your payment to %(merchant)s for invoice %(number)s") % words,
        heading=_("Thank you, we received %(amount)s.") % words,
        paragraphs=(_("It was a part of invoice %(number)s: %(rest)s is left to pay.") % words,),
        rows=(
            MailRow(_("Amount received"), amount),
            MailRow(_("Received"), _paid_with(paid, voice)),
            MailRow(_("Amount due"), rest, strong=True),
            MailRow(_("Invoice number"), invoice.number or ""),
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
            *_transfer_rows(invoice),
        ),
        button=hosted(invoice, _("Pay this invoice")),
    )


def _transfer_rows(invoice: Invoice) -> Iterable[MailRow]:
    """Where a transfer goes, and what it has to say."""
    transfer = transfer_of(invoice)
    if transfer is not None:
        for label, value in transfer.details:
            yield MailRow(label or _("Bank account"), value)
        yield MailRow(_("Payment reference"), transfer.reference)


def overdue(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    due = voice.day(invoice.due_date or invoice.created)
    words = {"merchant": sender.name, "number": invoice.number, "amount": amount, "date": due}
    return Mail(
        subject=_("Invoice %(number)s from %(merchant)s is overdue") % words,
        heading=_("%(amount)s was due on %(date)s.") % words,
        paragraphs=(_("If you have paid it in the last few days, there is nothing for you to do."),),
        rows=(
            MailRow(_("Amount due"), amount, strong=True),
            MailRow(_("Invoice number"), invoice.number or ""),
            *_transfer_rows(invoice),
        ),
        button=hosted(invoice, _("Pay this invoice")),
    )


def payment_failed(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    invoice: Invoice = facts["invoice"]
    amount = voice.money(invoice.amount_remaining, invoice.currency)
    words = {"merchant": sender.name, "amount": amount, "number": invoice.number}
    return Mail(
        subject=_("Your payment to %(merchant)s did not go through") % words,
        heading=_("We could not collect %(amount)s.") % words,
        paragraphs=(_why(facts, words), *_tried(facts), _what_next(facts, invoice, voice)),
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


def _tried(facts: Facts) -> Iterable[str]:
    """Which methods were charged in vain, where it was more than one."""
    tried: list[PaymentMethod] = facts.get("tried", [])
    if len(tried) > 1:
        first, *backups = [method_words(method) for method in tried]
        yield _("We tried %(first)s, then your backup, %(backups)s.") % {"first": first, "backups": ", ".join(backups)}


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
