"""Another plan or quantity for an item of a subscription: chosen here, or ready to be confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from catalog.models import Price
from catalog.selectors import prices
from core.context import Context
from core.errors import OstinatoError
from engine.services.change import change_subscription, preview_change
from engine.services.period_end_changes import change_at_period_end, undo_change_at_period_end
from engine.types import ChangeRequest, DiscountRequest, ItemChange
from invoicing.selectors import invoices
from portal.agreements import Agreement
from portal.discounts import with_standing
from portal.forms.change import ChangeForm, ConfirmForm
from portal.plans import Plan, offered_plans, plan_of, plans_for
from portal.views.flows import finished
from portal.views.subscriptions import own, taken_back
from portal.views.visitor import Visitor, context_of, error_text, offered, paper, show_error, signed_in
from subscriptions.facts import price_facts
from subscriptions.models import Subscription, SubscriptionItem
from subscriptions.rules.amounts import line_amount
from subscriptions.rules.portal_features import Terms, quantity_bounds, waits_for_period_end

# How long a previewed price may be confirmed as it was shown.
PREVIEW_HOLDS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscriber wants an item to be. `discounts`: None leaves what stands."""

    subscription: Subscription
    item: SubscriptionItem
    price: Price
    quantity: int
    discounts: tuple[DiscountRequest, ...] | None = None


@require_http_methods(["GET", "POST"])
@signed_in
def change(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponseBase:
    """Choose, see what it costs, confirm. The confirmation carries the instant of the preview, so both agree."""
    update = offered(visitor, "subscription_update")
    subscription, agreement = own(visitor, subscription_id)
    item = _changeable_item(subscription, agreement, request.GET.get("item", ""))
    taken = {other.price_id for other in subscription.items.all()}
    form = ChangeForm(
        request.POST or None,
        plans=offered_plans(plans_for(visitor.merchant.id, item, taken), update),
        bounds_of=lambda price_id: quantity_bounds(update, price_id),
        quantity_now=item.quantity,
        fixed_quantity="quantity" not in update["default_allowed_updates"],
        initial={"price": item.price_id, "quantity": item.quantity},
    )
    context = {"subscription": subscription, "agreement": agreement, "item": item, "form": form}
    if request.method == "POST":
        try:
            answer = _chosen(request, visitor, subscription, item, form, context)
        except OstinatoError as refused:
            show_error(form, refused)
            answer = None
        if answer is not None:
            return answer
    shown = {"page_width": "wide", "visitor": visitor, "tab": "overview", **context}
    return paper(request, "change.html", visitor.merchant, shown, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@signed_in
def confirm(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponseBase:
    """A change that the merchant's page prepared: what it costs, and one button."""
    offered(visitor, "subscription_update")
    told = (visitor.flow or {}).get("subscription_update_confirm")
    if told is None or told["subscription"] != subscription_id:
        raise Http404
    subscription, agreement = own(visitor, subscription_id)
    wish = _told_wish(visitor, subscription, agreement, told)
    ctx = context_of(request, visitor.customer)
    form = ConfirmForm(request.POST or None)
    context: dict[str, Any] = {"agreement": agreement, "form": form, "visitor": visitor, "page_width": "wide"}
    try:
        if request.method == "POST" and form.is_valid():
            at = _held(form.cleaned_data.get("at"), ctx)
            if at is not None:
                return _confirmed(request, visitor, ctx, wish, at)
        context |= _preview(visitor, ctx, wish)
    except OstinatoError as refused:
        context["refused"] = error_text(refused)
    return paper(
        request,
        "flow_confirm.html",
        visitor.merchant,
        context | {"chosen": plan_of(wish.price, wish.item), "quantity": wish.quantity},
        status=422 if "refused" in context else 200,
    )


@require_POST
@signed_in
def keep_plan(request: HttpRequest, visitor: Visitor, subscription_id: str) -> HttpResponse:
    """Take back a change that waits for the period's end."""
    offered(visitor, "subscription_update")
    own(visitor, subscription_id)
    return taken_back(
        request, visitor, subscription_id, undo_change_at_period_end, gettext("Your plan stays as it is.")
    )


def _changeable_item(subscription: Subscription, agreement: Agreement, wanted: str) -> SubscriptionItem:
    items = [item for item in subscription.items.all() if wanted in ("", item.id)]
    if not items or not agreement.can_change:
        raise Http404
    return items[0]


def _told_wish(visitor: Visitor, subscription: Subscription, agreement: Agreement, told: dict[str, Any]) -> Wish:
    """What the flow says, on what there is by now."""
    [wanted] = told["items"]
    item = _changeable_item(subscription, agreement, wanted["id"])
    price = prices(visitor.merchant.id).filter(id=wanted["price"]).first()
    if price is None:
        raise Http404
    other = price.id != item.price_id
    quantity = wanted["quantity"] or (1 if other else item.quantity)
    discounts = with_standing(visitor.merchant.id, subscription.id, told["discounts"] or ())
    return Wish(subscription, item, price, quantity, discounts)


def _chosen(
    request: HttpRequest,
    visitor: Visitor,
    subscription: Subscription,
    item: SubscriptionItem,
    form: ChangeForm,
    context: dict[str, Any],
) -> HttpResponseBase | None:
    """Do it when confirmed, else put the preview into `context`. Raises what the planner refuses."""
    if not form.is_valid():
        return None
    price_id, quantity = form.cleaned_data["price"], form.cleaned_data["quantity"]
    if (price_id, quantity) == (item.price_id, item.quantity):
        form.add_error(None, gettext("That is what you have already."))
        return None
    wish = Wish(subscription, item, prices(visitor.merchant.id).get(id=price_id), quantity)
    ctx = context_of(request, visitor.customer)
    at = _held(form.cleaned_data.get("at"), ctx) if "confirm" in request.POST else None
    if at is not None:
        return _confirmed(request, visitor, ctx, wish, at)
    chosen: Plan = next(plan for plan in form.plans if plan.price_id == price_id)
    context.update(_preview(visitor, ctx, wish), chosen=chosen, quantity=quantity)
    return None


def _preview(visitor: Visitor, ctx: Context, wish: Wish) -> dict[str, Any]:
    """What the change costs, or from when on it counts."""
    if _waits(visitor, wish):
        currency = wish.subscription.currency
        told = {"from_at": wish.item.current_period_end, "will_cost": _terms(wish).amount, "currency": currency}
        return {"at": ctx.as_of, **told}
    return {"at": ctx.as_of, "preview": preview_change(ctx=ctx, request=_request(visitor, wish, ctx.as_of))}


def _waits(visitor: Visitor, wish: Wish) -> bool:
    """Whether the change is one that this portal keeps for the period's end. A trial's end is no such end."""
    conditions = visitor.may["subscription_update"]["schedule_at_period_end"]["conditions"]
    if not conditions or wish.subscription.status == "trialing":
        return False
    now = Wish(wish.subscription, wish.item, wish.item.price, wish.item.quantity)
    return waits_for_period_end(conditions, _terms(now), _terms(wish))


def _terms(wish: Wish) -> Terms:
    price = wish.price
    amount = line_amount(price_facts(price, price.product), wish.quantity)
    return Terms(amount, price.interval, price.interval_count or 1)


def _request(visitor: Visitor, wish: Wish, at: datetime) -> ChangeRequest:
    update = visitor.may["subscription_update"]
    ends_trial = wish.subscription.status == "trialing" and update["trial_update_behavior"] == "end_trial"
    return ChangeRequest(
        merchant_id=visitor.merchant.id,
        subscription_id=wish.subscription.id,
        items=(ItemChange(item_id=wish.item.id, price_id=wish.price.id, quantity=wish.quantity),),
        proration_behavior=update["proration_behavior"],
        proration_date=at,
        billing_cycle_anchor=update["billing_cycle_anchor"] or "unchanged",
        trial_end="now" if ends_trial else None,
        discounts=wish.discounts,
    )


def _held(at: datetime | None, ctx: Context) -> datetime | None:
    """The previewed instant while its price holds; after that there is a new preview."""
    return at if at is not None and ctx.as_of - PREVIEW_HOLDS <= at <= ctx.as_of else None


def _confirmed(request: HttpRequest, visitor: Visitor, ctx: Context, wish: Wish, at: datetime) -> HttpResponseBase:
    back = reverse("portal_subscription", args=[wish.subscription.id])
    if _waits(visitor, wish):
        change_at_period_end(
            ctx=ctx,
            merchant_id=visitor.merchant.id,
            subscription_id=wish.subscription.id,
            old_price_id=wish.item.price_id,
            price_id=wish.price.id,
            quantity=wish.quantity,
        )
        return finished(request, visitor, gettext("Your plan will change when the period is over."), back)
    payment = change_subscription(ctx=ctx, request=_request(visitor, wish, at)).payment
    if payment is not None and payment.status in ("requires_action", "declined", "no_payment_method"):
        messages.warning(request, gettext("Your plan was changed. Its invoice still has to be paid."))
        token = invoices(visitor.merchant.id).values_list("hosted_token", flat=True).get(id=payment.invoice_id)
        return redirect("hosted_invoice", token)
    return finished(request, visitor, gettext("Your plan was changed."), back)
