"""Deleting a customer, or a test clock with all its customers: what runs is ended, what was billed stays."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from core.context import Context
from customers.models import Customer, TestClock
from customers.services import mark_customer_deleted
from customers.writes import move_clock
from engine.services.cancel import cancel_subscription
from engine.services.clocks import ClockIsAdvancing, clock_event, locked_clock
from events.writes import record_events
from subscriptions.models import Subscription
from subscriptions.rules.status import TERMINAL_STATUSES


def delete_customer(*, ctx: Context, merchant_id: str, customer_id: str) -> Customer:
    """End the customer's subscriptions at once, without proration, and let nobody find the customer any more.

    Invoices and payments stay, as the books need them. Raises `CustomerNotFound`.
    """
    running = Subscription.objects.filter(merchant_id=merchant_id, customer_id=customer_id)
    for subscription_id in running.exclude(status__in=TERMINAL_STATUSES).order_by("id").values_list("id", flat=True):
        cancel_subscription(ctx=ctx, merchant_id=merchant_id, subscription_id=subscription_id)
    return mark_customer_deleted(ctx=ctx, merchant_id=merchant_id, customer_id=customer_id)


def delete_clock(*, ctx: Context, merchant_id: str, clock_id: str) -> TestClock:
    """Delete the clock's customers in its own time, then the clock. Raises `TestClockNotFound`, `ClockIsAdvancing`."""
    with transaction.atomic():
        clock = locked_clock(clock_id, merchant_id)
        if clock.status == "advancing":
            raise ClockIsAdvancing
    in_its_time = replace(ctx, as_of=clock.frozen_time)
    for customer_id in Customer.objects.filter(test_clock=clock, deleted_at__isnull=True).values_list("id", flat=True):
        delete_customer(ctx=in_its_time, merchant_id=merchant_id, customer_id=customer_id)
    with transaction.atomic():
        clock = locked_clock(clock_id, merchant_id)
        move_clock(clock, deleted_at=ctx.recorded_at)
        record_events(in_its_time, [clock_event(clock, "deleted")])
    return clock
