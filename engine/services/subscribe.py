"""Subscribe: the subscription, its first invoice and, once these are committed, the payment."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from engine.posting.batch import Batch
from engine.rules import previews
from engine.services.attempts import PlannedAttempts
from engine.services.collect import finish
from engine.services.finalize import settle_paid
from engine.services.paying_first import refuse_unpayable, subscribe_if_paid
from engine.services.signing import load_subscribe, post_subscribe, subscribe_snapshot
from engine.types import (
    InvoicePreview,
    PaymentOutcome,
    SubscribeRequest,
    SubscribeResult,
)
from events.statements import Statement
from subscriptions.models import Subscription


def subscribe(*, ctx: Context, request: SubscribeRequest) -> SubscribeResult:
    """Create a subscription and issue its first invoice; charged automatically, it is paid after the commit.

    When the payment fails the subscription stays incomplete (allow_incomplete); under default_incomplete none is
    tried, and under error_if_incomplete it is paid first or nothing is created (`engine.services.paying_first`).
    Raises `NothingToPayWith` where there is something to pay at once, `CustomerNotFound`,
    `PaymentMethodNotFound`, `CouponFullyRedeemed`, and the planner's named
    errors; then nothing was written.
    """
    if request.payment_behavior == "error_if_incomplete":
        return subscribe_if_paid(ctx, request)
    # Under default_incomplete no gateway is called after it, so it may join its caller's transaction (a checkout's).
    with transaction.atomic(durable=request.payment_behavior != "default_incomplete"):
        batch = post_subscribe(ctx, request, sends=True)
        if request.payment_behavior == "allow_incomplete":
            refuse_unpayable(batch)
        batch.write()
        settle_paid(batch)
    subscription = batch.new_subscriptions[0]
    payment = _collect(ctx, batch)
    [(status,)] = _status.tuples(id=subscription.id)
    return SubscribeResult(subscription.id, status, next(iter(batch.new_invoices), ""), payment)


_status = Statement(lambda id: Subscription.objects.filter(id=id).values_list("status"))


def rehearse_subscribe(*, ctx: Context, request: SubscribeRequest) -> str:
    """All that `subscribe` writes, inside a transaction that its caller takes back: what it would refuse is raised.

    Returns the subscription's id. No gateway is called.
    """
    batch = post_subscribe(ctx, request)
    if request.payment_behavior == "allow_incomplete":
        refuse_unpayable(batch)
    batch.write()
    return str(batch.new_subscriptions[0].id)


def preview_subscribe(*, ctx: Context, request: SubscribeRequest) -> InvoicePreview:
    """What the first invoice would be, by the same planner; one without lines when none would be made.

    Nothing is written. Raises what `subscribe` does before it writes.
    """
    rows = load_subscribe(request, lock=False)
    request, snapshot = subscribe_snapshot(rows, request)
    return previews.preview_subscribe(snapshot, request, ctx.as_of)


def _collect(ctx: Context, batch: Batch) -> PaymentOutcome | None:
    """Charge what was just finalized, outside any transaction."""
    outcomes = finish(ctx, PlannedAttempts(send=batch.charge_ids))
    return next(iter(outcomes.values()), None)
