"""Facts become mails: reads the outbox, writes messages, sends nothing. A constant number of queries per batch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from core.context import Context
from customers.models import Customer, PaymentMethod
from events.types import DeliveredEvent
from invoicing.models import Invoice
from invoicing.selectors import lines_of
from notifications.failures import Failures, failures_of
from notifications.payments import Paid, payments_of
from notifications.rules import KIND_OF_EVENT, invoice_mail, is_history
from notifications.selectors import merchant_addresses, muted_kinds
from notifications.types import Facts
from notifications.writes import Draft, queue_messages
from payments.models import Dispute, InvoicePayment, Refund
from subscriptions.models import Subscription, SubscriptionItem
from subscriptions.types import TERMINAL_STATUSES

logger = logging.getLogger(__name__)

EVENT_TYPES = tuple(KIND_OF_EVENT)


def queue_mails(ctx: Context, events: Sequence[DeliveredEvent]) -> None:
    """Queue the mail that each event asks for; the event's id makes a repeated delivery harmless.

    History is passed over (`rules.is_history`): the past that `simulate` grows sends nothing. A test clock's mails
    are all kept, whatever its time, and sent to nobody. What the merchant does not want said is not said.
    """
    fresh = [event for event in events if event.test_clock_id or not is_history(event.created, event.recorded_at)]
    muted = muted_kinds({event.merchant_id for event in fresh})
    wanted = [event for event in fresh if KIND_OF_EVENT[event.type] not in muted.get(event.merchant_id, ())]
    drafts = [
        *_about_parts([event for event in wanted if event.object_type == "invoice_payment"]),
        *_about_invoices([event for event in wanted if event.object_type == "invoice"]),
        *_about_subscriptions([event for event in wanted if event.object_type == "subscription"]),
        *_about_refunds([event for event in wanted if event.object_type == "refund"]),
        *_about_methods([event for event in wanted if event.object_type == "payment_method"]),
        *_about_disputes([event for event in wanted if event.object_type == "dispute"]),
    ]
    queue_messages(ctx, drafts)


def _about_invoices(events: Sequence[DeliveredEvent]) -> Iterable[Draft]:
    if not events:
        return
    met = _decisive({event.object_id for event in events})
    troubled = [event.object_id for event in events if event.type.startswith("invoice.payment_")]
    failures = failures_of(troubled) if troubled else Failures()
    told = [(event, _invoice_kind(event, met[event.object_id], failures)) for event in events if event.object_id in met]
    # Most of what a run finalizes is charged by itself and says nothing: what a mail shows is read for the others.
    invoices = _invoices({event.object_id for event, kind in told if kind})
    lines = lines_of(list(invoices)) if invoices else {}
    paid = [event.object_id for event, kind in told if kind and event.type == "invoice.paid"]
    payments = payments_of(paid) if paid else {}
    for event, kind in told:
        invoice = invoices.get(event.object_id)
        if kind and invoice:
            facts: Facts = {"invoice": invoice, "lines": lines[invoice.id], **failures.facts(invoice.id)}
            facts["payments"] = payments.get(invoice.id, [])
            yield _draft(event, kind, invoice, facts, invoice.id)


def _decisive(ids: set[str]) -> dict[str, Invoice]:
    """Of each invoice what decides whether it is told of; a draft that was deleted since is missing."""
    return Invoice.objects.only("collection_method", "billing_reason", "amount_paid", "amount_remaining").in_bulk(
        list(ids)
    )


def _invoice_kind(event: DeliveredEvent, invoice: Invoice, failures: Failures) -> str:
    return invoice_mail(
        event.type,
        collection_method=invoice.collection_method,
        billing_reason=invoice.billing_reason,
        amount_due=invoice.amount_paid if event.type == "invoice.paid" else invoice.amount_remaining,
        attempt=failures.attempt(invoice.id, event.created),
    )


def _about_parts(events: Sequence[DeliveredEvent]) -> Iterable[Draft]:
    """Money that came another way and left something to pay; what settles an invoice is told by its receipt."""
    if not events:
        return
    told = InvoicePayment.objects.filter(id__in=[event.object_id for event in events], type="out_of_band")
    invoices = _invoices({part.invoice_id for part in told})
    payments = payments_of(invoices) if invoices else {}
    parts = {
        paid.payment.id: (paid, _left_after(invoices[key], paid, all_))
        for key, all_ in payments.items()
        for paid in all_
    }
    for event in events:
        paid, left = parts.get(event.object_id, (None, 0))
        if paid is not None and left > 0 and paid.payment.type == "out_of_band":
            invoice = invoices[paid.payment.invoice_id]
            facts: Facts = {"invoice": invoice, "part": paid, "left": left}
            yield _draft(event, KIND_OF_EVENT[event.type], invoice, facts, invoice.id)


def _left_after(invoice: Invoice, part: Paid, payments: Sequence[Paid]) -> int:
    """What was owed once this part had come: what is owed now and what came after it."""
    later = payments[payments.index(part) + 1 :]
    return invoice.amount_remaining + sum(one.payment.amount_paid for one in later)


def _about_subscriptions(events: Sequence[DeliveredEvent]) -> Iterable[Draft]:
    told = [event for event in events if event.type != "customer.subscription.updated" or _changed_status(event)]
    if not told:
        return
    ids = {event.object_id for event in told}
    subscriptions = Subscription.objects.select_related("merchant", "customer").in_bulk(list(ids))
    items: dict[str, list[SubscriptionItem]] = {}
    for item in (
        SubscriptionItem.objects.filter(subscription_id__in=ids, deleted_at__isnull=True)
        .select_related("price__product")
        .order_by("id")
    ):
        items.setdefault(item.subscription_id, []).append(item)
    for event in told:
        subscription = subscriptions.get(event.object_id)
        # One that never began was never the customer's: its checkout was left.
        if subscription is None or subscription.status == "incomplete_expired":
            continue
        if event.type == "customer.subscription.updated" and subscription.status != "unpaid":
            continue
        facts: Facts = {"subscription": subscription, "items": items.get(subscription.id, [])}
        yield _draft(event, KIND_OF_EVENT[event.type], subscription, facts)


def _changed_status(event: DeliveredEvent) -> bool:
    return "status" in (event.previous_attributes or {})


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
        yield _draft(event, KIND_OF_EVENT[event.type], invoice, {"refund": refund, "invoice": invoice})


def _about_methods(events: Sequence[DeliveredEvent]) -> Iterable[Draft]:
    if not events:
        return
    stored = PaymentMethod.objects.select_related("merchant", "customer")
    methods = stored.in_bulk([event.object_id for event in events])
    paying = _paying_methods(list(methods.values()))
    for event in events:
        method = methods.get(event.object_id)
        # A card that pays for nothing may end in peace.
        if method is None or method.detached_at is not None or method.id not in paying:
            continue
        kind = KIND_OF_EVENT[event.type]
        yield _draft(event, kind, method, {"method": method, "is_backup": paying[method.id]})


def _paying_methods(methods: Sequence[PaymentMethod]) -> dict[str, bool]:
    """What live subscriptions of these methods' owners are charged to, and whether as a backup alone.

    A subscription's own method, or else its customer's default; then the customer's backups.
    """
    owners = {method.customer.id: method.customer for method in methods if method.customer}
    live = Subscription.objects.filter(customer_id__in=owners).exclude(status__in=TERMINAL_STATUSES)
    named = list(live.values_list("customer_id", "default_payment_method_id"))
    backups = {backup for owner, _own in named for backup in owners[owner].backup_payment_method_ids}
    first = {own or owners[owner].default_payment_method_id for owner, own in named}
    return dict.fromkeys(backups, True) | dict.fromkeys(first, False)


def _about_disputes(events: Sequence[DeliveredEvent]) -> Iterable[Draft]:
    """To the merchant; a charge without a customer of ours has none to name."""
    if not events:
        return
    disputes = Dispute.objects.select_related("merchant").in_bulk([event.object_id for event in events])
    customers = Customer.objects.in_bulk({dispute.customer_id for dispute in disputes.values()})
    addresses = merchant_addresses({dispute.merchant_id for dispute in disputes.values()})
    for event in events:
        dispute = disputes.get(event.object_id)
        customer = customers.get(dispute.customer_id) if dispute else None
        if dispute is None or customer is None or not addresses.get(dispute.merchant_id):
            continue
        yield Draft(
            kind=KIND_OF_EVENT[event.type],
            dedupe_key=f"{KIND_OF_EVENT[event.type]}:{event.id}",
            merchant=dispute.merchant,
            customer=customer,
            created=event.created,
            facts={"dispute": dispute, "customer_name": customer.name or customer.email or customer.id},
            to_merchant=addresses[dispute.merchant_id],
        )


def _invoices(ids: set[str]) -> dict[str, Invoice]:
    return Invoice.objects.select_related("merchant", "customer").in_bulk(list(ids)) if ids else {}


def _draft(
    event: DeliveredEvent, kind: str, about: Invoice | Subscription | PaymentMethod, facts: Facts, invoice_id: str = ""
) -> Draft:
    assert about.customer is not None
    return Draft(
        kind=kind,
        dedupe_key=f"{kind}:{event.id}",
        merchant=about.merchant,
        customer=about.customer,
        facts=facts,
        invoice_id=invoice_id,
        created=event.created,
    )
