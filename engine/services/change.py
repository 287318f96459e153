"""Change a running subscription: items, prices, quantities, coupons, prorated by the planner that previews use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.selectors import payment_method_by_id
from engine.posting.batch import Batch
from engine.rules import previews
from engine.rules.change import changes_billing, plan_change
from engine.rules.checks import check_plan
from engine.rules.pending_updates import check_may_wait
from engine.rules.subscribe import check_option
from engine.services.changing import load_change, post_change
from engine.services.collect import cancel_at_gateway, collect_invoices
from engine.services.finalize import invoice_ids_to_collect, settle_paid
from engine.services.offers import with_our_coupons
from engine.services.paying_first import NothingToPayWith, PaymentOutcomeUnknown, refuse_unpayable
from engine.services.pending_updates import apply_paid_updates, drop_pending_update, hold_change
from engine.services.transitions import InvoiceNews, subscriptions_after_payment
from engine.types import ChangePlan, ChangePreview, ChangeRequest, ChangeResult, ChangeSnapshot
from subscriptions.selectors import subscription_by_id

_PAYMENT_BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")


class ChangePaymentFailed(OstinatoError):
    code = "card_declined"
    param = "default_payment_method"
    message_id = gettext_noop("The payment failed, so nothing was changed. %(reason)s")


class ChangeNeedsAuthentication(OstinatoError):
    code = "subscription_payment_intent_requires_action"
    param = "default_payment_method"
    message_id = gettext_noop("The customer has to authenticate this payment: nothing was changed.")


def change_subscription(*, ctx: Context, request: ChangeRequest) -> ChangeResult:
    """Change it now. What is invoiced at once is charged after the commit.

    `payment_behavior`, when that payment fails: allow_incomplete changes all the same (past_due); default_incomplete
    tries none; pending_if_incomplete applies the change only once it is paid; error_if_incomplete raises.
    Scheduled ends are `engine.services.update`'s. Raises `SubscriptionNotFound`, `PaymentMethodNotFound`,
    `CouponFullyRedeemed`, `PendingUpdateUnsupported` and what `plan_change` refuses; then nothing was written.
    Raises `ChangePaymentFailed`, `ChangeNeedsAuthentication`, `NothingToPayWith`, `PaymentOutcomeUnknown`.
    """
    request = checked(request)
    with transaction.atomic(durable=True):
        posted = post_request(ctx, request)
    return collected(ctx, posted, request)


@dataclass(frozen=True, slots=True)
class Posted:
    """A change as written. `waits`: only its invoice was, and the change applies if that is paid."""

    batch: Batch
    waits: bool = False
    canceled_intents: tuple[str, ...] = ()


def checked(request: ChangeRequest) -> ChangeRequest:
    """The request with our coupon ids. Raises `UnknownOption`, `PendingUpdateUnsupported`, `PaymentMethodNotFound`."""
    check_option("payment_behavior", request.payment_behavior, _PAYMENT_BEHAVIORS)
    if request.payment_behavior == "pending_if_incomplete":
        check_may_wait(request)
    if request.default_payment_method_id:
        owner = subscription_by_id(request.merchant_id, request.subscription_id).customer_id
        payment_method_by_id(request.merchant_id, owner, request.default_payment_method_id)
    return with_coupons(request)


def post_request(ctx: Context, request: ChangeRequest) -> Posted:
    """Plan and write the change inside the caller's transaction."""
    canceled = []
    if changes_billing(request):
        canceled = _drop_what_waits(ctx, request)
    rows, subscription, snapshot = load_change(ctx.as_of, lock=True, **wanted(request))
    plan = plan_change(snapshot, request, ctx.as_of)
    check_plan(plan, snapshot.debits)
    if _is_paid_first(request, plan, snapshot):
        batch = hold_change(ctx, rows, subscription, snapshot, plan, request)
        return Posted(batch, waits=True, canceled_intents=tuple(canceled))
    charge = request.payment_behavior != "default_incomplete"
    batch = post_change(ctx, rows, subscription, plan, charge=charge, off_session=request.off_session)
    if request.payment_behavior == "allow_incomplete":
        refuse_unpayable(batch)
    settle_paid(batch)
    if not charge:
        # Its invoice is open and nobody was asked to pay it yet: Stripe calls that past due.
        unpaid = [InvoiceNews(intent.invoice_id, subscription.id, "failed") for intent in batch.intents]
        subscriptions_after_payment(ctx, unpaid)
    return Posted(batch, canceled_intents=tuple(canceled))


def collected(ctx: Context, posted: Posted, request: ChangeRequest) -> ChangeResult:
    """Charge what was invoiced at once, outside any transaction; apply a change that waited for it."""
    if posted.canceled_intents:
        cancel_at_gateway(ctx, posted.canceled_intents)
    if request.payment_behavior == "default_incomplete":
        return ChangeResult(request.subscription_id, next(iter(posted.batch.new_invoices), ""), None)
    result = collect_change(ctx, posted.batch, request.subscription_id)
    if not posted.waits:
        return result
    applied = apply_paid_updates(ctx, [request.subscription_id])
    if not applied and request.payment_behavior == "error_if_incomplete":
        _give_up(ctx, request, result)
    return result


def _give_up(ctx: Context, request: ChangeRequest, result: ChangeResult) -> None:
    """error_if_incomplete: without its payment the change is forgotten, and its invoice voided."""
    status = result.payment.status if result.payment else "no_payment_method"
    if status in ("unknown", "processing"):
        raise PaymentOutcomeUnknown  # it applies when the money comes, and lapses when it does not
    with transaction.atomic(durable=True):
        canceled = drop_pending_update(ctx, request.subscription_id)
    cancel_at_gateway(ctx, canceled)
    if status == "requires_action":
        raise ChangeNeedsAuthentication
    if status == "no_payment_method" or result.payment is None:
        raise NothingToPayWith
    raise ChangePaymentFailed(reason=result.payment.message, decline_code=result.payment.decline_code)


def _is_paid_first(request: ChangeRequest, plan: ChangePlan, snapshot: ChangeSnapshot) -> bool:
    return request.payment_behavior in ("pending_if_incomplete", "error_if_incomplete") and is_to_be_paid(
        plan, snapshot
    )


def is_to_be_paid(plan: ChangePlan, snapshot: ChangeSnapshot) -> bool:
    """Whether the plan charges something at once."""
    renewal = snapshot.renewal
    charged = [invoice for invoice in plan.invoices if invoice.collection_method == "charge_automatically"]
    shown = [previews.preview_invoice(invoice, renewal.customer, renewal.settings) for invoice in charged]
    return any(invoice.amount_due > 0 for invoice in shown)


def _drop_what_waits(ctx: Context, request: ChangeRequest) -> list[str]:
    """A new change takes the place of one that waits to be paid."""
    waiting = subscription_by_id(request.merchant_id, request.subscription_id)
    if waiting.pending_update_expires_at is None:
        return []
    return drop_pending_update(ctx, request.subscription_id)


def preview_change(*, ctx: Context, request: ChangeRequest) -> ChangePreview:
    """What the change would cost, by the same planner. Nothing is written or locked."""
    request = with_coupons(request)
    _, _, snapshot = load_change(ctx.as_of, lock=False, **wanted(request))
    return previews.preview_change(snapshot, request, ctx.as_of)


def collect_change(ctx: Context, batch: Batch, subscription_id: str) -> ChangeResult:
    """Charge what was invoiced at once, outside any transaction."""
    invoice_id = next(iter(batch.new_invoices), "")
    due = invoice_ids_to_collect(batch)
    outcomes = collect_invoices(ctx=ctx, invoice_ids=due) if due else []
    return ChangeResult(subscription_id, invoice_id, outcomes[0] if outcomes else None)


def wanted(request: ChangeRequest) -> dict[str, Any]:
    return {
        "merchant_id": request.merchant_id,
        "subscription_id": request.subscription_id,
        "price_ids": request.price_ids,
        "tax_rate_ids": request.tax_rate_ids,
        "discounts": request.discounts_asked,
    }


def with_coupons(request: ChangeRequest) -> ChangeRequest:
    """Our coupon ids in the place of those that API clients chose."""
    coupon_ids, discounts = with_our_coupons(request.merchant_id, request.coupon_ids or (), request.discounts)
    return replace(request, coupon_ids=None if request.coupon_ids is None else coupon_ids, discounts=discounts)
