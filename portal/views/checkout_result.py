"""After "pay": the bank's question, and the last page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.errors import OstinatoError
from customers.selectors import customer_by_id
from engine.services.checkout import authenticate_checkout, standing_of
from invoicing.models import Invoice
from payments.selectors import payment_intents
from portal.views.checkout import COOKIE, refusal, session_of
from portal.views.processor import bank_page
from portal.views.visitor import context_of, paper, sign_in
from subscriptions.models import CheckoutSession, Subscription


@require_http_methods(["GET", "POST"])
@never_cache
def authenticate(request: HttpRequest, session_id: str) -> HttpResponse:
    """The way to the bank's own page, or the sandbox's stand-in for one: approve or fail."""
    try:
        session = session_of(request, session_id)
        standing = standing_of(ctx=context_of(request), session=session)
        if standing.status == "requires_action" and request.method == "POST":
            authenticate_checkout(
                ctx=context_of(request),
                session_id=session_id,
                secret=request.COOKIES[COOKIE],
                approve=request.POST.get("answer") == "approve",
            )
            return redirect("checkout", session_id)
    except OstinatoError as refused:
        return refusal(request, refused)
    if standing.status != "requires_action":
        return redirect("checkout", session_id)
    waiting = payment_intents(session.merchant_id).filter(invoice_id=session.invoice_id).first()
    context = {"invoice": _invoice(session), "bank": bank_page(waiting)}
    return paper(request, "authenticate.html", session.merchant, context)


@require_GET
@never_cache
def done(request: HttpRequest, session_id: str) -> HttpResponse:
    """What was bought, its invoice, its PDF, and the way to the portal. While the bank is silent it asks again."""
    try:
        session = session_of(request, session_id)
        standing = standing_of(ctx=context_of(request), session=session)
    except OstinatoError as refused:
        return refusal(request, refused)
    if standing.status not in ("complete", "waiting"):
        return redirect("checkout", session_id)
    subscription = (
        Subscription.objects.filter(merchant_id=session.merchant_id, id=session.subscription_id)
        .prefetch_related("items__price__product")
        .first()
    )
    context = {
        "session": session,
        "standing": standing,
        "customer": customer_by_id(session.merchant_id, session.customer_id),
        "invoice": _invoice(session),
        "subscription": subscription,
        "link": session.payment_link,
    }
    response = paper(request, "checkout_done.html", session.merchant, context)
    link = session.payment_link
    if link and link.one_visit and standing.status == "complete":
        response["Refresh"] = f"0; url={link.after_completion_url}"  # back to the shop that sent the visitor
    return response


@require_POST
@never_cache
def to_portal(request: HttpRequest, session_id: str) -> HttpResponse:
    """Straight into the portal: this browser made this customer. It proves nothing about the e-mail address."""
    try:
        session = session_of(request, session_id)
        standing = standing_of(ctx=context_of(request), session=session)
    except OstinatoError as refused:
        return refusal(request, refused)
    if standing.status in ("complete", "waiting"):
        sign_in(request, customer_by_id(session.merchant_id, session.customer_id))
    return redirect("portal_home")


def _invoice(session: CheckoutSession) -> Invoice | None:
    return Invoice.objects.filter(merchant_id=session.merchant_id, id=session.invoice_id).first()
