"""Facts become mails: reads the outbox, writes messages, sends nothing. A constant number of queries per batch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from core.context import Context
from events.types import DeliveredEvent
from invoicing.models import Invoice
from invoicing.selectors import lines_of
from notifications.rules import KIND_OF_EVENT, invoice_mail, is_history
from notifications.types import Facts
from notifications.writes import Draft, queue_messages
from payments.models import Refund
from subscriptions.models import Subscription, SubscriptionItem

logger = logging.getLogger(__name__)

EVENT_TYPES = tuple(KIND_OF_EVENT)


def queue_mails(ctx: Context, events: Sequence[DeliveredEvent]) -> None:
    """Queue the mail that each event asks for; the event's id makes a repeated delivery harmless.

    History is passed over (`rules.is_history`): the past that `simulate` grows sends nothing. A test clock's mails
    are all kept, whatever its time, and sent to nobody.
    """
    fresh = [event for event in events if event.test_clock_id or not is_history(event.created, event.recorded_at)]
    drafts = [
        *_about_invoices([event for event in fresh if event.object_type == "invoice"]),
        *_about_subscriptions([event for event in fresh if event.object_type == "subscription"]),
        *_about_refunds([event for event in fresh if event.object_type == "refund"]),
    ]
    queue_messages(ctx, drafts)


def _about_invoices(events: Sequence[DeliveredEvent]) -> Iterable[Draft]:
    if not events:
        return
    invoices = _invoices({event.object_id for event in events})
    lines = lines_of(list(invoices))
    for event in events:
        invoice = invoices.get(event.object_id)
        if invoice is None:
            continue  # a draft that was deleted since
        due = invoice.amount_paid if event.type == "invoice.paid" else invoice.amount_remaining
        kind = invoice_mail(
            event.type,
            collection_method=invoice.collection_method,
            billing_reason=invoice.billing_reason,
            amount_due=due,
        )
        if kind:
            yield _draft(event, kind, invoice, {"invoice": invoice, "lines": lines[invoice.id]}, invoice.id)


def _about_subscriptions(events: Sequence[DeliveredEvent]) -> Iterable[Draft]:
    if not events:
        return
    ids = {event.object_id for event in events}
    subscriptions = Subscription.objects.select_related("merchant", "customer").in_bulk(list(ids))
    items: dict[str, list[SubscriptionItem]] = {}
    for item in (
        SubscriptionItem.objects.filter(subscription_id__in=ids, deleted_at__isnull=True)
        .select_related("price__product")
        .order_by("id")
    ):
        items.setdefault(item.subscription_id, []).append(item)
    for event in events:
        subscription = subscriptions.get(event.object_id)
        # One that never began was never the customer's: its checkout was left.
        if subscription is None or subscription.status == "incomplete_expired":
            continue
        facts: Facts = {"subscription": subscription, "items": items.get(subscription.id, [])}
        yield _draft(event, KIND_OF_EVENT[event.type], subscription, facts)


def _about_refunds(events: Sequence[DeliveredEvent]) -> Iterable[Draft]:
    if not events:
        return
    refunds = Refund.objects.select_related("merchant", "charge").in_bulk([event.object_id for event in events])
    invoices = _invoices({refund.invoice_id for refund in refunds.values() if refund.invoice_id})
    for event in events:
        refund = refunds.get(event.object_id)
        invoice = invoices.get(refund.invoice_id) if refund else None
        if refund is None or invoice is None:
            logger.info("Event %s tells of a refund without an invoice: no mail", event.id)
            continue
        yield _draft(event, "refund", invoice, {"refund": refund, "invoice": invoice})


def _invoices(ids: set[str]) -> dict[str, Invoice]:
    return Invoice.objects.select_related("merchant", "customer").in_bulk(list(ids)) if ids else {}


def _draft(
    event: DeliveredEvent, kind: str, about: Invoice | Subscription, facts: Facts, invoice_id: str = ""
) -> Draft:
    return Draft(
        kind=kind,
        dedupe_key=f"{kind}:{event.id}",
        merchant=about.merchant,
        customer=about.customer,
        facts=facts,
        invoice_id=invoice_id,
        created=event.created,
    )
