"""Our books against the processor's, to the cent: what was taken twice, what was lost, what nobody knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from django.db.models import Sum

from customers.models import Customer
from invoicing.models import Invoice
from payments.models import Charge, Dispute, GatewayEvent, InvoicePayment, PaymentIntent, Refund

Books = dict[str, list[dict[str, Any]]]


def compare(theirs: Books) -> dict[str, list[str]]:
    """What is wrong, by kind; all empty when everything is right."""
    taken = [row for row in theirs["charge"] if row["status"] == "succeeded"]
    return {
        "double_charges": _double(theirs, taken),
        "lost_payments": _lost(taken),
        "unknown": _unknown(),
        "books": [*_refunds(theirs), *_disputes(theirs), *_invoices(), *_customers()],
    }


def _double(theirs: Books, taken: list[dict[str, Any]]) -> list[str]:
    """Two payments of one thing: of an intent of ours, or card payments of an invoice beyond what it was for."""
    by_intent = Counter(row["metadata"].get("payment_intent", "") for row in taken)
    found = [f"{intent}: charged {times} times" for intent, times in by_intent.items() if times > 1]
    by_invoice: dict[str, int] = defaultdict(int)
    for row in taken:
        by_invoice[row["metadata"].get("invoice", "")] += row["amount"]
    due = dict(Invoice.objects.values_list("id", "amount_due"))
    found += [f"{invoice}: {amount} taken" for invoice, amount in by_invoice.items() if amount > due.get(invoice, 0)]
    return found


def _lost(taken: list[dict[str, Any]]) -> list[str]:
    """What was taken and we do not know, and what we believe was taken and was not."""
    ours = {
        (row.gateway_charge_id, row.payment_intent_id, row.amount)
        for row in Charge.objects.filter(gateway="stripe", status="succeeded")
    }
    real = {(row["id"], row["metadata"].get("payment_intent", ""), row["amount"]) for row in taken}
    found = [f"{charge} of {intent}: {amount} taken, unknown to us" for charge, intent, amount in real - ours]
    return found + [f"{charge} of {intent}: {amount} never taken" for charge, intent, amount in ours - real]


def _unknown() -> list[str]:
    charges = Charge.objects.filter(status__in=["planned", "unknown", "processing"])
    refunds = Refund.objects.filter(status__in=["planned", "unknown", "pending"])
    waiting = GatewayEvent.objects.exclude(apply_after=None) | GatewayEvent.objects.filter(status="failed")
    return [f"{row.id} is {row.status}" for rows in (charges, refunds, waiting) for row in rows]


def _refunds(theirs: Books) -> list[str]:
    real = {row["id"]: row["amount"] for row in theirs["refund"] if row["status"] == "succeeded"}
    ours = {row.gateway_refund_id: row.amount for row in Refund.objects.filter(status="succeeded")}
    found = [
        f"{refund}: {real.get(refund)} there, {ours.get(refund)} here" for refund, _ in real.items() ^ ours.items()
    ]
    back = {row["id"]: row["amount_refunded"] for row in theirs["charge"]}
    for charge in Charge.objects.filter(status="succeeded"):
        if charge.amount_refunded != back.get(charge.gateway_charge_id, 0):
            found.append(
                f"{charge.id}: {charge.amount_refunded} refunded here, {back.get(charge.gateway_charge_id)} there"
            )
    return found


def _disputes(theirs: Books) -> list[str]:
    real = {row["id"]: row["status"] for row in theirs["dispute"]}
    ours = dict(Dispute.objects.values_list("gateway_dispute_id", "status"))
    return [
        f"{dispute}: {real.get(dispute)} there, {ours.get(dispute)} here" for dispute, _ in real.items() ^ ours.items()
    ]


def _invoices() -> list[str]:
    """An invoice is paid by what was allocated to it, and by nothing else."""
    allocated = dict(InvoicePayment.objects.values_list("invoice").annotate(Sum("amount_paid")))
    found = []
    for invoice in Invoice.objects.all():
        paid = allocated.get(invoice.id, 0)
        if invoice.amount_paid != paid or invoice.amount_remaining != invoice.amount_due - paid:
            found.append(f"{invoice.id}: {paid} allocated, {invoice.amount_paid} paid, {invoice.amount_remaining} left")
        if (invoice.status == "paid") != (invoice.amount_remaining == 0):
            found.append(f"{invoice.id} is {invoice.status} with {invoice.amount_remaining} left")
    stuck = PaymentIntent.objects.filter(status="processing").exclude(charges__status="processing")
    return found + [f"{intent.id} is processing without a charge" for intent in stuck]


def _customers() -> list[str]:
    """Every cent that came is on an invoice or on the balance."""
    charged = dict(Charge.objects.filter(status="succeeded").values_list("customer_id").annotate(Sum("amount")))
    allocated = dict(
        InvoicePayment.objects.filter(type="payment_intent")
        .values_list("invoice__customer_id")
        .annotate(Sum("amount_paid"))
    )
    found = []
    for customer in Customer.objects.all():
        over = charged.get(customer.id, 0) - allocated.get(customer.id, 0)
        # A transfer of more than was owed is on the balance too, so the balance may hold more than that.
        if not 0 <= over <= max(0, -customer.balance):
            found.append(f"{customer.id}: {over} of its charges is nowhere (balance {customer.balance})")
    return found
