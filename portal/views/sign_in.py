"""In and out of the portal: an e-mailed link that works once, and the same answer whoever asks for one."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core.ids import hash_secret
from customers.models import Customer
from customers.selectors import customers_by_email
from merchants.models import Merchant
from notifications.services import send_portal_link
from portal.forms.account import AskForLinkForm
from portal.links import portal_link_url
from portal.views.flows import start_of
from portal.views.visitor import Visitor, context_of, error_text, paper, sign_in, sign_out, signed_in
from subscriptions.models import PortalConfiguration
from subscriptions.services.portal_configurations import portal_of
from subscriptions.services.portal_sessions import PortalLinkSpent, open_portal_session, use_portal_session

# A mailbox gets at most so many links in a quarter of an hour, an address on the network may ask for so many.
LINKS_PER_MAILBOX = 3
LINKS_PER_VISITOR = 20
WINDOW_SECONDS = 15 * 60


@require_http_methods(["GET", "POST"])
@never_cache
def ask(request: HttpRequest, merchant_id: str) -> HttpResponse:
    """Ask for a link. The answer never tells whether somebody has that address."""
    return _asked(request, _merchant(merchant_id), None)


@require_http_methods(["GET", "POST"])
@never_cache
def ask_configured(request: HttpRequest, configuration_id: str) -> HttpResponse:
    """The same at the address of one portal configuration (Stripe's `login_page`): its link leads into that portal."""
    rows = PortalConfiguration.objects.filter(id=configuration_id, login_page=True, active=True)
    portal = rows.select_related("merchant").first()
    if portal is None:
        raise Http404
    return _asked(request, portal.merchant, portal)


def _asked(request: HttpRequest, merchant: Merchant, portal: PortalConfiguration | None) -> HttpResponse:
    form = AskForLinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        if _may_ask(request, merchant, email):
            _send(request, merchant, email, portal)
        return paper(request, "login_sent.html", merchant, {"email": email, "page_width": "narrow"})
    status = 422 if form.is_bound else 200
    return paper(request, "login.html", merchant, {"form": form, "page_width": "narrow"}, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
def use_link(request: HttpRequest, merchant_id: str, token: str) -> HttpResponse:
    """GET only shows a button, since mail scanners open links; POST spends the link."""
    merchant = _merchant(merchant_id)
    if request.method != "POST":
        return paper(request, "link.html", merchant, {"page_width": "narrow"})
    try:
        session = use_portal_session(ctx=context_of(request), merchant_id=merchant.id, token=token)
    except PortalLinkSpent as spent:
        context = {"reason": error_text(spent), "page_width": "narrow"}
        return paper(request, "link_spent.html", merchant, context, status=410)
    sign_in(
        request,
        session.customer,
        proven_email=session.customer.email,
        configuration_id=session.configuration_id,
        return_url=session.return_url,
        locale=session.locale,
        flow=session.flow,
    )
    return redirect(start_of(session.flow) if session.flow else reverse("portal_home"))


@require_POST
@signed_in
def leave(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    sign_out(request)
    return redirect("portal_login", visitor.merchant.id)


@require_POST
@signed_in
def switch(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """To another account of the same proven mailbox at the same merchant."""
    wanted = request.POST.get("customer", "")
    for customer in accounts_of(visitor):
        if customer.id == wanted:
            sign_in(
                request,
                customer,
                proven_email=visitor.proven_email,
                configuration_id=visitor.portal.id or "",
                return_url=visitor.return_url,
                locale=visitor.locale,
            )
            return redirect("portal_home")
    raise Http404


def accounts_of(visitor: Visitor) -> list[Customer]:
    """All accounts that the visitor's proven mailbox opens here; without proof the visitor's own alone."""
    if not visitor.proven_email:
        return [visitor.customer]
    return customers_by_email(visitor.merchant.id, visitor.proven_email)


def _merchant(merchant_id: str) -> Merchant:
    merchant = Merchant.objects.filter(id=merchant_id).first()
    if merchant is None:
        raise Http404
    return merchant


def _send(request: HttpRequest, merchant: Merchant, email: str, portal: PortalConfiguration | None) -> None:
    """One link, for the account that lives: the others can be switched to once inside."""
    found = customers_by_email(merchant.id, email)
    if not found:
        return
    alive = [customer for customer in found if customer.subscriptions.exclude(status__in=_OVER).exists()]
    customer = (alive or found)[0]
    ctx = context_of(request, customer)
    with transaction.atomic():
        _row, token = open_portal_session(
            ctx=ctx,
            merchant_id=merchant.id,
            customer_id=customer.id,
            configuration_id=portal.id if portal else "",
            return_url=portal_of(merchant.id, portal.id if portal else "").default_return_url,
        )
        url = portal_link_url(merchant.id, token)
        send_portal_link(ctx=ctx, merchant_id=merchant.id, customer_id=customer.id, url=url)


_OVER = ("canceled", "incomplete_expired", "incomplete")


def _may_ask(request: HttpRequest, merchant: Merchant, email: str) -> bool:
    """Counted in the cache's table, so that it holds over all web processes. Silent: the page is the same."""
    visitor = get_adapter(request).get_client_ip(request)
    mailbox = hash_secret(f"{merchant.id}:{email.strip().lower()}")
    return (
        _count(f"portal-link:{mailbox}") <= LINKS_PER_MAILBOX and _count(f"portal-link:{visitor}") <= LINKS_PER_VISITOR
    )


def _count(key: str) -> int:
    cache.add(key, 0, timeout=WINDOW_SECONDS)
    try:
        return int(cache.incr(key))
    except ValueError:  # it lapsed between the two lines
        return 1
