"""The portal's door and its first page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.selectors import payment_methods
from invoicing.selectors import invoices
from merchants.models import Merchant
from portal.agreements import agreements_of
from portal.views.sign_in import accounts_of
from portal.views.visitor import Visitor, context_of, paper, signed_in, visitor_of
from portal.wording import expiry_words, method_words


@require_GET
@never_cache
def home(request: HttpRequest) -> HttpResponseBase:
    """A subscriber's overview; others go to the sign-in of the only merchant, or learn where their link is."""
    if visitor_of(request) is not None:
        return overview(request)
    only = _only_merchant()
    if only is not None:
        return redirect("portal_login", only)
    return paper(request, "which_merchant.html", None, {"page_width": "narrow"})


@signed_in
def overview(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Subscriptions with what comes next, what is unpaid, and what pays."""
    customer = visitor.customer
    mine = invoices(visitor.merchant.id).filter(customer_id=customer.id).exclude(status="draft")
    methods = payment_methods(visitor.merchant.id, customer.id)
    default = next((method for method in methods if method.id == customer.default_payment_method_id), None)
    context = {
        "visitor": visitor,
        "accounts": accounts_of(visitor),
        "agreements": agreements_of(visitor.merchant.id, customer.id),
        "unpaid": list(mine.filter(status="open", amount_remaining__gt=0)[:5]),
        "recent": list(mine[:5]),
        "default_method": method_words(default) if default else "",
        "credit": -customer.balance,
        "default_expiry": expiry_words(default, context_of(request, customer).as_of) if default else "",
        "tab": "overview",
    }
    return paper(request, "overview.html", visitor.merchant, {"page_width": "wide", **context})


def _only_merchant() -> str | None:
    """The one merchant of this installation, sandboxes aside; None tells nothing of how many there are."""
    live = list(Merchant.objects.filter(livemode=True).values_list("id", flat=True)[:2])
    if not live:
        live = list(Merchant.objects.filter(parent__isnull=True).values_list("id", flat=True)[:2])
    return live[0] if len(live) == 1 else None
