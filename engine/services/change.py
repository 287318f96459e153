"""Change a running subscription: items, prices, quantities, coupons, prorated by the planner that previews use."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from engine.rules import previews
from engine.services.change_posting import checked, collected, post_request, wanted, with_coupons
from engine.services.changing import load_change
from engine.services.crediting import change_with_credits
from engine.services.paying_change_first import change_if_paid
from engine.types import ChangePreview, ChangeRequest, ChangeResult


def change_subscription(*, ctx: Context, request: ChangeRequest) -> ChangeResult:
    """Change it now. What is invoiced at once is charged after the commit.

    `payment_behavior`, when that payment fails: allow_incomplete changes all the same (past_due); default_incomplete
    tries none; pending_if_incomplete applies the change only once it is paid; error_if_incomplete is paid before
    anything is written, and raises (`engine.services.paying_change_first`).
    Scheduled ends are `engine.services.update`'s. Raises `SubscriptionNotFound`, `PaymentMethodNotFound`,
    `CouponFullyRedeemed`, `PendingUpdateUnsupported`, `NothingToPayWith` and what `plan_change` refuses; then nothing
    was written.
    """
    request = checked(request)
    if request.payment_behavior == "error_if_incomplete":
        return change_if_paid(ctx, request)
    with transaction.atomic(durable=True):
        posted = post_request(ctx, request)
    return collected(ctx, posted, request)


def preview_change(*, ctx: Context, request: ChangeRequest) -> ChangePreview:
    """What the change would cost, by the same planner, after credits and balance. Nothing is written or locked."""
    request = with_coupons(request)
    _, _, snapshot = load_change(ctx.as_of, lock=False, **wanted(request))
    shown = previews.preview_change(snapshot, request, ctx.as_of)
    return change_with_credits(ctx=ctx, shown=shown, customer_id=snapshot.renewal.customer.id)
