"""Name, address, language and tax numbers: what future invoices say. Finalized ones keep what they said."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, override
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import OstinatoError
from customers.selectors import tax_ids
from customers.services import TaxIdNotFound, add_tax_id, remove_tax_id, update_customer
from customers.types import TaxId
from portal.forms.account import DetailsForm, TaxIdForm, tax_id_word
from portal.forms.address import ADDRESS_FIELDS
from portal.views.flows import finished
from portal.views.visitor import Visitor, context_of, error_text, offered, paper, show_error, signed_in


@require_http_methods(["GET", "POST"])
@signed_in
def details(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    offered(visitor, "customer_update")
    form = _details_form(request, visitor)
    if request.method == "POST" and form.is_valid():
        try:
            update_customer(
                ctx=context_of(request, visitor.customer),
                merchant_id=visitor.merchant.id,
                customer_id=visitor.customer.id,
                **form.fields_to_write(),
            )
        except OstinatoError as refused:
            show_error(form, refused)
        else:
            return _saved(request, visitor, form.cleaned_data["preferred_locale"])
    return _page(request, visitor, form, TaxIdForm(country=visitor.customer.country))


@require_POST
@signed_in
def address(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The address's fields for another country, for htmx."""
    form = _details_form(request, visitor)
    form.is_valid()
    form.forget_errors()
    return render(request, "portal/_address.html", {"form": form})


@require_POST
@signed_in
def add_number(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    _check_tax_ids(visitor)
    form = TaxIdForm(request.POST, country=visitor.customer.country)
    if form.is_valid():
        try:
            add_tax_id(
                ctx=context_of(request, visitor.customer),
                merchant_id=visitor.merchant.id,
                customer_id=visitor.customer.id,
                tax_id=TaxId(form.cleaned_data["type"], form.cleaned_data["value"]),
            )
        except OstinatoError as refused:
            form.add_error("type" if refused.param == "tax_id[type]" else "value", error_text(refused))
        else:
            messages.success(request, gettext("Your tax number was added."))
            return redirect("portal_account")
    return _page(request, visitor, DetailsForm(initial=DetailsForm.initial_of(visitor.customer)), form)


@require_POST
@signed_in
def remove_number(request: HttpRequest, visitor: Visitor, tax_id_id: str) -> HttpResponse:
    _check_tax_ids(visitor)
    try:
        remove_tax_id(
            ctx=context_of(request, visitor.customer),
            merchant_id=visitor.merchant.id,
            customer_id=visitor.customer.id,
            tax_id_id=tax_id_id,
        )
    except TaxIdNotFound as missing:
        raise Http404 from missing
    messages.success(request, gettext("Your tax number was removed."))
    return redirect("portal_account")


def _details_form(request: HttpRequest, visitor: Visitor) -> DetailsForm:
    allowed = offered(visitor, "customer_update")["allowed_updates"]
    parts = {"name": ("name",), "phone": ("phone",), "address": ADDRESS_FIELDS}
    fixed = [name for part, names in parts.items() if part not in allowed for name in names]
    return DetailsForm(request.POST or None, initial=DetailsForm.initial_of(visitor.customer), fixed=fixed)


def _check_tax_ids(visitor: Visitor) -> None:
    if "tax_id" not in offered(visitor, "customer_update")["allowed_updates"]:
        raise Http404


def _saved(request: HttpRequest, visitor: Visitor, language: str) -> HttpResponseBase:
    """The chosen language speaks at once, and stays on this machine as if the switch had been used."""
    with override(language):
        response = finished(request, visitor, gettext("Your details were saved."), reverse("portal_account"))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        secure=settings.HTTPS,
    )
    return response


def _page(request: HttpRequest, visitor: Visitor, form: DetailsForm, number_form: TaxIdForm) -> HttpResponse:
    numbers = [
        {"id": number.id, "word": tax_id_word(number.type), "value": number.value}
        for number in tax_ids(visitor.merchant.id, visitor.customer.id)
    ]
    context = {"visitor": visitor, "form": form, "number_form": number_form, "numbers": numbers, "tab": "account"}
    status = 422 if form.errors or number_form.errors else 200
    (form if form.errors else number_form).focus_first_error()
    return paper(request, "account.html", visitor.merchant, {"page_width": "wide", **context}, status=status)
