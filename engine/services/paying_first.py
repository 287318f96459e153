"""Subscribing under error_if_incomplete: the money first, and no subscription or invoice unless it came.

1. Plan the signup and commit a `PendingSubscribe` with an intent and a planned charge for what would be due.
2. Call the gateway, outside any transaction, and settle its answer.
3. Paid: create everything by the same planner, give the payment to the invoice. Declined: let go of the intent.
   Unknown: the row stays open, and `finish_pending_subscribes` goes on once the answer is known.

When money came and the signup is refused after all (a coupon's last redemption went to somebody else), it is
sent back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer
from engine.descriptors import descriptor_of_products
from engine.models import PendingSubscribe
from engine.posting.batch import Batch
from engine.rules import previews
from engine.rules.checks import check_plan
from engine.rules.requests import subscribe_request_from_json, subscribe_request_to_json
from engine.rules.subscribe import plan_subscribe
from engine.selectors import BillingRows, bodies_kept
from engine.services.collect import cancel_at_gateway, let_go_of
from engine.services.finalize import settle_paid
from engine.services.refund import refund_charge
from engine.services.sending import send
from engine.services.settlement import hold, outcome_of, settle_answers
from engine.services.signing import load_subscribe, post_subscribe, subscribe_snapshot
from engine.services.transitions import InvoiceNews, subscriptions_after_payment
from engine.types import PaymentOutcome, SubscribeRequest, SubscribeResult
from engine.writes import close_pending_subscribe, lock_pending_subscribe, open_pending_subscribe
from payments import writes as payments
from payments.models import Charge
from payments.types import IntentToPlan
from subscriptions.models import Subscription

# A signup whose worker died is taken up after this long on the wall.
ABANDONED_AFTER = timedelta(minutes=2)


class FirstPaymentFailed(OstinatoError):
    code = "card_declined"
    param = "default_payment_method"
    message_id = gettext_noop("The payment failed, so the subscription was not created. %(reason)s")


class AuthenticationNeeded(OstinatoError):
    code = "subscription_payment_intent_requires_action"
    param = "default_payment_method"
    message_id = gettext_noop("The customer has to authenticate this payment: the subscription was not created.")


class NothingToPayWith(OstinatoError):
    code = "resource_missing"
    param = "default_payment_method"
    message_id = gettext_noop(
        "This customer has no attached payment source or default payment method. Please consider adding a default"
        " payment method."
    )


def refuse_unpayable(batch: Batch) -> None:
    """Stripe's allow_incomplete allows a payment that fails, not one that nobody could make.

    Before the batch is committed. Raises `NothingToPayWith`.
    """
    for intent in batch.intents:
        if (
            batch.finalized[intent.invoice_id].collection_method == "charge_automatically"
            and not intent.payment_method_id
        ):
            raise NothingToPayWith


class PaymentOutcomeUnknown(OstinatoError):
    code = "payment_outcome_unknown"
    message_id = gettext_noop("It is not known yet whether the payment went through. Nothing will be charged twice.")


def subscribe_if_paid(ctx: Context, request: SubscribeRequest) -> SubscribeResult:
    """The subscription, active; or a named error and no subscription.

    Raises `FirstPaymentFailed`, `AuthenticationNeeded`, `NothingToPayWith`, `PaymentOutcomeUnknown`, and what
    planning refuses.
    """
    with transaction.atomic(durable=True):
        pending, charge_id = _promise(ctx, request)
    if not charge_id:
        return _complete(ctx, pending.id)
    [outcome] = settle_answers(ctx, send(ctx, [charge_id]))
    if outcome.status in ("succeeded", "processing"):
        return _complete_or_send_back(ctx, pending.id)
    if outcome.status == "unknown":
        raise PaymentOutcomeUnknown
    let_go(ctx, pending.id, charge_id)
    if outcome.status == "requires_action":
        raise AuthenticationNeeded
    raise FirstPaymentFailed(reason=outcome.message, decline_code=outcome.decline_code)


def finish_pending_subscribes(*, ctx: Context, limit: int = 100) -> int:
    """Go on with signups whose worker died or whose answer came late. Returns how many were ended either way."""
    return finish_abandoned(ctx, Q(subscription_id=""), _complete_or_send_back, limit)


def finish_abandoned(ctx: Context, kind: Q, paid: Callable[[Context, str], object], limit: int) -> int:
    """What was promised long ago and is of this kind: let go of when its payment failed, `paid` (each in its own
    time) when it went through, left while nobody knows. Returns how many were ended."""
    old = PendingSubscribe.objects.filter(kind, status="open", recorded_at__lt=ctx.recorded_at - ABANDONED_AFTER)
    ended = 0
    for pending in old.order_by("recorded_at")[:limit]:
        charge = latest_charge(pending)
        in_its_time = replace(ctx, as_of=pending.created)
        if charge is None or charge.status in ("failed", "canceled"):
            let_go(in_its_time, pending.id, charge.id if charge else "")
        elif charge.status in ("succeeded", "processing"):
            paid(in_its_time, pending.id)
        else:
            continue
        ended += 1
    return ended


def _promise(ctx: Context, request: SubscribeRequest) -> tuple[PendingSubscribe, str]:
    """The row and, when something is due at once, its planned charge: (row, charge id or blank)."""
    rows = load_subscribe(request, lock=True)
    # Under the customer's lock: a second try while the first one's outcome is unknown could pay twice.
    if PendingSubscribe.objects.filter(customer_id=request.customer_id, status="open").exists():
        raise PaymentOutcomeUnknown
    resolved, snapshot = subscribe_snapshot(rows, request)
    plan = plan_subscribe(snapshot, resolved, ctx.as_of)
    check_plan(plan)
    charged = [invoice for invoice in plan.invoices if invoice.finalize_now]
    due = sum(
        previews.preview_invoice(invoice, snapshot.customer, snapshot.settings).amount_due
        for invoice in charged
        if request.collection_method == "charge_automatically"
    )
    pending = open_pending_subscribe(ctx, request.merchant_id, request.customer_id, subscribe_request_to_json(request))
    if not due:
        return pending, ""
    planned = payments.plan_intents(ctx, [_intent(rows, request, due, plan.subscription.currency)])[0]
    pending.payment_intent_id = planned.payment_intent_id
    pending.save(update_fields=["payment_intent_id"])
    return pending, planned.charge_id


def _intent(rows: BillingRows, request: SubscribeRequest, due: int, currency: str) -> IntentToPlan:
    merchant, customer = rows.merchants[request.merchant_id], rows.customers[request.customer_id]
    method = request.default_payment_method_id or customer.default_payment_method_id
    if not method:
        raise NothingToPayWith
    return IntentToPlan(
        merchant_id=merchant.id,
        customer_id=customer.id,
        invoice_id="",
        amount=due,
        currency=currency,
        gateway=merchant.gateway,
        payment_method_id=method,
        test_clock_id=customer.test_clock_id,
        statement_descriptor=_descriptor(rows, request) or merchant.statement_descriptor,
        off_session=request.off_session,
        keep_body=merchant.keep_event_bodies,
        sent=True,
    )


def _descriptor(rows: BillingRows, request: SubscribeRequest) -> str:
    products = [rows.prices[item.price_id].product_id for item in request.items if item.price_id in rows.prices]
    return descriptor_of_products(request.merchant_id, products)


def _complete(ctx: Context, pending_id: str) -> SubscribeResult:
    """Create what was promised, once, and give the payment to its invoice."""
    with transaction.atomic(durable=True):
        pending = lock_pending_subscribe(pending_id)
        if pending.subscription_id:
            return _result(pending.subscription_id, None)
        request = subscribe_request_from_json(pending.request)
        batch = post_subscribe(ctx, request, sends=True)
        invoice_id = next(iter(batch.finalized), "")
        if pending.payment_intent_id:
            batch.intents.clear()
            batch.finalized[invoice_id]["payment_intent_id"] = pending.payment_intent_id
        batch.write()
        settle_paid(batch)
        subscription_id = batch.new_subscriptions[0].id
        outcome = allocate(ctx, pending.payment_intent_id, invoice_id, subscription_id)
        close_pending_subscribe(pending, "complete", subscription_id)
    return _result(subscription_id, outcome, next(iter(batch.new_invoices), ""))


def latest_charge(pending: PendingSubscribe) -> Charge | None:
    return Charge.objects.filter(payment_intent_id=pending.payment_intent_id).order_by("-attempt").first()


def allocate(ctx: Context, intent_id: str, invoice_id: str, subscription_id: str) -> PaymentOutcome | None:
    """Give a payment that came first to its invoice, inside the caller's transaction; None without an intent."""
    if not intent_id:
        return None
    [charge_id] = payments.give_to_invoice(intent_id, invoice_id)
    work = hold(ctx, [invoice_id])
    charge = payments.lock_charges([charge_id])[charge_id]
    if charge.status == "succeeded":
        work.receive(work.invoices[invoice_id], charge.amount, kind="payment_intent", charge=charge)
        work.write()
    else:
        # A debit under way begins the subscription, as it does for any first invoice.
        subscriptions_after_payment(ctx, [InvoiceNews(invoice_id, subscription_id, "paid")])
    return outcome_of(charge)


def _complete_or_send_back(ctx: Context, pending_id: str) -> SubscribeResult:
    try:
        return _complete(ctx, pending_id)
    except OstinatoError:
        send_back(ctx, pending_id, "the signup was refused")
        raise


def send_back(ctx: Context, pending_id: str, note: str) -> None:
    """Money came and what it was for is refused after all: it is refunded, and the row is over."""
    pending = PendingSubscribe.objects.get(id=pending_id)
    charge = Charge.objects.filter(payment_intent_id=pending.payment_intent_id, status="succeeded").first()
    if charge is None:
        return  # a debit still under way cannot go back yet: the row stays open and is looked at again
    refund_charge(ctx=ctx, merchant_id=pending.merchant_id, charge_id=charge.id, note=note)
    with transaction.atomic(durable=True):
        close_pending_subscribe(lock_pending_subscribe(pending_id), "failed", pending.subscription_id)


def let_go(ctx: Context, pending_id: str, charge_id: str) -> None:
    """Nothing was taken: the intent is canceled, at the gateway too, and the signup (or the change) is over."""
    charge = Charge.objects.filter(id=charge_id).first()
    if charge is not None and charge.status == "requires_action":
        let_go_of(ctx, [charge])
    with transaction.atomic(durable=True):
        pending = lock_pending_subscribe(pending_id)
        clock = Customer.objects.values_list("test_clock_id", flat=True).get(id=pending.customer_id)
        kept = pending.merchant_id in bodies_kept([pending.merchant_id])
        payments.abandon_intent(ctx, pending.payment_intent_id, keep_body=kept, test_clock_id=clock)
        close_pending_subscribe(pending, "failed", pending.subscription_id)
    if pending.payment_intent_id:
        cancel_at_gateway(ctx, [pending.payment_intent_id])


def _result(subscription_id: str, payment: PaymentOutcome | None, invoice_id: str = "") -> SubscribeResult:
    row = Subscription.objects.get(id=subscription_id)
    return SubscribeResult(subscription_id, row.status, invoice_id or row.latest_invoice_id, payment)
