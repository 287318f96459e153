"""A mail from its facts: the writer of its kind, in the addressee's language, set as text and as HTML."""

from __future__ import annotations

from collections.abc import Callable

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from notifications.types import Addressee, Facts, Mail, Sender
from notifications.voice import Voice
from notifications.writers import cards, invoices, money, subscriptions

WRITERS: dict[str, Callable[[Facts, Sender, Voice], Mail]] = {
    "receipt": invoices.receipt,
    "payment_received": invoices.payment_received,
    "invoice": invoices.invoice,
    "invoice_overdue": invoices.overdue,
    "payment_failed": invoices.payment_failed,
    "payment_action_required": invoices.action_required,
    "trial_will_end": subscriptions.trial_will_end,
    "subscription_ended": subscriptions.subscription_ended,
    "subscription_unpaid": subscriptions.subscription_unpaid,
    "card_expiring": cards.card_expiring,
    "card_updated": cards.card_updated,
    "refund": money.refund,
    "refund_failed": money.refund_failed,
    "dispute_opened": money.dispute_opened,
    "dispute_closed": money.dispute_closed,
    "portal_link": subscriptions.portal_link,
}


def compose(kind: str, facts: Facts, sender: Sender, to: Addressee) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail of this kind, in the addressee's language."""
    language = to.locale.replace("_", "-").lower()
    with translation.override(language):
        mail = WRITERS[kind](facts, sender, Voice(to.locale, to.timezone))
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
