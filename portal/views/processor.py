"""To the processor's own pages and back: entering a card where no number passes through here, answering one's bank.

The way there is a link that the customer follows, or a page of ours that goes on by itself, never a form's redirect:
our policy lets forms lead to ourselves alone.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core.errors import OstinatoError
from engine.services.pay import complete_action
from engine.services.setups import finish_customer_setup, pay_with_setup
from invoicing.models import Invoice
from invoicing.selectors import InvoiceNotFound, invoice_by_hosted_token
from merchants.models import Merchant
from payments.models import PaymentIntent
from payments.rules import HOSTED
from payments.selectors import PaymentIntentNotFound
from payments.setups import SetupNotFound, start_setup, way_of
from portal.views.bank import gone_on
from portal.views.flows import finished
from portal.views.visitor import Visitor, context_of, error_text, paper, signed_in, speak
from subscriptions.models import CheckoutSession, CheckoutStatus


def enters_elsewhere(merchant: Merchant) -> bool:
    """Whether new cards are entered on a page of the processor's."""
    return way_of(merchant) == HOSTED


def return_address(name: str, *args: str) -> str:
    """The address of one of our pages to come back to, with {setup} where the setup's id will stand."""
    return settings.SITE_URL + reverse(name, args=[*args, "SETUP"]).replace("SETUP", "{setup}")


def bank_page(intent: PaymentIntent | None) -> str:
    """Where the customer answers the bank; blank: on a page of ours."""
    action = (intent.next_action if intent else None) or {}
    return str((action.get("redirect_to_url") or {}).get("url") or "")


# --- a card for the account ----------------------------------------------------------------------------------


def to_setup(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Off to the processor's page, to store a card for what comes."""
    try:
        _, url = start_setup(
            ctx=context_of(request, visitor.customer),
            merchant_id=visitor.merchant.id,
            customer_id=visitor.customer.id,
            return_url=return_address("portal_setup"),
            locale=page_language(),
            with_debits=True,
        )
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
        return redirect("portal_payment_methods")
    return redirect(url)


@require_GET
@signed_in
def setup_done(request: HttpRequest, visitor: Visitor, setup_id: str) -> HttpResponseBase:
    """Back from it. What was stored pays what failed before, at once."""
    try:
        setup = finish_customer_setup(
            ctx=context_of(request, visitor.customer),
            merchant_id=visitor.merchant.id,
            customer_id=visitor.customer.id,
            setup_id=setup_id,
        )
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
        return redirect("portal_payment_methods")
    if setup.status == "succeeded":
        return finished(request, visitor, gettext("Your payment method was added."), reverse("portal_payment_methods"))
    messages.info(request, gettext("No payment method was added."))
    return redirect("portal_payment_methods")


# --- a card for one invoice ------------------------------------------------------------------------------------


@require_GET
@never_cache
def invoice_card(request: HttpRequest, hosted_token: str) -> HttpResponse:
    """Off to the processor's page, to pay this invoice with a card that is not stored yet."""
    try:
        invoice = _invoice(request, hosted_token)
        _, url = start_setup(
            ctx=context_of(request, invoice.customer),
            merchant_id=invoice.merchant_id,
            customer_id=invoice.customer_id,
            return_url=return_address("hosted_invoice_card_done", hosted_token),
            currency=invoice.currency,
            locale=page_language(),
        )
    except OstinatoError as refused:
        return paper(request, "not_found.html", None, {"reason": error_text(refused)}, status=404)
    return redirect(url)


@require_GET
@never_cache
def invoice_card_done(request: HttpRequest, hosted_token: str, setup_id: str) -> HttpResponse:
    """Back from it, and the invoice is paid with what was entered. Opened again it pays nothing twice."""
    try:
        invoice = _invoice(request, hosted_token)
        outcome = pay_with_setup(
            ctx=context_of(request, invoice.customer),
            merchant_id=invoice.merchant_id,
            invoice_id=invoice.id,
            setup_id=setup_id,
        )
    except (InvoiceNotFound, SetupNotFound) as missing:
        return paper(request, "not_found.html", None, {"reason": error_text(missing)}, status=404)
    except OstinatoError:
        outcome = None  # the page says how the invoice stands
    if outcome is not None and outcome.status == "requires_action":
        return redirect("hosted_invoice_authenticate", hosted_token)
    return redirect("hosted_invoice", hosted_token)


# --- back from the bank ------------------------------------------------------------------------------------------


@require_GET
@never_cache
def bank_done(request: HttpRequest, payment_intent_id: str) -> HttpResponse:
    """The customer answered the bank: ask the processor what came of it, and show where the payment belongs."""
    intent = (
        PaymentIntent.objects.filter(id=payment_intent_id).select_related("customer", "invoice", "merchant").first()
    )
    if intent is None:
        return paper(request, "not_found.html", None, {"reason": error_text(PaymentIntentNotFound())}, status=404)
    try:
        complete_action(
            ctx=context_of(request, intent.customer),
            merchant_id=intent.merchant_id,
            payment_intent_id=intent.id,
            approve=True,
        )
    except OstinatoError:
        pass  # the processor's own news was first, or comes later: the page shows how it stands
    if intent.terms and not intent.invoice_id:
        intent.refresh_from_db()
        return gone_on(request, intent)
    # The visit's own cookie is not sent to this address: only its own pages can tell whose it is.
    session = CheckoutSession.objects.filter(
        merchant_id=intent.merchant_id, invoice_id=intent.invoice_id, status=CheckoutStatus.OPEN
    ).first()
    if session is not None:
        return redirect("checkout", session.id)
    if intent.invoice is None or not intent.invoice.hosted_token:
        return redirect("portal_home")
    return redirect("hosted_invoice", intent.invoice.hosted_token)


def _invoice(request: HttpRequest, hosted_token: str) -> Invoice:
    invoice = invoice_by_hosted_token(hosted_token)
    if invoice.status == "draft" or not enters_elsewhere(invoice.merchant):
        raise InvoiceNotFound
    speak(request, invoice.locale, invoice.customer.preferred_locale, invoice.merchant.locale)
    return invoice


def page_language() -> str:
    """In the processor's words: "fr-CA"."""
    language, _, country = (get_language() or "en").partition("-")
    return f"{language}-{country.upper()}" if country else language
