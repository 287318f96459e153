"""A visit for one thing only (Stripe's portal flows): where it begins, and where it ends."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from portal.views.visitor import SESSION_KEY, Visitor, leave_for, paper, signed_in

Flow = dict[str, Any]


def start_of(flow: Flow) -> str:
    """The page that the visit begins with."""
    kind = flow["type"]
    if kind == "customer_update":
        return reverse("portal_account")
    if kind == "payment_method_update":
        return reverse("portal_add_payment_method")
    names = {
        "subscription_cancel": "portal_cancel",
        "subscription_update": "portal_change",
        "subscription_update_confirm": "portal_change_confirm",
    }
    return reverse(names[kind], args=[flow[kind]["subscription"]])


def finished(request: HttpRequest, visitor: Visitor, words: str, otherwise: str) -> HttpResponseBase:
    """What was to be done is done: say so, and go where the flow says, or `otherwise` (an address) without one."""
    flow = visitor.flow
    if flow is None:
        messages.success(request, words)
        return redirect(otherwise)
    kept = request.session[SESSION_KEY]
    after = flow["after_completion"]
    if after["type"] == "hosted_confirmation":
        request.session[SESSION_KEY] = kept | {"flow": flow | {"done": words}}
        return redirect("portal_flow_done")
    request.session[SESSION_KEY] = kept | {"flow": None}
    if after["type"] == "redirect":
        return leave_for(request, visitor.merchant, after["redirect"]["return_url"])
    messages.success(request, words)
    return redirect("portal_home")


@require_GET
@signed_in
def done(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What the visit was for is done: the merchant's own words, and the way back."""
    flow = visitor.flow
    if flow is None or "done" not in flow:
        return redirect("portal_home")
    message = flow["after_completion"]["hosted_confirmation"]["custom_message"]
    context = {"visitor": visitor, "words": flow["done"], "message": message, "page_width": "narrow"}
    return paper(request, "flow_done.html", visitor.merchant, context)


@require_POST
@signed_in
def leave(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """From the confirmation into the portal: the visit is an ordinary one from here."""
    request.session[SESSION_KEY] = request.session[SESSION_KEY] | {"flow": None}
    return redirect("portal_home")
