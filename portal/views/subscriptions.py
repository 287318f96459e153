"""One subscription: what it is, changing its plan after seeing the cost, ending it and taking that back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from catalog.models import Coupon
from core.errors import OstinatoError
from engine.services.cancel import cancel_subscription, schedule_cancel, undo_cancel
from engine.services.change import change_subscription
from engine.services.period_end_changes import scheduled_change
from engine.services.upcoming import preview_upcoming
from engine.types import ChangeRequest
from invoicing.selectors import invoices
from portal.agreements import Agreement, agreement_of, coming_plan
from portal.discounts import coupon_called, with_standing
from portal.forms.account import CancelForm
from portal.views.flows import finished
from portal.views.visitor import Visitor, context_of, error_text, offered, paper, show_error, signed_in
from portal.wording import offer_words
from subscriptions.models import Subscription
from subscriptions.selectors import SubscriptionNotFound, subscription_by_id


@require_GET
@signed_in
def detail(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponse:
    subscription, agreement = own(visitor, subscription_id)
    upcoming = None
    if not agreement.is_over:
        ctx = context_of(request, visitor.customer)
        upcoming = preview_upcoming(ctx=ctx, merchant_id=visitor.merchant.id, subscription_id=subscription.id)
    mine = invoices(visitor.merchant.id).filter(subscription_id=subscription.id).exclude(status="draft")
    context = {
        "visitor": visitor,
        "subscription": subscription,
        "agreement": agreement,
        "items": list(subscription.items.all()),
        "upcoming_at": upcoming[0] if upcoming else None,
        "upcoming": upcoming[1] if upcoming else None,
        "coming": coming_plan(scheduled_change(visitor.merchant.id, subscription.schedule_id)),
        "invoices": list(mine[:12]),
        "tab": "overview",
    }
    return paper(request, "subscription.html", visitor.merchant, {"page_width": "wide", **context})


@require_http_methods(["GET", "POST"])
@signed_in
def cancel(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponseBase:
    """End at the period's end (or at once, by the portal's configuration), with a reason if they care to give one."""
    feature = offered(visitor, "subscription_cancel")
    subscription, agreement = own(visitor, subscription_id)
    if agreement.is_over or agreement.is_ending:
        return redirect("portal_subscription", subscription_id)
    coupon = offer_to_stay(visitor, subscription_id)
    if coupon is not None and "stay" in request.POST:
        return _stay(request, visitor, subscription, coupon)
    reason = feature["cancellation_reason"]
    form = CancelForm(request.POST or None, reasons=reason["options"] if reason["enabled"] else [])
    at_once = feature["mode"] == "immediately"
    if request.method == "POST" and form.is_valid():
        try:
            _end(request, visitor, subscription_id, feature, form)
        except OstinatoError as refused:
            show_error(form, refused)
        else:
            said = gettext("Your subscription will end as you asked. You can change your mind until then.")
            words = gettext("Your subscription has ended.") if at_once else said
            return finished(request, visitor, words, reverse("portal_subscription", args=[subscription_id]))
    context = {"visitor": visitor, "agreement": agreement, "form": form, "at_once": at_once, "tab": "overview"}
    context["offer"] = offer_words(coupon) if coupon else ""
    return paper(request, "cancel.html", visitor.merchant, context, status=422 if form.errors else 200)


def offer_to_stay(visitor: Visitor, subscription_id: str) -> Coupon | None:
    """The coupon that a visit for canceling this subscription offers first, while it can still be had."""
    flow = visitor.flow or {}
    told = flow.get("subscription_cancel")
    if "done" in flow or told is None or told["subscription"] != subscription_id or not told["retention"]:
        return None
    return coupon_called(visitor.merchant.id, told["retention"]["coupon_offer"]["coupon"])


def _stay(request: HttpRequest, visitor: Visitor, subscription: Subscription, coupon: Coupon) -> HttpResponseBase:
    """The offer is taken: the coupon joins what stands, and nothing ends."""
    offered_now = with_standing(visitor.merchant.id, subscription.id, [{"coupon": coupon.id}])
    try:
        change_subscription(
            ctx=context_of(request, visitor.customer),
            request=ChangeRequest(
                merchant_id=visitor.merchant.id,
                subscription_id=subscription.id,
                proration_behavior="none",
                discounts=offered_now,
            ),
        )
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
        return redirect("portal_cancel", subscription.id)
    words = gettext("Thank you for staying: your discount counts from the next invoice on.")
    return finished(request, visitor, words, reverse("portal_subscription", args=[subscription.id]))


def _end(
    request: HttpRequest, visitor: Visitor, subscription_id: str, feature: Mapping[str, Any], form: CancelForm
) -> None:
    """As the portal's configuration has it. Raises what canceling refuses."""
    words = {name: form.cleaned_data.get(name, "") for name in ("feedback", "comment")}
    ctx, merchant_id = context_of(request, visitor.customer), visitor.merchant.id
    if feature["mode"] == "immediately":
        cancel_subscription(
            ctx=ctx,
            merchant_id=merchant_id,
            subscription_id=subscription_id,
            prorate=feature["proration_behavior"] != "none",
            invoice_now=feature["proration_behavior"] == "always_invoice",
            **words,
        )
        return
    schedule_cancel(ctx=ctx, merchant_id=merchant_id, subscription_id=subscription_id, at_period_end=True, **words)


@require_POST
@signed_in
def keep(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponse:
    """Take the cancellation back."""
    own(visitor, subscription_id)
    return taken_back(
        request, visitor, subscription_id, undo_cancel, gettext("Welcome back: your subscription goes on.")
    )


def taken_back(
    request: HttpRequest, visitor: Visitor, subscription_id: str, undo: Callable[..., object], told: str
) -> HttpResponse:
    """What waits for the period's end undone, and the subscription's page with a word of it."""
    try:
        undo(
            ctx=context_of(request, visitor.customer),
            merchant_id=visitor.merchant.id,
            subscription_id=subscription_id,
        )
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
    else:
        messages.success(request, told)
    return redirect("portal_subscription", subscription_id)


def own(visitor: Visitor, subscription_id: str) -> tuple[Subscription, Agreement]:
    """The visitor's own subscription; anybody else's does not exist."""
    try:
        subscription = subscription_by_id(visitor.merchant.id, subscription_id)
    except SubscriptionNotFound as missing:
        raise Http404 from missing
    if subscription.customer_id != visitor.customer.id:
        raise Http404
    return subscription, agreement_of(subscription, list(subscription.items.all()))
