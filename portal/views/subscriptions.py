"""One subscription: what it is, changing its plan after seeing the cost, ending it and taking that back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.context import Context
from core.errors import OstinatoError
from engine.services.cancel import cancel_subscription, schedule_cancel, undo_cancel
from engine.services.change import change_subscription, preview_change
from engine.services.upcoming import preview_upcoming
from engine.types import ChangePreview, ChangeRequest, ItemChange
from invoicing.selectors import invoices
from portal.agreements import Agreement, agreement_of
from portal.forms.account import CancelForm
from portal.forms.change import ChangeForm
from portal.plans import offered_plans, plans_for
from portal.views.visitor import Visitor, context_of, error_text, offered, paper, show_error, signed_in
from subscriptions.models import Subscription, SubscriptionItem
from subscriptions.selectors import SubscriptionNotFound, subscription_by_id

# How long a previewed price may be confirmed as it was shown.
PREVIEW_HOLDS = timedelta(minutes=30)


@require_GET
@signed_in
def detail(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponse:
    subscription, agreement = _own(visitor, subscription_id)
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
        "invoices": list(mine[:12]),
        "tab": "overview",
    }
    return paper(request, "subscription.html", visitor.merchant, {"page_width": "wide", **context})


@require_http_methods(["GET", "POST"])
@signed_in
def change(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponse:
    """Choose, see what it costs, confirm. The confirmation carries the instant of the preview, so both agree."""
    update = offered(visitor, "subscription_update")
    subscription, agreement = _own(visitor, subscription_id)
    item = _changeable_item(subscription, agreement, request)
    taken = {other.price_id for other in subscription.items.all()}
    plans = offered_plans(plans_for(visitor.merchant.id, item, taken), update)
    form = ChangeForm(
        request.POST or None,
        plans=plans,
        fixed_quantity="quantity" not in update["default_allowed_updates"],
        initial={"price": item.price_id, "quantity": item.quantity},
    )
    context = {"subscription": subscription, "agreement": agreement, "item": item, "form": form}
    status = 200
    if request.method == "POST":
        try:
            done = _change_or_preview(request, visitor, subscription, item, form, context)
        except OstinatoError as refused:
            show_error(form, refused)
            done = None
        if done is not None:
            return done
        status = 422 if form.errors else 200
    shown = {"page_width": "wide", "visitor": visitor, "tab": "overview", **context}
    return paper(request, "change.html", visitor.merchant, shown, status=status)


@require_http_methods(["GET", "POST"])
@signed_in
def cancel(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponse:
    """End at the period's end (or at once, by the portal's configuration), with a reason if they care to give one."""
    feature = offered(visitor, "subscription_cancel")
    _subscription, agreement = _own(visitor, subscription_id)
    if agreement.is_over or agreement.is_ending:
        return redirect("portal_subscription", subscription_id)
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
            messages.success(request, gettext("Your subscription has ended.") if at_once else said)
            return redirect("portal_subscription", subscription_id)
    context = {"visitor": visitor, "agreement": agreement, "form": form, "at_once": at_once, "tab": "overview"}
    return paper(request, "cancel.html", visitor.merchant, context, status=422 if form.errors else 200)


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
    _own(visitor, subscription_id)
    try:
        undo_cancel(
            ctx=context_of(request, visitor.customer),
            merchant_id=visitor.merchant.id,
            subscription_id=subscription_id,
        )
    except OstinatoError as refused:
        messages.error(request, error_text(refused))
    else:
        messages.success(request, gettext("Welcome back: your subscription goes on."))
    return redirect("portal_subscription", subscription_id)


def _own(visitor: Visitor, subscription_id: str) -> tuple[Subscription, Agreement]:
    """The visitor's own subscription; anybody else's does not exist."""
    try:
        subscription = subscription_by_id(visitor.merchant.id, subscription_id)
    except SubscriptionNotFound as missing:
        raise Http404 from missing
    if subscription.customer_id != visitor.customer.id:
        raise Http404
    return subscription, agreement_of(subscription, list(subscription.items.all()))


def _changeable_item(subscription: Subscription, agreement: Agreement, request: HttpRequest) -> SubscriptionItem:
    wanted = request.GET.get("item", "")
    items = [item for item in subscription.items.all() if wanted in ("", item.id)]
    if not items or not agreement.can_change:
        raise Http404
    return items[0]


def _change_or_preview(
    request: HttpRequest,
    visitor: Visitor,
    subscription: Subscription,
    item: SubscriptionItem,
    form: ChangeForm,
    context: dict[str, object],
) -> HttpResponse | None:
    """Do it when confirmed, else put the preview into `context`. Raises what the planner refuses."""
    if not form.is_valid():
        return None
    price_id, quantity = form.cleaned_data["price"], form.cleaned_data["quantity"]
    if (price_id, quantity) == (item.price_id, item.quantity):
        form.add_error(None, gettext("That is what you have already."))
        return None
    ctx = context_of(request, visitor.customer)
    at = _held(form.cleaned_data.get("at"), ctx) if "confirm" in request.POST else None
    wanted = ChangeRequest(
        merchant_id=visitor.merchant.id,
        subscription_id=subscription.id,
        items=(ItemChange(item_id=item.id, price_id=price_id, quantity=quantity),),
        proration_behavior=visitor.may["subscription_update"]["proration_behavior"],
        proration_date=at or ctx.as_of,
    )
    if at is not None:
        return _confirm(request, ctx, wanted)
    preview: ChangePreview = preview_change(ctx=ctx, request=wanted)
    chosen = next(plan for plan in form.plans if plan.price_id == price_id)
    context.update(preview=preview, at=ctx.as_of, chosen=chosen, quantity=quantity)
    return None


def _held(at: datetime | None, ctx: Context) -> datetime | None:
    """The previewed instant while its price holds; after that there is a new preview."""
    return at if at is not None and ctx.as_of - PREVIEW_HOLDS <= at <= ctx.as_of else None


def _confirm(request: HttpRequest, ctx: Context, wanted: ChangeRequest) -> HttpResponse:
    result = change_subscription(ctx=ctx, request=wanted)
    payment = result.payment
    if payment is not None and payment.status in ("requires_action", "declined", "no_payment_method"):
        messages.warning(request, gettext("Your plan was changed. Its invoice still has to be paid."))
        token = invoices(wanted.merchant_id).values_list("hosted_token", flat=True).get(id=payment.invoice_id)
        return redirect("hosted_invoice", token)
    messages.success(request, gettext("Your plan was changed."))
    return redirect("portal_subscription", wanted.subscription_id)
