"""Mails about a stored card: it ends soon, or its issuer replaced it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from customers.method_words import method_words
from customers.models import PaymentMethod
from notifications.types import Facts, Mail, MailRow, Sender
from notifications.voice import Voice, expiry_words, portal


def card_expiring(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    method: PaymentMethod = facts["method"]
    words = {
        "merchant": sender.name,
        "card": method_words(method),
        "expiry": expiry_words(method.exp_month, method.exp_year),
    }
    charged = _("Your payments to %(merchant)s are charged to it. Add another card, so that none is refused.")
    if facts.get("is_backup"):
        charged = _("It is your backup for payments to %(merchant)s. Add another card, so that you still have one.")
    return Mail(
        subject=_("Your card for %(merchant)s expires soon") % words,
        heading=_("%(card)s expires at the end of %(expiry)s.") % words,
        paragraphs=(
            charged % words,
            _("Does your bank send us its new cards by itself? Then there is nothing to do, and we write to you."),
        ),
        rows=(MailRow(_("Payment method"), words["card"]), MailRow(_("Expires"), words["expiry"])),
        button=portal(method.merchant_id, _("Add another card")),
    )


def card_updated(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    method: PaymentMethod = facts["method"]
    words = {
        "merchant": sender.name,
        "card": method_words(method),
        "expiry": expiry_words(method.exp_month, method.exp_year),
    }
    said = _("From now on your payments to %(merchant)s are charged to %(card)s. There is nothing for you to do.")
    if facts.get("is_backup"):
        said = _("Your backup for payments to %(merchant)s is now %(card)s. There is nothing for you to do.")
    return Mail(
        subject=_("Your card for %(merchant)s was updated") % words,
        heading=_("Your bank sent us your new card."),
        paragraphs=(said % words,),
        rows=(MailRow(_("Payment method"), words["card"]), MailRow(_("Expires"), words["expiry"])),
        button=portal(method.merchant_id, _("See your account")),
        small_print=_("If you do not want that card charged, remove it in your account."),
    )
