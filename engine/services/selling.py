"""What is sold once: an invoice of its own for one-time prices, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from core.context import Context
from core.ids import new_id
from customers.models import Customer
from customers.writes import lock_customer, set_currency
from engine.posting.batch import Batch
from engine.posting.refs import Refs
from engine.rules.drafting import Draft, NothingToInvoice, plan_manual_invoice
from engine.selectors import BillingRows, load_rows
from engine.services.finalize import FinalizationRefused, finalize_new, settle_paid
from engine.services.invoice_items import item_event, new_item
from engine.services.line_discounts import give_to_invoice
from engine.types import ManualInvoiceSnapshot, PlannedEvent
from engine.types.items import InvoiceItemRequest
from engine.types.sales import Sale
from events.copying import Row
from events.writes import record_events
from invoicing.types import PendingItemFacts
from invoicing.writes import insert_invoice_items
from subscriptions.rules.discounts import active_discounts
from subscriptions.types import DiscountFacts, DiscountUse


def post_sale(ctx: Context, sale: Sale) -> tuple[Batch, str]:
    """The sale's invoice, written: (the batch, what is to be collected after the commit among it; the invoice's id).

    Raises `NothingToInvoice`, `CustomerNotFound`, `PriceNotFound`, `PriceNotOneTime`, `CustomerCurrencyMismatch`,
    `FinalizationRefused`, and what giving the discounts and drafting refuse.
    """
    invoice_id = new_id("in")
    customer, rows, draft, stack = _planned(ctx, sale, invoice_id)
    batch = Batch(ctx, rows, off_session=sale.off_session, charge=sale.charge)
    if not customer.currency:
        set_currency(customer.id, draft.invoice.currency)
    refs = Refs(invoices=(invoice_id,))
    drafted = batch.add_invoice(draft.invoice, invoice_id, refs)
    batch.use_discounts([DiscountUse(used, ctx.as_of, 0) for used in draft.used_discount_ids], refs)
    drafted.invoice.update(
        metadata=dict(sale.metadata),
        discount_ids=None if sale.discounts is None else [one.id for one in stack],
        # Nobody is chased for what was not paid on the page: it waits, and goes when its session is over.
        auto_advance=drafted.invoice.auto_advance and sale.charge,
        **sale.texts.columns(),
        **({"due_date": sale.due_date} if sale.due_date else {}),
    )
    batch.tell([PlannedEvent("invoice.created", "invoice", invoice_id)], Refs())
    refused = finalize_new(batch)
    if refused:
        raise FinalizationRefused.of(refused[0])
    batch.write()
    settle_paid(batch)
    return batch, invoice_id


def plan_sale(ctx: Context, sale: Sale) -> tuple[Draft, tuple[DiscountFacts, ...]]:
    """What `post_sale` would bill, and the stack that counts. Its items and discounts are written: the caller takes
    them back."""
    _, _, draft, stack = _planned(ctx, sale, new_id("in"))
    return draft, stack


def _planned(
    ctx: Context, sale: Sale, invoice_id: str
) -> tuple[Customer, BillingRows, Draft, tuple[DiscountFacts, ...]]:
    if not sale.items:
        raise NothingToInvoice
    customer = lock_customer(sale.merchant_id, sale.customer_id)
    items = _items(ctx, customer, sale)
    rows = load_rows(
        customer_ids=[sale.customer_id],
        merchant_ids=[sale.merchant_id],
        tax_rate_ids=[*sale.default_tax_rate_ids, *(rate for item in sale.items for rate in item.tax_rate_ids)],
        lock=True,
    )
    facts = _facts(rows, customer.id, items)
    currency = facts[0].currency
    stack = _stack(ctx, customer, rows, sale, invoice_id, currency, facts)
    snapshot = ManualInvoiceSnapshot(
        merchant_id=sale.merchant_id,
        billing_entity_id=rows.default_entity_id(sale.merchant_id),
        customer=rows.customer(customer.id),
        settings=rows.settings[sale.merchant_id],
        currency=currency,
        pending_items=facts,
        finalize_now=sale.finalize_now,
        collection_method=sale.collection_method,
        default_tax_rate_ids=sale.default_tax_rate_ids,
        discounts=stack,
        tax_rates=rows.tax_rates,
        description=sale.description,
        test_clock_id=customer.test_clock_id,
    )
    return customer, rows, plan_manual_invoice(snapshot, ctx.as_of), stack


def _items(ctx: Context, customer: Customer, sale: Sale) -> list[Row]:
    """The invoice items, written and told."""
    rows = []
    currency = sale.currency
    for asked in sale.items:
        request = InvoiceItemRequest(
            price_id=asked.price_id,
            quantity=asked.quantity,
            tax_rate_ids=asked.tax_rate_ids,
            metadata=asked.metadata,
            discounts=asked.discounts,
        )
        row = new_item(ctx, customer, request, currency=currency)
        currency = row.currency  # the first price decides where nothing else does
        rows.append(row)
    insert_invoice_items(rows)
    record_events(ctx, [item_event("created", row, customer.test_clock_id) for row in rows])
    return rows


def _facts(rows: BillingRows, customer_id: str, items: Sequence[Row]) -> tuple[PendingItemFacts, ...]:
    """The sale's own items, in its order, among all that is pending of the customer."""
    pending = {one.id: one for one in rows.pending.get(customer_id, ())}
    return tuple(pending[item.id] for item in items)


def _stack(
    ctx: Context,
    customer: Customer,
    rows: BillingRows,
    sale: Sale,
    invoice_id: str,
    currency: str,
    facts: Sequence[PendingItemFacts],
) -> tuple[DiscountFacts, ...]:
    if sale.discounts is None:
        return active_discounts((), rows.discounts_of_customer(customer.id), ctx.as_of)
    invoice = Row({"id": invoice_id, "currency": currency, "discount_ids": None})
    return give_to_invoice(ctx, customer, invoice, sum(item.amount for item in facts), sale.discounts)
