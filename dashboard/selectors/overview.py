"""What the overview shows beside the figures of `insights`: what needs somebody, and what just happened."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from customers.models import Customer
from dashboard.selectors import money
from engine.models import Refusal
from events import selectors as outbox
from events.models import Event
from invoicing.models import Invoice
from payments.models import Dispute
from subscriptions.models import Subscription

SHOWN = 6
RECENT = 8

# What a merchant cares to see happen; the rest is on the events page.
TOLD = [
    "customer.created",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
    "invoice.payment_action_required",
    "customer.subscription.trial_will_end",
]


def failed_invoices(merchant_id: str, as_of: datetime) -> list[Invoice]:
    """Open invoices that could not be collected or are overdue, the largest remainder first."""
    rows = Invoice.objects.filter(merchant_id=merchant_id, status="open", attempted=True, amount_remaining__gt=0)
    late = Invoice.objects.filter(merchant_id=merchant_id, status="open", due_date__lt=as_of, amount_remaining__gt=0)
    return list((rows | late).select_related("customer").order_by("-amount_remaining", "id")[:SHOWN])


def disputes_to_answer(merchant_id: str, as_of: datetime) -> list[Dispute]:
    """What cardholders contest and nobody answered yet, the first deadline first."""
    rows = money.listed_disputes(merchant_id).filter(status__in=money.TO_ANSWER, evidence_due_by__gt=as_of)
    return list(rows.order_by("evidence_due_by", "id")[:SHOWN])


def open_refusals(merchant_id: str) -> list[Refusal]:
    return list(Refusal.objects.filter(merchant_id=merchant_id, status="open").order_by("-times", "id")[:SHOWN])


def incomplete_subscriptions(merchant_id: str) -> list[Subscription]:
    rows = Subscription.objects.filter(merchant_id=merchant_id, status="incomplete")
    return list(rows.select_related("customer").order_by("incomplete_expires_at", "id")[:SHOWN])


def ending_trials(merchant_id: str, as_of: datetime) -> list[Subscription]:
    soon = as_of + timedelta(days=3)
    rows = Subscription.objects.filter(
        merchant_id=merchant_id, status="trialing", trial_end__gte=as_of, trial_end__lt=soon
    )
    return list(rows.select_related("customer").order_by("trial_end", "id")[:SHOWN])


@dataclass(frozen=True, slots=True)
class Told:
    """An event and the customer it concerns, if it is one's."""

    event: Event
    customer: Customer | None


def recent_events(merchant_id: str) -> list[Told]:
    events = list(outbox.events(merchant_id).filter(type__in=TOLD)[:RECENT])
    who = Customer.objects.filter(merchant_id=merchant_id).in_bulk({event.customer_id for event in events})
    return [Told(event, who.get(event.customer_id)) for event in events]
