"""All of a subscriber's invoices; each opens its hosted page, where it can be kept and paid."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from invoicing.selectors import invoices
from portal.views.visitor import Visitor, offered, paper, signed_in

PER_PAGE = 20


@require_GET
@signed_in
def listing(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    offered(visitor, "invoice_history")
    mine = invoices(visitor.merchant.id).filter(customer_id=visitor.customer.id).exclude(status="draft")
    page = Paginator(mine, PER_PAGE).get_page(request.GET.get("page"))
    context = {"visitor": visitor, "page": page, "tab": "invoices", "page_width": "wide"}
    return paper(request, "invoices.html", visitor.merchant, context)
