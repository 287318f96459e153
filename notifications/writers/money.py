"""Mails about money that goes back: refunds, and disputes, of which the merchant is told."""

from __future__ import annotations

from django.utils.translation import gettext as _

from invoicing.models import Invoice
from notifications.types import Facts, Mail, MailRow, Sender
from notifications.voice import Voice, dashboard, hosted
from payments.models import Dispute, Refund


def refund(facts: Facts, sender: Sender, voice: Voice) -> Mail:
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
        button=hosted(invoice, _("See the invoice")) if invoice else None,
    )


def refund_failed(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    refund: Refund = facts["refund"]
    invoice: Invoice | None = facts.get("invoice")
    words = {"merchant": sender.name, "amount": voice.money(refund.amount, refund.currency)}
    rows = [MailRow(_("Amount not refunded"), words["amount"], strong=True)]
    if invoice:
        rows.append(MailRow(_("Invoice number"), invoice.number or ""))
    return Mail(
        subject=_("Your refund from %(merchant)s could not be sent") % words,
        heading=_("We could not send you %(amount)s.") % words,
        paragraphs=(
            _("Your bank did not take the refund; the card may be closed or expired."),
            _("Please answer this mail, so that we can send the money another way."),
        ),
        rows=tuple(rows),
        button=hosted(invoice, _("See the invoice")) if invoice else None,
    )


def dispute_opened(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    """To the merchant."""
    dispute: Dispute = facts["dispute"]
    words = _of_dispute(facts, voice)
    if dispute.status.startswith("warning"):
        heading = _("A bank asks about a payment of %(amount)s.") % words
        said = _("%(customer)s asked the bank about it. Nothing is held; it may become a dispute.") % words
        until = _("Answer it with evidence by %(date)s.") % words
    else:
        heading = _("A payment of %(amount)s is disputed.") % words
        said = _("%(customer)s asked the bank for the money back. The amount is held until the bank decides.") % words
        until = _("Answer it with evidence by %(date)s, or the money is lost.") % words
    return Mail(
        subject=_("%(customer)s disputes a payment of %(amount)s") % words,
        heading=heading,
        paragraphs=(said, *([until] if words["date"] else [])),
        rows=(MailRow(_("Amount disputed"), words["amount"], strong=True), MailRow(_("Reason"), _reason(dispute))),
        button=dashboard(dispute.id, _("Open the dispute")),
    )


def dispute_closed(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    """To the merchant: what it came to."""
    dispute: Dispute = facts["dispute"]
    words = _of_dispute(facts, voice)
    if dispute.status == "won":
        heading = _("You won the dispute over %(amount)s.") % words
        said = _("The bank decided for you: the money comes back to your balance. Its fee may stay.") % words
    elif dispute.status == "lost":
        heading = _("The dispute over %(amount)s is lost.") % words
        said = _("The money stays with %(customer)s. The invoice stays paid; nothing more is refunded.") % words
    else:
        heading = _("The bank's question about %(amount)s is closed.") % words
        said = _("No money was taken.")
    return Mail(
        subject=heading.rstrip("."),
        heading=heading,
        paragraphs=(said,),
        rows=(
            MailRow(_("Amount disputed"), words["amount"], strong=True),
            MailRow(_("Customer"), words["customer"]),
            MailRow(_("Reason"), _reason(dispute)),
        ),
        button=dashboard(dispute.id, _("Open the dispute")),
    )


def _of_dispute(facts: Facts, voice: Voice) -> dict[str, str]:
    dispute: Dispute = facts["dispute"]
    return {
        "amount": voice.money(dispute.amount, dispute.currency),
        "customer": facts["customer_name"],
        "date": voice.day(dispute.evidence_due_by) if dispute.evidence_due_by else "",
    }


def _reason(dispute: Dispute) -> str:
    known = {
        "duplicate": _("charged twice"),
        "fraudulent": _("not made by the cardholder"),
        "subscription_canceled": _("subscription was canceled"),
        "product_not_received": _("nothing was received"),
        "product_unacceptable": _("not as described"),
        "unrecognized": _("not recognized"),
        "credit_not_processed": _("refund not received"),
    }
    return known.get(dispute.reason) or _("other")
