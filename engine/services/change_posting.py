"""A change as it is written, inside its caller's transaction, and how what it invoiced at once is charged after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core.context import Context
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
from engine.services.paying_first import refuse_unpayable
from engine.services.pending_updates import apply_paid_updates, drop_pending_update, hold_change
from engine.services.transitions import InvoiceNews, subscriptions_after_payment
from engine.types import ChangePlan, ChangeRequest, ChangeResult, ChangeSnapshot
from subscriptions.selectors import subscription_by_id

_PAYMENT_BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")


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


def post_request(ctx: Context, request: ChangeRequest, *, paid_by: str = "") -> Posted:
    """Plan and write the change inside the caller's transaction. `paid_by`: the intent that has paid its invoice."""
    canceled = []
    if changes_billing(request):
        canceled = _drop_what_waits(ctx, request)
    rows, subscription, snapshot = load_change(ctx.as_of, lock=True, **wanted(request))
    plan = plan_change(snapshot, request, ctx.as_of)
    check_plan(plan, snapshot.debits)
    if request.payment_behavior == "pending_if_incomplete" and is_to_be_paid(plan, snapshot):
        batch = hold_change(ctx, rows, subscription, snapshot, plan, request)
        return Posted(batch, waits=True, canceled_intents=tuple(canceled))
    charge = request.payment_behavior != "default_incomplete"
    batch = post_change(ctx, rows, subscription, plan, charge=charge, off_session=request.off_session, paid_by=paid_by)
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
    if posted.waits:
        apply_paid_updates(ctx, [request.subscription_id])
    return result


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
