"""Voiding paper inside a transaction: the number stays, the billed periods are reversed, nothing is billed again."""

from __future__ import annotations

from collections.abc import Sequence

from core.context import Context
from customers.models import Customer
from customers.types import BalanceEntry
from customers.writes import append_balance_entries
from engine.selectors import bodies_kept
from engine.services.granting import give_grants_back
from engine.services.transitions import invoice_event
from events.copying import Row
from events.reading import read_rows
from events.writes import record_events
from invoicing.models import Invoice
from invoicing.writes import lock_invoices, update_progress
from payments.cancellation import cancel_intents
from subscriptions.writes import reverse_debits_of_invoice


def void_open_invoices(ctx: Context, subscription_ids: Sequence[str]) -> list[str]:
    """Void every open invoice of subscriptions that never began. Returns as `void_rows` does."""
    if not subscription_ids:
        return []
    found = Invoice.objects.filter(subscription_id__in=subscription_ids, status="open")
    return void_rows(ctx, read_rows(found.select_for_update(no_key=True).order_by("id")))


def void_if_open(ctx: Context, invoice_ids: Sequence[str]) -> list[str]:
    """Void those of the invoices that are still open. Returns as `void_rows` does."""
    if not invoice_ids:
        return []
    return void_rows(ctx, [row for row in lock_invoices(invoice_ids) if row.status == "open"])


def write_off_rows(ctx: Context, invoices: Sequence[Row]) -> list[str]:
    """Mark locked open invoices uncollectible: not tried again, though they may still be paid. Cancels no intent."""
    if not invoices:
        return []
    for row in invoices:
        row.update(
            status="uncollectible",
            marked_uncollectible_at=ctx.as_of,
            next_payment_attempt=None,
            next_action_at=None,
            version=row.version + 1,
        )
    update_progress(invoices)
    kept = bodies_kept({row.merchant_id for row in invoices})
    told = "invoice.marked_uncollectible"
    record_events(ctx, [invoice_event(told, row, kept, {"status": "open"}) for row in invoices])
    return []


def void_rows(ctx: Context, invoices: Sequence[Row]) -> list[str]:
    """Void locked invoices: their intents are canceled first, the balance they had used goes back.

    Returns the intents, which the caller cancels at their gateways after its commit. Raises `PaymentInFlight`.
    """
    if not invoices:
        return []
    kept = bodies_kept({row.merchant_id for row in invoices})
    clocks = {row.id: row.test_clock_id for row in invoices}
    canceled = cancel_intents(ctx, [row.id for row in invoices], clocks, kept)
    before = [row.status for row in invoices]
    for row in invoices:
        row.update(
            status="void",
            voided_at=ctx.as_of,
            auto_advance=False,
            next_payment_attempt=None,
            next_action_at=None,
            version=row.version + 1,
        )
        reverse_debits_of_invoice(row.merchant_id, row.id, ctx.as_of)
    update_progress(invoices)
    _give_balance_back(ctx, invoices)
    give_grants_back(ctx, invoices)
    record_events(
        ctx,
        [
            invoice_event("invoice.voided", row, kept, {"status": status})
            for row, status in zip(invoices, before, strict=True)
        ],
    )
    return canceled


def _give_balance_back(ctx: Context, invoices: Sequence[Row]) -> None:
    """What was taken from the customer's credit (or collected of a debt) for this invoice, as Stripe unapplies it."""
    entries = [
        BalanceEntry(row.customer_id, -row.balance_applied, row.currency, "unapplied_from_invoice", invoice_id=row.id)
        for row in invoices
        if row.balance_applied
    ]
    if entries:
        ids = {entry.customer_id for entry in entries}
        locked = Customer.objects.select_for_update(no_key=True).filter(id__in=ids).order_by("id")
        append_balance_entries(ctx=ctx, customers={row.id: row for row in locked}, entries=entries)
