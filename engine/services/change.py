"""Change a running subscription: items, prices, quantities, coupons, prorated by the planner that previews use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction

from core.context import Context
from engine.posting.batch import Batch
from engine.rules import previews
from engine.rules.change import plan_change
from engine.rules.checks import check_plan
from engine.rules.subscribe import check_option
from engine.services.changing import load_change, post_change
from engine.services.collect import collect_invoices
from engine.services.finalize import invoice_ids_to_collect, settle_paid
from engine.services.signing import coupons_asked_for
from engine.types import ChangePreview, ChangeRequest, ChangeResult


def change_subscription(*, ctx: Context, request: ChangeRequest) -> ChangeResult:
    """Change it now. Under always_invoice what it costs is invoiced at once and charged after the commit.

    Raises `SubscriptionNotFound`, `CouponFullyRedeemed` and what `plan_change` refuses; then nothing was written.
    """
    check_option("payment_behavior", request.payment_behavior, ("allow_incomplete", "default_incomplete"))
    with transaction.atomic(durable=True):
        request = _with_our_coupons(request)
        rows, subscription, snapshot = load_change(ctx.as_of, lock=True, **_wanted(request))
        plan = plan_change(snapshot, request, ctx.as_of)
        check_plan(plan, snapshot.debits)
        batch = post_change(ctx, rows, subscription, plan)
        settle_paid(batch)
    return collect_change(ctx, batch, request.subscription_id)


def preview_change(*, ctx: Context, request: ChangeRequest) -> ChangePreview:
    """What the change would cost, by the same planner. Nothing is written or locked."""
    request = _with_our_coupons(request)
    _, _, snapshot = load_change(ctx.as_of, lock=False, **_wanted(request))
    return previews.preview_change(snapshot, request, ctx.as_of)


def collect_change(ctx: Context, batch: Batch, subscription_id: str) -> ChangeResult:
    """Charge what was invoiced at once, outside any transaction."""
    invoice_id = next(iter(batch.new_invoices), "")
    due = invoice_ids_to_collect(batch)
    outcomes = collect_invoices(ctx=ctx, invoice_ids=due) if due else []
    return ChangeResult(subscription_id, invoice_id, outcomes[0] if outcomes else None)


def _wanted(request: ChangeRequest) -> dict[str, Any]:
    return {
        "merchant_id": request.merchant_id,
        "subscription_id": request.subscription_id,
        "price_ids": [change.price_id for change in request.items if change.price_id],
        "tax_rate_ids": [rate for change in request.items for rate in change.tax_rate_ids],
        "coupon_ids": request.coupon_ids or (),
    }


def _with_our_coupons(request: ChangeRequest) -> ChangeRequest:
    """Our coupon ids in the place of those that API clients chose."""
    if not request.coupon_ids:
        return request
    _, ids = coupons_asked_for(request.merchant_id, request.coupon_ids)
    return replace(request, coupon_ids=tuple(ids.get(given, given) for given in request.coupon_ids))
