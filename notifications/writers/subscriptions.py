"""Mails about subscriptions, and the way into the portal."""

from __future__ import annotations

from django.utils.translation import gettext as _

from notifications.types import Facts, Mail, Sender
from notifications.voice import Voice, plan_rows, portal
from subscriptions.models import Subscription


def trial_will_end(facts: Facts, sender: Sender, voice: Voice) -> Mail:
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
        rows=tuple(plan_rows(facts, voice)),
        button=portal(subscription.merchant_id, _("Manage the subscription")),
    )


def subscription_ended(facts: Facts, sender: Sender, voice: Voice) -> Mail:
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
        rows=tuple(plan_rows(facts, voice)),
        button=portal(subscription.merchant_id, _("See your account")),
    )


def subscription_unpaid(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    """Tries are over and the policy keeps the subscription, unpaid: later invoices wait as drafts."""
    subscription: Subscription = facts["subscription"]
    words = {"merchant": sender.name}
    return Mail(
        subject=_("Your subscription with %(merchant)s is suspended") % words,
        heading=_("Your subscription is suspended."),
        paragraphs=(
            _("We tried to collect the payment several times and could not. We will not try again by ourselves."),
            _("It goes on as soon as the open invoice is paid, which you can do in your account."),
        ),
        rows=tuple(plan_rows(facts, voice)),
        button=portal(subscription.merchant_id, _("Pay the open invoice")),
    )


def portal_link(facts: Facts, sender: Sender, voice: Voice) -> Mail:
    return Mail(
        subject=_("Your sign-in link for %(merchant)s") % {"merchant": sender.name},
        heading=_("Sign in to your account"),
        paragraphs=(_("Use the button below to see your subscriptions, invoices and payment methods."),),
        button=(_("Sign in"), facts["url"]),
        small_print=_("The link works once and only for a short time. If you did not ask for it, ignore this mail."),
    )
