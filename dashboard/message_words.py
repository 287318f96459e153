"""Kinds of mails as a merchant reads them."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _, pgettext_lazy

MESSAGE_WORDS: dict[str, Promise] = {
    "receipt": _("Receipt"),
    "payment_received": _("Part of an invoice received"),
    "invoice": _("Invoice to pay"),
    "invoice_overdue": _("Invoice overdue"),
    "payment_failed": _("Payment failed"),
    "payment_action_required": _("Payment to confirm"),
    "trial_will_end": _("Trial ends soon"),
    "subscription_ended": _("Subscription ended"),
    "subscription_unpaid": _("Subscription suspended"),
    "card_expiring": _("Card expires soon"),
    "card_updated": _("Card updated"),
    "refund": pgettext_lazy("money", "Refund"),
    "refund_failed": _("Refund failed"),
    "dispute_opened": _("Dispute opened (to you)"),
    "dispute_closed": _("Dispute closed (to you)"),
    "portal_link": _("Sign-in link"),
}
