"""The bank's question about a payment that stands for itself: no invoice, no visit, only an address.

The address is made by `payments.intents.authentication_secret` and shown at /v1 as the intent's `next_action`.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.errors import OstinatoError
from engine.services.pay import complete_action
from payments.intents import is_authentication_secret
from payments.models import PaymentIntent
from payments.selectors import PaymentIntentNotFound
from payments.snapshots import client_secret
from portal.views.visitor import context_of, error_text, leave_for, paper, speak


@require_http_methods(["GET", "POST"])
@never_cache
def authenticate(request: HttpRequest, payment_intent_id: str, secret: str) -> HttpResponse:
    """The sandbox's stand-in for the bank's own page; from it the customer goes on to the caller's `return_url`."""
    intent = PaymentIntent.objects.filter(id=payment_intent_id).select_related("customer", "merchant").first()
    if intent is None or not intent.terms or not is_authentication_secret(intent.id, secret):
        return paper(request, "not_found.html", None, {"reason": error_text(PaymentIntentNotFound())}, status=404)
    speak(request, intent.customer.preferred_locale if intent.customer else "", intent.merchant.locale)
    if intent.status != "requires_action":
        return gone_on(request, intent)
    if request.method == "GET":
        asked = {"amount_remaining": intent.amount, "currency": intent.currency}
        return paper(request, "authenticate.html", intent.merchant, {"invoice": asked, "bank": ""})
    try:
        complete_action(
            ctx=context_of(request, intent.customer),
            merchant_id=intent.merchant_id,
            payment_intent_id=intent.id,
            approve=request.POST.get("answer") == "approve",
        )
    except OstinatoError:
        pass  # answered in another window meanwhile: the page shows how it stands
    intent.refresh_from_db()
    return gone_on(request, intent)


def gone_on(request: HttpRequest, intent: PaymentIntent) -> HttpResponse:
    """Back to the shop that asked for the payment, told as Stripe tells it; without an address, how it stands."""
    paid = intent.status in ("succeeded", "processing", "requires_capture")
    if url := intent.terms.get("return_url", ""):
        told = {
            "payment_intent": intent.id,
            "payment_intent_client_secret": client_secret(intent.id),
            "redirect_status": "succeeded" if paid else "failed",
        }
        return leave_for(request, intent.merchant, f"{url}{'&' if '?' in url else '?'}{urlencode(told)}")
    said = gettext("The payment was approved.") if paid else gettext("The payment was not approved.")
    return paper(request, "bank_done.html", intent.merchant, {"said": said})
