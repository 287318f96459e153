"""Words for what machines write: event types, run kinds, refusals, actors, billing reasons."""

from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy as _, pgettext_lazy

from dashboard.event_words import EVENT_TONES, EVENT_WORDS
from dashboard.filters.lists import REFUSAL_KINDS
from dashboard.forms.meters import FORMULA_WORDS
from dashboard.message_words import MESSAGE_WORDS
from dashboard.run_words import run_rate, run_seconds
from dashboard.selectors.details import page_of
from engine.models import Refusal
from events.models import Event
from invoicing.models import BillingReason
from payments.models import BalanceTransaction

register = template.Library()

DECLINES: dict[str, Promise] = {
    "generic_decline": _("The bank declined without saying why"),
    "insufficient_funds": _("Insufficient funds"),
    "lost_card": _("The card was reported lost"),
    "stolen_card": _("The card was reported stolen"),
    "expired_card": _("The card has expired"),
    "incorrect_cvc": _("The security code is wrong"),
    "incorrect_number": _("The card number is wrong"),
    "processing_error": _("The processor had an error"),
    "do_not_honor": _("The bank declined"),
    "fraudulent": _("The bank suspects fraud"),
    "authentication_required": _("The bank asks for authentication"),
    "card_velocity_exceeded": _("The card is over its limit"),
    "no_payment_method": _("There is no payment method"),
}

BALANCE_WORDS: dict[str, Promise] = {
    "adjustment": _("Adjusted by hand"),
    "applied_to_invoice": _("Applied to an invoice"),
    "unapplied_from_invoice": _("Given back by an invoice"),
    "invoice_too_small": _("Invoice too small to collect"),
    "invoice_too_large": _("Invoice too large to collect"),
    "credit_note": _("Credit note"),
    "overpayment": _("Paid too much"),
}


DISPUTE_REASONS: dict[str, Promise] = {
    "bank_cannot_process": _("The bank cannot process it"),
    "credit_not_processed": _("A promised refund did not come"),
    "customer_initiated": _("The customer contests it"),
    "debit_not_authorized": _("The debit was not authorized"),
    "duplicate": _("Charged twice"),
    "fraudulent": _("Fraud"),
    "general": _("No reason given"),
    "incorrect_account_details": _("Wrong account details"),
    "insufficient_funds": _("Insufficient funds"),
    "product_not_received": _("Nothing was received"),
    "product_unacceptable": _("Not as described"),
    "subscription_canceled": _("The subscription was canceled"),
    "unrecognized": _("The charge is not recognized"),
}

BALANCE_KINDS: dict[str, Promise] = {
    "adjustment": _("Adjustment"),
    "charge": _("Payment"),
    "dispute": _("Dispute"),
    "dispute_reversal": _("Dispute won"),
    "payment": _("Payment"),
    "payment_refund": pgettext_lazy("money", "Refund"),
    "payout": _("Payout"),
    "payout_cancel": _("Canceled payout"),
    "payout_failure": _("Failed payout"),
    "refund": pgettext_lazy("money", "Refund"),
    "refund_failure": _("Failed refund"),
    "stripe_fee": _("Processor's fee"),
}


PAYOUT_FAILURES: dict[str, Promise] = {
    "account_closed": _("The bank account was closed"),
    "account_frozen": _("The bank account is frozen"),
    "bank_account_restricted": _("The bank account takes no payouts"),
    "could_not_process": _("The bank could not process it"),
    "declined": _("The bank declined it"),
    "incorrect_account_holder_name": _("Wrong name of the account's holder"),
    "insufficient_funds": _("Insufficient funds"),
    "invalid_account_number": _("Wrong account number"),
    "invalid_currency": _("The bank account takes another currency"),
    "no_account": _("There is no such bank account"),
}

REFUND_REASONS: dict[str, Promise] = {
    "requested_by_customer": _("asked for by the customer"),
    "duplicate": _("charged twice"),
    "fraudulent": _("fraud"),
}

REFUND_FAILURES: dict[str, Promise] = {
    "canceled": _("It was canceled; the amount can be refunded again."),
    "charge_disputed": _("The cardholder disputes the charge."),
    "charge_not_refundable": _("The processor refused it."),
    "declined": _("The customer's bank refused it; the amount can be refunded again."),
    "expired_or_canceled_card": _("The card is no longer valid; the amount can be refunded again."),
    "insufficient_funds": _("The balance at the processor does not cover it."),
    "lost_or_stolen_card": _("The card was reported lost; the amount can be refunded again."),
    "never_arrived": _("The processor never got it; the amount can be refunded again."),
}


@register.filter
def refund_failure(reason: str) -> str | Promise:
    """Why money did not go back; what is not listed is shown as the processor wrote it."""
    return REFUND_FAILURES.get(reason, reason.replace("_", " "))


@register.filter
def refund_reason(reason: str) -> str:
    return str(capfirst(str(REFUND_REASONS.get(reason, reason.replace("_", " ")))))


@register.filter
def payout_failure(code: str) -> str | Promise:
    return PAYOUT_FAILURES.get(code, code.replace("_", " "))


@register.filter
def payment_error(error: dict[str, Any]) -> str | Promise:
    """Why the last attempt failed: in our words where there are any, else as the processor wrote it."""
    code = error.get("decline_code") or error.get("code") or ""
    return DECLINES.get(code) or error.get("message") or code.replace("_", " ")


@register.filter
def dispute_reason(reason: str) -> str | Promise:
    return DISPUTE_REASONS.get(reason, reason.replace("_", " "))


@register.filter
def balance_kind(movement: BalanceTransaction) -> str | Promise:
    """Stripe calls what a dispute moves an adjustment; its reporting category says more."""
    kind = movement.type
    if kind == "adjustment" and movement.reporting_category in BALANCE_KINDS:
        kind = movement.reporting_category
    return BALANCE_KINDS.get(kind, kind.replace("_", " "))


@register.filter
def event_sentence(event: Event) -> str | Promise:
    return EVENT_WORDS.get(event.type, event.type)


@register.filter
def event_tone(event: Event) -> str:
    return EVENT_TONES.get(event.type, "neutral")


@register.filter
def run_kind(kind: str) -> str | Promise:
    return dict(REFUSAL_KINDS).get(kind, kind)


register.filter(run_seconds)
register.filter(run_rate)


@register.filter
def decline_words(code: str) -> str | Promise:
    """Why a payment failed; an unlisted code is shown as the processor wrote it."""
    return DECLINES.get(code, code.replace("_", " "))


@register.filter
def billing_reason(reason: str) -> str | Promise:
    return dict(BillingReason.choices).get(reason, reason)


@register.filter
def balance_words(type_: str) -> str | Promise:
    return BALANCE_WORDS.get(type_, type_.replace("_", " "))


END_WORDS: dict[str, Promise] = {
    "release": _("the subscription goes on"),
    "cancel": _("the subscription ends"),
}


@register.filter
def formula_words(formula: str) -> str | Promise:
    return FORMULA_WORDS.get(formula, formula)


@register.filter
def end_words(behavior: str) -> str | Promise:
    return END_WORDS.get(behavior, behavior)


@register.filter
def refusal_text(refusal: Refusal) -> str:
    """The stored message id in the reader's language, its holes filled."""
    try:
        return gettext(refusal.message) % refusal.params
    except (KeyError, TypeError, ValueError):
        return refusal.message


@register.filter
def reason_text(reason: dict[str, Any]) -> str:
    """A dry run's reason in the reader's language, its holes filled."""
    message = str(reason["message"])
    try:
        return gettext(message) % reason["params"]
    except (KeyError, TypeError, ValueError):
        return message


@register.filter
def page_address(object_id: str) -> str:
    """The address of the object's page; blank for what has none."""
    return page_of(object_id)


@register.filter
def actor_words(actor: str) -> str:
    """Who did it, in words. The event's own page names the person or the key."""
    kind, _colon, rest = actor.partition(":")
    known = {
        "run": gettext("billing run"),
        "system": gettext("system"),
        "customer": gettext("the customer"),
        "user": gettext("a team member"),
        "api": gettext("over the API"),
    }
    return known.get(kind, rest or actor)


@register.filter
def delivery_error(text: str) -> str:
    """Why an endpoint was not reached, in the reader's language; an answer's status is one already."""
    return str(capfirst(gettext(text))) if text else ""


@register.filter
def mail_kind(kind: str) -> str | Promise:
    return MESSAGE_WORDS.get(kind, kind.replace("_", " "))
