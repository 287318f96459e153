"""Pages behind a mail's link, without signing in: fix an invoice's payment, or confirm it with the bank.

The link is good for one invoice until its day. GET only shows; a mail scanner that opens it changes nothing.
"""

from __future__ import annotations

from babel.dates import format_date
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.errors import OstinatoError
from core.money_format import reader_locale
from core.periods import time_zone
from customers.selectors import PaymentMethodNotFound, payment_method_by_id, payment_methods
from engine.services.pay import pay_invoice
from engine.services.update import update_subscription
from engine.types import ChangeRequest
from invoicing.models import Invoice
from invoicing.selectors import InvoiceNotFound, invoice_by_id
from notifications.links import CONFIRM, FIX, LinkBroken, LinkExpired, OnePurpose, read_link
from payments.models import PaymentIntent
from payments.selectors import payment_intents
from payments.services import attach_payment_method
from payments.setups import way_of
from portal.forms.pay import PayForm
from portal.views.visitor import context_of, error_text, paper, speak
from portal.wording import method_words
from subscriptions.types import TERMINAL_STATUSES


@require_http_methods(["GET", "POST"])
@never_cache
def fix(request: HttpRequest, token: str) -> HttpResponse:
    """Another method, or the same once more; what is chosen is charged at once and kept for what comes."""
    opened = _open(request, FIX, token)
    if isinstance(opened, HttpResponse):
        return opened
    form = _form(opened, request if request.method == "POST" else None)
    if request.method == "GET":
        return _show(request, "payment_fix.html", opened, form=form)
    if not form.is_valid():
        return _show(request, "payment_fix.html", opened, form=form, status=422)
    try:
        outcome = _pay_with(request, opened, form)
    except OstinatoError as refused:
        return _show(request, "payment_fix.html", opened, form=form, problem=error_text(refused), status=422)
    if outcome == "requires_action":
        return redirect("hosted_invoice_authenticate", opened.hosted_token)
    return redirect("payment_fix", token)


@require_http_methods(["GET", "POST"])
@never_cache
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The charge that the bank would not take unseen, once more with its customer there."""
    opened = _open(request, CONFIRM, token)
    if isinstance(opened, HttpResponse):
        return opened
    intent = _intent(opened)
    if intent is not None and intent.status == "requires_action":
        return redirect("hosted_invoice_authenticate", opened.hosted_token)
    method_id = _method_to_confirm(opened, intent)
    if not method_id:  # the card is gone: there is nothing to confirm, but something to fix
        return redirect("hosted_invoice", opened.hosted_token)
    problem = ""
    if request.method == "POST":
        try:
            outcome = pay_invoice(
                ctx=context_of(request, opened.customer),
                merchant_id=opened.merchant_id,
                invoice_id=opened.id,
                payment_method_id=method_id,
            )
        except OstinatoError as refused:
            problem = error_text(refused)
        else:
            if outcome.status == "requires_action":
                return redirect("hosted_invoice_authenticate", opened.hosted_token)
            return redirect("payment_confirm", token)
    method = payment_method_by_id(opened.merchant_id, opened.customer_id, method_id)
    status = 422 if problem else 200
    return _show(request, "payment_confirm.html", opened, method=method_words(method), problem=problem, status=status)


def _open(request: HttpRequest, purpose: str, token: str) -> Invoice | HttpResponse:
    """The link's invoice when something is still to be paid; else the page that says how it stands."""
    try:
        link = read_link(purpose, token, timezone.now())
        invoice = invoice_by_id(link.merchant_id, link.invoice_id)
    except LinkExpired as over:
        return _expired(request, over)
    except (LinkBroken, InvoiceNotFound) as broken:
        return paper(request, "payment_link_over.html", None, {"reason": error_text(broken)}, status=404)
    speak(request, invoice.locale, invoice.customer.preferred_locale, invoice.merchant.locale)
    intent = _intent(invoice)
    if invoice.status in ("open", "uncollectible") and invoice.amount_remaining:
        if intent is None or intent.status != "processing":
            return invoice
        state = "processing"
    else:
        state = "paid" if invoice.status == "paid" else "void"
    return paper(request, "payment_settled.html", invoice.merchant, {"invoice": invoice, "state": state})


def _expired(request: HttpRequest, over: LinkExpired) -> HttpResponse:
    """In the language of the mail that it came with, while its invoice can be found."""
    link = over.params["link"]
    assert isinstance(link, OnePurpose)
    try:
        invoice = invoice_by_id(link.merchant_id, link.invoice_id)
    except InvoiceNotFound:
        return paper(request, "payment_link_over.html", None, {"reason": error_text(over)}, status=410)
    speak(request, invoice.locale, invoice.customer.preferred_locale, invoice.merchant.locale)
    day = link.expires_at.astimezone(time_zone(invoice.merchant.timezone))
    words = {"date": format_date(day, "long", locale=reader_locale(get_language() or "en"))}
    reason = gettext(over.message_id) % words
    return paper(request, "payment_link_over.html", invoice.merchant, {"reason": reason}, status=410)


def _pay_with(request: HttpRequest, invoice: Invoice, form: PayForm) -> str:
    """Charge what was chosen. Returns the outcome's status."""
    ctx = context_of(request, invoice.customer)
    method_id = form.stored_method_id()
    if not method_id:
        method_id = attach_payment_method(
            ctx=ctx,
            merchant_id=invoice.merchant_id,
            customer_id=invoice.customer_id,
            instrument=form.cleaned_data["instrument"],
            make_default=True,
        ).id
    outcome = pay_invoice(ctx=ctx, merchant_id=invoice.merchant_id, invoice_id=invoice.id, payment_method_id=method_id)
    subscription = invoice.subscription
    # A subscription that names the card which was refused would be refused again next time.
    named = subscription.default_payment_method_id if subscription else ""
    if subscription and named not in ("", method_id) and outcome.status in ("succeeded", "requires_action"):
        subscription.refresh_from_db()
        if subscription.status not in TERMINAL_STATUSES:
            change = ChangeRequest(invoice.merchant_id, subscription.id, default_payment_method_id=method_id)
            update_subscription(ctx=ctx, request=change)
    return outcome.status


def _form(invoice: Invoice, request: HttpRequest | None) -> PayForm:
    intent = _intent(invoice)
    refused = intent.payment_method_id if intent else invoice.customer.default_payment_method_id
    methods = payment_methods(invoice.merchant_id, invoice.customer_id)
    others = [method for method in methods if method.id != refused]
    return PayForm(
        request.POST if request else None,
        methods=[*others, *(method for method in methods if method.id == refused)],
        currency=invoice.currency,
        way=way_of(invoice.merchant),
    )


def _method_to_confirm(invoice: Invoice, intent: PaymentIntent | None) -> str:
    """The method that asked for its owner, while it is still stored; "" when it is not."""
    wanted = intent.payment_method_id if intent else ""
    try:
        return payment_method_by_id(invoice.merchant_id, invoice.customer_id, wanted).id if wanted else ""
    except PaymentMethodNotFound:
        return ""


def _show(
    request: HttpRequest, template: str, invoice: Invoice, *, status: int = 200, **context: object
) -> HttpResponse:
    intent = _intent(invoice)
    said = str((intent.last_payment_error or {}).get("message", "")) if intent else ""
    context.setdefault("problem", gettext(said) if said else "")
    if template == "payment_confirm.html" and request.method == "GET":
        context["problem"] = ""  # that it needs its owner is what the page is for
    return paper(request, template, invoice.merchant, {"invoice": invoice, **context}, status=status)


def _intent(invoice: Invoice) -> PaymentIntent | None:
    return payment_intents(invoice.merchant_id).filter(invoice_id=invoice.id).first()
