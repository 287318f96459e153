"""To the processor's own pages and back: entering a card where no number passes through here, answering one's bank.

The way there is a link that the customer follows, never a form: our policy lets forms lead to ourselves alone.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core.errors import OstinatoError
from engine.services.pay import complete_action, pay_invoice
from engine.services.recover import bring_retries_forward
from invoicing.models import Invoice
from invoicing.selectors import InvoiceNotFound, invoice_by_hosted_token
from merchants.models import Merchant
from payments.models import PaymentIntent
from payments.selectors import PaymentIntentNotFound
from payments.setups import finish_setup, setup_of, start_setup
from portal.views.checkout import COOKIE
from portal.views.visitor import Visitor, context_of, error_text, paper, signed_in, speak
from subscriptions.models import CheckoutSession


def enters_elsewhere(merchant: Merchant) -> bool:
    """Whether new cards are entered on a page of the processor's: everywhere but in a sandbox."""
    return merchant.gateway != "sandbox"


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
            return_url=settings.SITE_URL + reverse("portal_setup", args=["SETUP"]).replace("SETUP", "{setup}"),
            locale=_locale(),
            with_debits=True,
        )
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
        return redirect("portal_payment_methods")
    return redirect(url)


@require_GET
@signed_in
def setup_done(request: HttpRequest, visitor: Visitor, setup_id: str) -> HttpResponse:
    """Back from it. What was stored pays what failed before, at once."""
    ctx = context_of(request, visitor.customer)
    try:
        setup = setup_of(visitor.merchant.id, visitor.customer.id, setup_id)
        setup = finish_setup(ctx=ctx, merchant_id=visitor.merchant.id, setup_id=setup.id)
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
        return redirect("portal_payment_methods")
    if setup.status == "succeeded":
        bring_retries_forward(ctx=ctx, merchant_id=visitor.merchant.id, customer_id=visitor.customer.id)
        messages.success(request, gettext("Your payment method was added."))
    else:
        messages.info(request, gettext("No payment method was added."))
    return redirect("portal_payment_methods")


# --- a card for one invoice ------------------------------------------------------------------------------------


@require_GET
@never_cache
def invoice_card(request: HttpRequest, hosted_token: str) -> HttpResponse:
    """Off to the processor's page, to pay this invoice with a card that is not stored yet."""
    try:
        invoice = _invoice(request, hosted_token)
        back = reverse("hosted_invoice_card_done", args=[hosted_token, "SETUP"]).replace("SETUP", "{setup}")
        _, url = start_setup(
            ctx=context_of(request, invoice.customer),
            merchant_id=invoice.merchant_id,
            customer_id=invoice.customer_id,
            return_url=settings.SITE_URL + back,
            currency=invoice.currency,
            locale=_locale(),
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
        ctx = context_of(request, invoice.customer)
        setup = setup_of(invoice.merchant_id, invoice.customer_id, setup_id)
        already = setup.status == "succeeded"
        setup = finish_setup(ctx=ctx, merchant_id=invoice.merchant_id, setup_id=setup.id)
        if setup.status == "succeeded" and not already and invoice.status in ("open", "uncollectible"):
            pay_invoice(
                ctx=ctx,
                merchant_id=invoice.merchant_id,
                invoice_id=invoice.id,
                payment_method_id=setup.payment_method_id,
            )
    except InvoiceNotFound as missing:
        return paper(request, "not_found.html", None, {"reason": error_text(missing)}, status=404)
    except OstinatoError:
        pass  # the page says how the invoice stands
    return redirect("hosted_invoice", hosted_token)


# --- back from the bank ------------------------------------------------------------------------------------------


@require_GET
@never_cache
def bank_done(request: HttpRequest, payment_intent_id: str) -> HttpResponse:
    """The customer answered the bank: ask the processor what came of it, and show where the payment belongs."""
    intent = PaymentIntent.objects.filter(id=payment_intent_id).select_related("customer", "invoice").first()
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
    session = CheckoutSession.objects.filter(merchant_id=intent.merchant_id, invoice_id=intent.invoice_id).first()
    if session is not None and COOKIE in request.COOKIES:
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


def _locale() -> str:
    """In the processor's words: "fr-CA"."""
    language, _, country = (get_language() or "en").partition("-")
    return f"{language}-{country.upper()}" if country else language
