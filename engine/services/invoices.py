"""One-off invoices, and the ends of any invoice: void, written off, deleted while a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from core.money import parse_currency
from customers.models import Customer
from customers.writes import lock_customer, set_currency
from dunning.models import CaseStatus
from dunning.writes import close_cases
from engine.posting.batch import Batch
from engine.posting.refs import Refs
from engine.rules.drafting import Draft, plan_manual_invoice
from engine.rules.scheduling import check_schedule
from engine.selectors import BillingRows, bodies_kept, load_rows
from engine.services.collect import cancel_at_gateway, collect_invoices
from engine.services.finalize import finalize_invoice, finalize_new, invoice_ids_to_collect
from engine.services.line_discounts import give_to_invoice
from engine.services.pending_updates import apply_if_paid
from engine.services.transitions import InvoiceNews, invoice_event, subscriptions_after_payment
from engine.services.voiding import void_rows
from engine.types import DiscountRequest, ManualInvoiceSnapshot, PlannedEvent
from engine.types.invoices import NO_TEXTS, InvoiceTexts
from events.copying import Row
from events.writes import record_events
from invoicing.models import Invoice
from invoicing.selectors import InvoiceNotFound, invoice_by_id
from invoicing.types import PendingItemFacts
from invoicing.writes import delete_draft_rows, lock_invoices, update_progress
from subscriptions.rules.discounts import active_discounts
from subscriptions.selectors import SubscriptionNotFound
from subscriptions.types import DiscountFacts, DiscountUse
from subscriptions.writes import give_uses_back, lock_subscriptions


class InvoiceNotOpen(OstinatoError):
    code = "invoice_not_open"
    param = "invoice"
    message_id = gettext_noop("The invoice is %(status)s: this can only be done to an open one.")


class InvoiceNotSent(OstinatoError):
    code = "invoice_not_sent"
    param = "invoice"
    message_id = gettext_noop("Only an invoice whose collection_method is send_invoice is sent.")


class InvoiceAlreadyVoid(OstinatoError):
    code = "invoice_already_void"
    param = "invoice"
    message_id = gettext_noop("The invoice is void already.")


class InvoiceHasPayments(OstinatoError):
    code = "invoice_has_payments"
    param = "invoice"
    message_id = gettext_noop("Something was paid on the invoice: refund it instead of voiding it.")


class InvoiceNotDeletable(OstinatoError):
    code = "invoice_not_deletable"
    param = "invoice"
    message_id = gettext_noop("Only a one-off draft may be deleted; this can only be voided.")


def create_invoice(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    currency: str = "",
    subscription_id: str = "",
    pending_items: bool = True,
    may_be_empty: bool = False,
    collection_method: str = "charge_automatically",
    auto_advance: bool = True,
    automatically_finalizes_at: datetime | None = None,
    due_date: datetime | None = None,
    default_payment_method_id: str = "",
    default_tax_rate_ids: Sequence[str] = (),
    description: str = "",
    texts: InvoiceTexts = NO_TEXTS,
    metadata: Mapping[str, str] | None = None,
    discounts: Sequence[DiscountRequest] | None = None,
) -> str:
    """A one-off invoice of what the customer has pending: a draft, or with no grace finalized at once. Its id.

    With `subscription_id` it bills what is pending of that subscription alone; without `pending_items` nothing that
    waits. `may_be_empty`: a draft without lines may be made, and waits for them. `discounts` are its own stack; without
    them the subscription's counts, else the customer's. Raises `NothingToInvoice`,
    `CustomerNotFound`, `SubscriptionNotFound`, `DueDateOfCharge`, and what drafting refuses.
    """
    check_schedule(ctx.as_of, collection_method, due_date, automatically_finalizes_at)
    with transaction.atomic(durable=True):
        held = _subscription_of(merchant_id, customer_id, subscription_id)
        customer = lock_customer(merchant_id, customer_id)
        rows = _rows(merchant_id, customer_id, held, default_tax_rate_ids)
        own = held.currency if held else customer.currency
        wanted = currency or own or rows.merchants[merchant_id].default_currency
        items = _waiting(rows, customer_id, subscription_id, wanted) if pending_items else ()
        invoice_id = new_id("in")
        own_stack = _own_stack(ctx, customer, invoice_id, wanted, items, discounts)
        draft = plan_manual_invoice(
            ManualInvoiceSnapshot(
                merchant_id=merchant_id,
                billing_entity_id=held.billing_entity_id if held else rows.default_entity_id(merchant_id),
                customer=rows.customer(customer_id),
                settings=rows.settings[merchant_id],
                currency=parse_currency(wanted),
                pending_items=items,
                subscription_id=subscription_id,
                may_be_empty=may_be_empty,
                collection_method=collection_method,
                auto_advance=auto_advance or automatically_finalizes_at is not None,
                finalizes_at=automatically_finalizes_at,
                default_payment_method_id=default_payment_method_id,
                default_tax_rate_ids=tuple(default_tax_rate_ids),
                discounts=_inherited(rows, customer_id, subscription_id, ctx.as_of) if own_stack is None else own_stack,
                tax_rates=rows.tax_rates,
                description=description,
                test_clock_id=customer.test_clock_id,
            ),
            ctx.as_of,
        )
        batch = Batch(ctx, rows, subscriptions={held.id: held} if held else {})
        if not customer.currency:
            set_currency(customer_id, wanted)
        columns = {"due_date": due_date, "metadata": dict(metadata or {}), **texts.columns()}
        columns["discount_ids"] = None if own_stack is None else [one.id for one in own_stack]
        _post(batch, draft, invoice_id, columns)
    collect_invoices(ctx=ctx, invoice_ids=invoice_ids_to_collect(batch))
    return invoice_id


def _post(batch: Batch, draft: Draft, invoice_id: str, columns: Mapping[str, Any]) -> None:
    """The draft as planned and what else is said of it, written; finalized where nothing is to be waited for."""
    refs = Refs(invoices=(invoice_id,))
    drafted = batch.add_invoice(draft.invoice, invoice_id, refs)
    batch.use_discounts([DiscountUse(used, batch.ctx.as_of, 0) for used in draft.used_discount_ids], refs)
    drafted.invoice.update(columns)
    batch.tell([PlannedEvent("invoice.created", "invoice", invoice_id)], Refs())
    finalize_new(batch)
    batch.write()


def _rows(merchant_id: str, customer_id: str, held: Row | None, tax_rate_ids: Sequence[str]) -> BillingRows:
    """All that the invoice depends on, under the customer's lock; with its subscription when it has one."""
    return load_rows(
        subscriptions=[held] if held else [],
        customer_ids=[customer_id],
        merchant_ids=[merchant_id],
        tax_rate_ids=tax_rate_ids,
        lock=True,
    )


def _waiting(rows: BillingRows, customer_id: str, subscription_id: str, currency: str) -> tuple[PendingItemFacts, ...]:
    """What is pending of the subscription alone, or of the customer without any."""
    waiting = rows.pending_for(customer_id, subscription_id, currency)
    return tuple(item for item in waiting if item.subscription_id == subscription_id)


def _own_stack(
    ctx: Context,
    customer: Customer,
    invoice_id: str,
    currency: str,
    items: Sequence[PendingItemFacts],
    asked: Sequence[DiscountRequest] | None,
) -> tuple[DiscountFacts, ...] | None:
    """The discounts that the invoice is given; None when it inherits."""
    if asked is None:
        return None
    invoice = Row({"id": invoice_id, "currency": currency, "discount_ids": None})
    return give_to_invoice(ctx, customer, invoice, sum(item.amount for item in items), asked)


def _inherited(rows: BillingRows, customer_id: str, subscription_id: str, as_of: datetime) -> tuple[DiscountFacts, ...]:
    """What counts of the subscription's discounts, else of the customer's."""
    own = rows.discounts_of_subscription(subscription_id) if subscription_id else ()
    return active_discounts(own, rows.discounts_of_customer(customer_id), as_of)


def _subscription_of(merchant_id: str, customer_id: str, subscription_id: str) -> Row | None:
    """The customer's own subscription, locked. Raises `SubscriptionNotFound`."""
    if not subscription_id:
        return None
    for row in lock_subscriptions([subscription_id]):
        if (row.merchant_id, row.customer_id) == (merchant_id, customer_id):
            return row
    raise SubscriptionNotFound


def delete_draft(*, ctx: Context, merchant_id: str, invoice_id: str) -> None:
    """A one-off draft goes; what it billed is pending again. Raises `InvoiceNotFound`, `InvoiceNotDeletable`."""
    with transaction.atomic(durable=True):
        invoice = _locked(merchant_id, invoice_id)
        if invoice.status != "draft" or invoice.subscription_id:
            raise InvoiceNotDeletable
        invoice["version"] += 1
        record_events(ctx, [invoice_event("invoice.deleted", invoice, bodies_kept([merchant_id]))])
        delete_draft_rows(merchant_id, invoice_id)
        give_uses_back(invoice_id)


def void_invoice(*, ctx: Context, merchant_id: str, invoice_id: str) -> None:
    """Nothing is owed any more; the number is kept, the billed periods are reversed and never billed again.

    Raises `InvoiceNotFound`, `InvoiceAlreadyVoid`, `InvoiceNotOpen`, `InvoiceHasPayments`, `PaymentInFlight`.
    """
    with transaction.atomic(durable=True):
        invoice = _locked(merchant_id, invoice_id)
        if invoice.status == "void":
            raise InvoiceAlreadyVoid
        if invoice.status not in ("open", "uncollectible"):
            raise InvoiceNotOpen(status=invoice.status)
        if invoice.amount_paid:
            raise InvoiceHasPayments
        canceled = void_rows(ctx, [invoice])
        close_cases(ctx, [invoice_id], CaseStatus.CLOSED)
        subscriptions_after_payment(ctx, [InvoiceNews(invoice_id, invoice.subscription_id or "", "settled")])
    cancel_at_gateway(ctx, canceled)


def send_invoice(*, ctx: Context, merchant_id: str, invoice_id: str) -> None:
    """Tell the customer of an invoice that is sent; a draft is finalized by it, which tells it too.

    Raises `InvoiceNotFound`, `InvoiceNotSent`, `InvoiceNotOpen` and what finalization refuses.
    """
    status = invoice_by_id(merchant_id, invoice_id).status
    if status == "draft":
        _check_sent(merchant_id, invoice_id)
        finalize_invoice(ctx=ctx, merchant_id=merchant_id, invoice_id=invoice_id)
        return
    with transaction.atomic(durable=True):
        invoice = _locked(merchant_id, invoice_id)
        _check_sent(merchant_id, invoice_id)
        if invoice.status not in ("open", "paid", "uncollectible"):
            raise InvoiceNotOpen(status=invoice.status)
        invoice["version"] += 1
        update_progress([invoice])
        record_events(ctx, [invoice_event("invoice.sent", invoice, bodies_kept([merchant_id]))])


def _check_sent(merchant_id: str, invoice_id: str) -> None:
    if invoice_by_id(merchant_id, invoice_id).collection_method != "send_invoice":
        raise InvoiceNotSent


def mark_uncollectible(*, ctx: Context, merchant_id: str, invoice_id: str) -> None:
    """Written off: not tried again, though it may still be paid. Raises `InvoiceNotFound`, `InvoiceNotOpen`."""
    with transaction.atomic(durable=True):
        invoice = _locked(merchant_id, invoice_id)
        if invoice.status != "open":
            raise InvoiceNotOpen(status=invoice.status)
        invoice.update(
            status="uncollectible",
            marked_uncollectible_at=ctx.as_of,
            next_payment_attempt=None,
            next_action_at=None,
            version=invoice.version + 1,
        )
        update_progress([invoice])
        kept = bodies_kept([merchant_id])
        record_events(ctx, [invoice_event("invoice.marked_uncollectible", invoice, kept, {"status": "open"})])
        close_cases(ctx, [invoice_id], CaseStatus.CLOSED)
        subscriptions_after_payment(ctx, [InvoiceNews(invoice_id, invoice.subscription_id or "", "settled")])
    apply_if_paid(ctx, invoice_id)


def _locked(merchant_id: str, invoice_id: str) -> Row:
    """The invoice under its lock, its subscription's taken first: the order in which payments are settled too."""
    owner = Invoice.objects.filter(merchant_id=merchant_id, id=invoice_id).values_list("subscription_id", flat=True)
    lock_subscriptions(found for found in owner if found)
    for row in lock_invoices([invoice_id]):
        if row.merchant_id == merchant_id:
            return row
    raise InvoiceNotFound
