"""What a subscriber pays with: add, choose the default, remove."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.errors import OstinatoError
from customers.backups import MOST_BACKUPS, rearrange_backups
from customers.selectors import PaymentMethodNotFound, payment_methods
from customers.services import set_default_payment_method
from payments.rules import INSTRUMENTS
from payments.services import attach_payment_method, detach_payment_method
from payments.setups import way_of
from portal.forms.checkout import InstrumentForm
from portal.views.flows import finished
from portal.views.processor import enters_elsewhere, to_setup
from portal.views.visitor import Visitor, context_of, error_text, offered, paper, show_error, signed_in
from portal.wording import expiry_words, look_of, method_words


@require_GET
@signed_in
def listing(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    offered(visitor, "payment_method_update")
    now = context_of(request, visitor.customer).as_of
    backups = visitor.customer.backup_payment_method_ids
    methods = [
        {
            "id": method.id,
            "words": method_words(method),
            "expiry": expiry_words(method, now),
            "brand": look_of(method),
            "is_default": method.id == visitor.customer.default_payment_method_id,
            "backup": backups.index(method.id) + 1 if method.id in backups else 0,
        }
        for method in payment_methods(visitor.merchant.id, visitor.customer.id)
    ]
    # In the order in which they are charged; what is never charged by itself comes last.
    methods.sort(key=lambda shown: (not shown["is_default"], shown["backup"] or MOST_BACKUPS + 1))
    context = {
        "visitor": visitor,
        "methods": methods,
        "several_backups": len(backups) > 1,
        "may_add_backup": bool(visitor.customer.default_payment_method_id) and len(backups) < MOST_BACKUPS,
        "tab": "payment_methods",
        "page_width": "wide",
    }
    return paper(request, "payment_methods.html", visitor.merchant, context)


@require_http_methods(["GET", "POST"])
@signed_in
def add(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    offered(visitor, "payment_method_update")
    if enters_elsewhere(visitor.merchant):
        return to_setup(request, visitor)
    way = way_of(visitor.merchant)
    form = InstrumentForm(request.POST or None, currency=visitor.customer.currency, way=way)
    if request.method == "POST" and way == INSTRUMENTS and form.is_valid():
        try:
            attach_payment_method(
                ctx=context_of(request, visitor.customer),
                merchant_id=visitor.merchant.id,
                customer_id=visitor.customer.id,
                instrument=form.cleaned_data["instrument"],
                # Who was sent here to pay with something else means what they add.
                make_default="make_default" in request.POST or visitor.flow is not None or None,
            )
        except OstinatoError as refused:
            show_error(form, refused)
        else:
            return finished(
                request, visitor, gettext("Your payment method was added."), reverse("portal_payment_methods")
            )
    context = {"visitor": visitor, "form": form, "tab": "payment_methods"}
    return paper(request, "add_payment_method.html", visitor.merchant, context, status=422 if form.errors else 200)


@require_POST
@signed_in
def make_default(request: HttpRequest, visitor: Visitor, payment_method_id: str) -> HttpResponse:
    offered(visitor, "payment_method_update")
    try:
        set_default_payment_method(
            ctx=context_of(request, visitor.customer),
            merchant_id=visitor.merchant.id,
            customer_id=visitor.customer.id,
            payment_method_id=payment_method_id,
        )
    except PaymentMethodNotFound as missing:
        raise Http404 from missing
    messages.success(request, gettext("Future invoices will be paid with it."))
    return redirect("portal_payment_methods")


BACKUP_ACTS = {
    "add": gettext_noop("It is charged when your default is declined."),
    "up": gettext_noop("The order of your backups was changed."),
    "remove": gettext_noop("It is no backup any more."),
}


@require_POST
@signed_in
def backup(request: HttpRequest, visitor: Visitor, payment_method_id: str) -> HttpResponse:
    """A backup more, one less, or another order of them."""
    offered(visitor, "payment_method_update")
    act = request.POST.get("act", "")
    if act not in BACKUP_ACTS:
        raise Http404
    try:
        rearrange_backups(
            ctx=context_of(request, visitor.customer),
            merchant_id=visitor.merchant.id,
            customer_id=visitor.customer.id,
            payment_method_id=payment_method_id,
            act=act,
        )
    except PaymentMethodNotFound as missing:
        raise Http404 from missing
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
    else:
        messages.success(request, gettext(BACKUP_ACTS[act]))
    return redirect("portal_payment_methods")


@require_POST
@signed_in
def remove(request: HttpRequest, visitor: Visitor, payment_method_id: str) -> HttpResponse:
    offered(visitor, "payment_method_update")
    try:
        detach_payment_method(
            ctx=context_of(request, visitor.customer),
            merchant_id=visitor.merchant.id,
            customer_id=visitor.customer.id,
            payment_method_id=payment_method_id,
        )
    except PaymentMethodNotFound as missing:
        raise Http404 from missing
    messages.success(request, gettext("Your payment method was removed."))
    return redirect("portal_payment_methods")
