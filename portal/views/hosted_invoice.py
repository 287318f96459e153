"""The invoice's own page: to read, keep as PDF and pay, without a login. Whoever has the address may do all three."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.errors import OstinatoError
from customers.selectors import payment_methods
from engine.services.pay import complete_action, pay_invoice
from engine.types import PaymentOutcome
from invoicing.models import Invoice
from invoicing.pdf.service import credit_note_pdf, invoice_pdf
from invoicing.rules.transfers import transfer_of
from invoicing.selectors import CreditNoteNotFound, InvoiceNotFound, invoice_by_hosted_token, invoice_lines
from payments.models import PaymentIntent
from payments.selectors import payment_intents, refunds_of_invoice
from payments.services import attach_payment_method
from payments.setups import way_of
from portal.forms.pay import PayForm
from portal.summaries import invoice_summary, party_lines
from portal.views.processor import bank_page
from portal.views.visitor import context_of, error_text, paper, speak


@require_GET
@never_cache
def page(request: HttpRequest, hosted_token: str) -> HttpResponse:
    """The invoice as it stands."""
    try:
        invoice = _invoice(request, hosted_token)
    except InvoiceNotFound as missing:
        return _missing(request, missing)
    return _show(request, invoice, _form(invoice))


@require_POST
@never_cache
def pay(request: HttpRequest, hosted_token: str) -> HttpResponse:
    """Pay with something stored or new. Pressed twice it pays once: the second press finds the first one's charge."""
    try:
        invoice = _invoice(request, hosted_token)
    except InvoiceNotFound as missing:
        return _missing(request, missing)
    form = _form(invoice, request)
    if invoice.status not in ("open", "uncollectible"):
        return redirect("hosted_invoice", hosted_token)
    if not form.is_valid():
        return _show(request, invoice, form, status=422)
    try:
        outcome = _pay(request, invoice, form)
    except OstinatoError as refused:
        return _show(request, invoice, form, problem=error_text(refused), status=422)
    if outcome.status == "requires_action":
        return redirect("hosted_invoice_authenticate", hosted_token)
    return redirect("hosted_invoice", hosted_token)


@require_http_methods(["GET", "POST"])
@never_cache
def authenticate(request: HttpRequest, hosted_token: str) -> HttpResponse:
    """The way to the bank's own page, or the sandbox's stand-in for one."""
    try:
        invoice = _invoice(request, hosted_token)
    except InvoiceNotFound as missing:
        return _missing(request, missing)
    intent = _intent(invoice)
    if intent is None or intent.status != "requires_action":
        return redirect("hosted_invoice", hosted_token)
    if request.method == "GET" or bank_page(intent):
        return paper(request, "authenticate.html", invoice.merchant, {"invoice": invoice, "bank": bank_page(intent)})
    try:
        complete_action(
            ctx=context_of(request, invoice.customer),
            merchant_id=invoice.merchant_id,
            payment_intent_id=intent.id,
            approve=request.POST.get("answer") == "approve",
        )
    except OstinatoError as refused:
        return _show(request, invoice, _form(invoice), problem=error_text(refused), status=422)
    return redirect("hosted_invoice", hosted_token)


@require_GET
@never_cache
def pdf(request: HttpRequest, hosted_token: str) -> HttpResponse:
    """The PDF that was stored when it was first asked for."""
    try:
        invoice = _invoice(request, hosted_token)
        content, name, _sha = invoice_pdf(
            ctx=context_of(request, invoice.customer), merchant_id=invoice.merchant_id, invoice_id=invoice.id
        )
    except OstinatoError as refused:
        return _missing(request, refused)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@require_GET
@never_cache
def credit_note(request: HttpRequest, hosted_token: str, note_id: str) -> HttpResponse:
    """The PDF of one of the invoice's credit notes."""
    try:
        invoice = _invoice(request, hosted_token)
        if not invoice.credit_notes.filter(id=note_id).exists():
            raise CreditNoteNotFound
        content, name, _sha = credit_note_pdf(
            ctx=context_of(request, invoice.customer), merchant_id=invoice.merchant_id, credit_note_id=note_id
        )
    except OstinatoError as refused:
        return _missing(request, refused)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def _invoice(request: HttpRequest, hosted_token: str) -> Invoice:
    """The token's invoice. A draft is nobody's business yet."""
    invoice = invoice_by_hosted_token(hosted_token)
    if invoice.status == "draft":
        raise InvoiceNotFound
    speak(request, invoice.locale, invoice.customer.preferred_locale, invoice.merchant.locale)
    return invoice


def _pay(request: HttpRequest, invoice: Invoice, form: PayForm) -> PaymentOutcome:
    ctx = context_of(request, invoice.customer)
    method_id = form.stored_method_id()
    if not method_id:
        method_id = attach_payment_method(
            ctx=ctx,
            merchant_id=invoice.merchant_id,
            customer_id=invoice.customer_id,
            instrument=form.cleaned_data["instrument"],
        ).id
    return pay_invoice(ctx=ctx, merchant_id=invoice.merchant_id, invoice_id=invoice.id, payment_method_id=method_id)


def _form(invoice: Invoice, request: HttpRequest | None = None) -> PayForm:
    return PayForm(
        request.POST if request else None,
        methods=payment_methods(invoice.merchant_id, invoice.customer_id),
        currency=invoice.currency,
        default_id=invoice.customer.default_payment_method_id,
        way=way_of(invoice.merchant),
    )


def _show(
    request: HttpRequest, invoice: Invoice, form: PayForm, *, problem: str = "", status: int = 200
) -> HttpResponse:
    intent = _intent(invoice) if invoice.status in ("open", "uncollectible") else None
    waiting = intent is not None and intent.status == "processing"
    if intent is not None and intent.status == "requires_payment_method" and not problem:
        problem = str((intent.last_payment_error or {}).get("message", ""))
    context = {
        "invoice": invoice,
        "summary": invoice_summary(invoice, invoice_lines(invoice)),
        "seller": invoice.seller_snapshot,
        "seller_lines": party_lines(invoice.seller_snapshot, get_language() or "en"),
        "buyer_lines": party_lines(invoice.customer_snapshot, get_language() or "en"),
        "transfer": None if waiting else transfer_of(invoice),
        "credit_notes": invoice.credit_notes.filter(status="issued").order_by("sequence"),
        "refunds": refunds_of_invoice(invoice.merchant_id, invoice.id),
        "intent": intent,
        "waiting": waiting,
        "needs_authentication": intent is not None and intent.status == "requires_action",
        "form": form,
        "problem": problem,
    }
    return paper(request, "hosted_invoice.html", invoice.merchant, context, status=status)


def _intent(invoice: Invoice) -> PaymentIntent | None:
    return payment_intents(invoice.merchant_id).filter(invoice_id=invoice.id).first()


def _missing(request: HttpRequest, error: OstinatoError) -> HttpResponse:
    return paper(request, "not_found.html", None, {"reason": error_text(error)}, status=404)
