"""A visit to a payment link: the form with its live summary, and the button that pays once."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from catalog.page_terms import asks_terms
from core.errors import OstinatoError
from engine.services.checkout import PaymentLinkClosed, Standing, complete_checkout, open_checkout, standing_of
from engine.services.checkout_preview import Basket, basket_of, preview_checkout
from engine.services.checkout_setup import finish_checkout_setup, start_checkout_setup
from engine.types import CheckoutRequest
from invoicing.selectors import invoice_by_id, invoice_lines
from payments.rules import HOSTED
from payments.setups import SetupNotFound, way_of
from portal.forms.checkout import CheckoutForm, InstrumentForm
from portal.offer import Offer, offer_of
from portal.pictures import allow_pictures
from portal.summaries import invoice_summary
from portal.views.processor import return_address
from portal.views.visitor import context_of, error_text, leave_for, paper, show_error
from subscriptions.models import CheckoutSession
from subscriptions.services.checkout_sessions import CheckoutNotFound, checkout_session, note_locale
from subscriptions.services.portal_configurations import portal_of

COOKIE = "checkout_secret"
COOKIE_AGE = 2 * 24 * 3600


@require_GET
@never_cache
def open_link(request: HttpRequest, payment_link_id: str) -> HttpResponse:
    """A new visit. Its secret goes into a cookie that only this visit's own pages are sent."""
    try:
        session_id, secret = open_checkout(
            ctx=context_of(request), payment_link_id=payment_link_id, locale=get_language() or ""
        )
    except PaymentLinkClosed as closed:
        own_words = str(closed.params.get("inactive_message") or "")
        return paper(request, "checkout_refused.html", None, {"reason": own_words or error_text(closed)}, status=404)
    except OstinatoError as refused:
        return refusal(request, refused)
    return _with_secret(session_id, secret)


@require_GET
@never_cache
def open_session(request: HttpRequest, session_id: str, secret: str) -> HttpResponse:
    """The way in to a session that the merchant's server opened: whoever has its address may buy."""
    try:
        checkout_session(session_id, secret)
    except OstinatoError as refused:
        return refusal(request, refused)
    return _with_secret(session_id, secret)


def _with_secret(session_id: str, secret: str) -> HttpResponse:
    response = redirect("checkout", session_id)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=COOKIE_AGE,
        path=response["Location"],
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS,
    )
    return response


@require_http_methods(["GET", "POST"])
@never_cache
def page(request: HttpRequest, session_id: str) -> HttpResponse:
    """The form; once something was bought, its payment; once that is done, the way to the last page."""
    try:
        session = session_of(request, session_id)
        standing = standing_of(ctx=context_of(request), session=session)
    except OstinatoError as refused:
        return refusal(request, refused)
    note_locale(session, get_language() or "")
    if standing.status == "expired":
        return paper(request, "checkout_expired.html", session.merchant, {"session": session}, status=410)
    if standing.status in ("complete", "waiting"):
        return redirect("checkout_done", session_id)
    if standing.status == "requires_action":
        return redirect("checkout_authenticate", session_id)
    if standing.status == "unpaid":
        return _pay_again(request, session, standing)
    return _form_page(request, session)


@require_POST
@never_cache
def preview(request: HttpRequest, session_id: str) -> HttpResponse:
    """The summary alone, for htmx: what the form as it stands would cost."""
    try:
        session = session_of(request, session_id)
        basket = basket_of(session)
    except OstinatoError as refused:
        return refusal(request, refused)
    form = _form(basket, session, request)
    offer = _offer(request, basket, form)
    return render(request, "portal/_checkout_summary.html", _context(session, form, offer) | {"live": True})


@require_POST
@never_cache
def address(request: HttpRequest, session_id: str) -> HttpResponse:
    """The address's fields for another country, with the summary beside them, for htmx."""
    try:
        session = session_of(request, session_id)
        basket = basket_of(session)
    except OstinatoError as refused:
        return refusal(request, refused)
    form = _form(basket, session, request)
    offer = _offer(request, basket, form)
    form.forget_errors(but="promotion_code")
    return render(request, "portal/_checkout_address.html", _context(session, form, offer) | {"live": True})


def session_of(request: HttpRequest, session_id: str) -> CheckoutSession:
    """The visitor's own session. Raises `CheckoutNotFound`."""
    secret = request.COOKIES.get(COOKIE, "")
    if not secret:
        raise CheckoutNotFound
    return checkout_session(session_id, secret)


def refusal(request: HttpRequest, error: OstinatoError) -> HttpResponse:
    """A link or a session that cannot be used, in words; nothing tells a foreign one from one that never was."""
    return paper(request, "checkout_refused.html", None, {"reason": error_text(error)}, status=404)


def _form_page(request: HttpRequest, session: CheckoutSession) -> HttpResponse:
    try:
        basket = basket_of(session)
    except OstinatoError as refused:
        return refusal(request, refused)
    form = _form(basket, session, request)
    status = 200
    if request.method == "POST" and "refresh" not in request.POST:
        if form.is_valid():
            try:
                return _buy(request, session, form.request())
            except OstinatoError as refused:
                show_error(form, refused)
        status = 422
    offer = _offer(request, basket, form)
    if "refresh" in request.POST:
        form.forget_errors(but="promotion_code")
    elif status == 422:
        form.focus_first_error()
    response = paper(request, "checkout.html", session.merchant, _context(session, form, offer), status=status)
    return allow_pictures(response, [line.image for line in offer.lines])


def _buy(request: HttpRequest, session: CheckoutSession, wanted: CheckoutRequest) -> HttpResponse:
    """Buy, and go where the outcome is shown: a reload there buys nothing. What pays may be entered elsewhere first."""
    if way_of(session.merchant) == HOSTED:
        url = start_checkout_setup(
            ctx=context_of(request),
            session_id=session.id,
            secret=request.COOKIES[COOKIE],
            request=None if session.invoice_id else wanted,
            return_url=return_address("checkout_entered", session.id),
        )
        return leave_for(request, session.merchant, url) if url else redirect("checkout", session.id)
    complete_checkout(ctx=context_of(request), session_id=session.id, secret=request.COOKIES[COOKIE], request=wanted)
    return redirect("checkout", session.id)


@require_GET
@never_cache
def entered(request: HttpRequest, session_id: str, setup_id: str) -> HttpResponse:
    """Back from the processor's page: what was stored buys and pays, once."""
    try:
        session = session_of(request, session_id)
        finish_checkout_setup(
            ctx=context_of(request), session_id=session.id, secret=request.COOKIES[COOKIE], setup_id=setup_id
        )
    except SetupNotFound as missing:
        return refusal(request, missing)
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
    return redirect("checkout", session_id)


def _pay_again(request: HttpRequest, session: CheckoutSession, standing: Standing) -> HttpResponse:
    """What was bought is fixed; only its payment is missing."""
    invoice = invoice_by_id(session.merchant_id, session.invoice_id)
    given = request.POST if request.method == "POST" else None
    form = InstrumentForm(given, currency=invoice.currency, way=way_of(session.merchant))
    problem = standing.problem
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                return _buy(
                    request, session, CheckoutRequest(email="", instrument=form.cleaned_data.get("instrument", ""))
                )
            except OstinatoError as refused:
                problem = error_text(refused)
        status = 422
    summary = invoice_summary(invoice, invoice_lines(invoice))
    context = {
        "session": session,
        "invoice": invoice,
        "summary": summary,
        "form": form,
        "problem": problem,
        "page_width": "wide",
    }
    return paper(request, "checkout_pay.html", session.merchant, context, status=status)


def _form(basket: Basket, session: CheckoutSession, request: HttpRequest) -> CheckoutForm:
    link = basket.link
    return CheckoutForm(
        request.POST or None,
        basket=basket,
        currency=link.currency,
        way=way_of(session.merchant),
        session_id=session.id,
        initial={"country": session.merchant.country, **_asked_before(session)},
    )


def _asked_before(session: CheckoutSession) -> dict[str, object]:
    """What was filled in before the visitor left for the processor's page and came back without having paid."""
    said: dict[str, object] = {name: value for name, value in session.asked.items() if isinstance(value, str) and value}
    answers = session.asked.get("custom_fields") or {}
    link = session.payment_link
    for position, one in enumerate(link.terms.get("custom_fields", ()) if link else ()):
        if one["key"] in answers:
            said[f"custom_{position}"] = answers[one["key"]]
    return said


def _offer(request: HttpRequest, basket: Basket, form: CheckoutForm) -> Offer:
    """What it costs as the form stands. A code that does not hold is said at its field and left out."""
    ctx = context_of(request)
    wanted = form.draft_request()
    try:
        return offer_of(basket, preview_checkout(ctx=ctx, basket=basket, request=wanted), wanted)
    except OstinatoError as refused:
        form.add_error("promotion_code" if wanted.promotion_code else None, error_text(refused))
    plain = replace(wanted, promotion_code="", quantities={})
    return offer_of(basket, preview_checkout(ctx=ctx, basket=basket, request=plain), plain)


def _context(session: CheckoutSession, form: CheckoutForm, offer: Offer) -> dict[str, object]:
    terms = session.payment_link.terms if session.payment_link else {}
    optional = terms.get("payment_method_collection") == "if_required"
    return {
        "session": session,
        "merchant": session.merchant,
        "form": form,
        "offer": offer,
        "terms": terms,
        "optional_method": optional,
        "asks_method": not optional or not offer.is_free_now,
        "terms_url": portal_of(session.merchant_id, "").terms_of_service_url if asks_terms(terms) else "",
        "page_width": "wide",
    }
