"""What the engine does about business facts once they are committed. Idempotent: a fact may be handed over twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from core.context import Context
from customers.models import TestClock
from dunning.selectors import open_cases_of_customers
from engine.services.checkout_closing import tell_answers
from engine.services.recover import forward_retries
from events.types import DeliveredEvent

REPLACED = "payment_method.automatically_updated"
ANSWER_EVENT_TYPES = ("invoice.paid", "invoice.payment_failed")
EVENT_TYPES = ("payment_method.attached", "customer.updated", REPLACED)


def bring_retries_forward(ctx: Context, events: Sequence[DeliveredEvent]) -> None:
    """There is another payment method: what failed with the one before is tried again, whoever's form it came from."""
    customers = {event.customer_id for event in events if _is_another_method(event)}
    cases = open_cases_of_customers(customers) if customers else []
    replaced = {event.object_id for event in events if event.type == REPLACED}
    clock_of = {event.customer_id: event.test_clock_id for event in events}
    by_clock = defaultdict(list)
    for case in cases:
        by_clock[clock_of[case.customer_id]].append(case)
    clocks = TestClock.objects.in_bulk({clock_id for clock_id in by_clock if clock_id})
    for clock_id, group in by_clock.items():
        clock = clocks.get(clock_id or "")
        forward_retries(replace(ctx, as_of=clock.frozen_time) if clock else ctx, group, replaced)


def tell_checkouts(ctx: Context, events: Sequence[DeliveredEvent]) -> None:
    """Payments that were on their way when their checkout was complete: the bank's answer is told of the session."""
    paid = {event.object_id for event in events if event.type == "invoice.paid"}
    failed = {event.object_id for event in events if event.type == "invoice.payment_failed"}
    tell_answers(ctx, paid, failed - paid)


def _is_another_method(event: DeliveredEvent) -> bool:
    if event.type == "customer.updated":
        return "invoice_settings" in (event.previous_attributes or {})
    return True
