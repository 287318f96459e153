"""One-off invoices and their items, and the ends of any invoice: void, written off, deleted while a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from catalog.models import Price
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from core.money import check_amount, parse_currency
from customers.writes import lock_customer, set_currency
from dunning.models import CaseStatus
from dunning.writes import close_cases
from engine.posting.batch import Batch
from engine.posting.refs import Refs
from engine.rules.drafting import plan_manual_invoice
from engine.rules.subscribing import PriceNotFound
from engine.selectors import bodies_kept, load_rows
from engine.services.collect import cancel_at_gateway, collect_invoices
from engine.services.finalize import finalize_new, invoice_ids_to_collect
from engine.services.pending_updates import apply_if_paid
from engine.services.transitions import InvoiceNews, invoice_event, subscriptions_after_payment
from engine.services.voiding import void_rows
from engine.types import ManualInvoiceSnapshot, PlannedEvent
from events.copying import Row, new_row
from events.types import EventRow
from events.writes import record_events
from invoicing.models import Invoice, InvoiceItem
from invoicing.selectors import InvoiceNotFound
from invoicing.snapshots import invoice_item_snapshot
from invoicing.writes import delete_draft_rows, insert_invoice_items, lock_invoices, update_progress
from subscriptions.facts import price_facts
from subscriptions.models import Subscription
from subscriptions.rules.amounts import in_currency, line_amount
from subscriptions.rules.prices import CustomerCurrencyMismatch, PriceNotOneTime
from subscriptions.selectors import SubscriptionNotFound
from subscriptions.writes import lock_subscriptions


class InvoiceNotOpen(OstinatoError):
    code = "invoice_not_open"
    param = "invoice"
    message_id = gettext_noop("The invoice is %(status)s: this can only be done to an open one.")


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


class AmountOrPrice(OstinatoError):
    code = "parameter_missing"
    param = "amount"
    message_id = gettext_noop("Say either an amount or a one-time price.")


def create_invoice_item(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    currency: str = "",
    amount: int | None = None,
    price_id: str = "",
    quantity: int = 1,
    description: str = "",
    subscription_id: str = "",
    tax_rate_ids: Sequence[str] = (),
    discountable: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> str:
    """Something owed that goes on the customer's (or the subscription's) next invoice. Returns its id.

    `amount` in minor units (negative is a credit), or a one-time price. Raises `AmountOrPrice`, `PriceNotFound`,
    `PriceNotOneTime`, `CustomerCurrencyMismatch`, `AmountTooLarge`, `CustomerNotFound`, `SubscriptionNotFound`.
    """
    if (amount is None) == (not price_id):
        raise AmountOrPrice
    price = _one_time_price(merchant_id, price_id) if price_id else None
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        wanted = _currency_of(price, currency, customer.currency)
        _check_currency(customer.currency, wanted)
        if subscription_id:
            _check_subscription(merchant_id, customer_id, subscription_id)
        sold = in_currency(price_facts(price, price.product), wanted) if price else None
        total = line_amount(sold, quantity) if sold else amount or 0
        item = new_row(
            InvoiceItem,
            id=new_id("ii"),
            merchant_id=merchant_id,
            customer_id=customer_id,
            subscription_id=subscription_id or None,
            description=description or (price.product.name if price else ""),
            currency=wanted,
            amount=check_amount(total),
            quantity=quantity,
            unit_amount_decimal=sold.unit_amount_decimal if sold and sold.billing_scheme == "per_unit" else None,
            price_id=price_id,
            product_id=price.product_id if price else "",
            discountable=discountable and total >= 0,
            tax_rate_ids=list(tax_rate_ids),
            metadata=dict(metadata or {}),
            period_start=ctx.as_of,
            period_end=ctx.as_of,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        insert_invoice_items([item])
        record_events(ctx, [_item_event(item, customer.test_clock_id)])
    return str(item.id)


def create_invoice(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    currency: str = "",
    collection_method: str = "charge_automatically",
    auto_advance: bool = True,
    due_date: datetime | None = None,
    default_payment_method_id: str = "",
    default_tax_rate_ids: Sequence[str] = (),
    description: str = "",
    metadata: Mapping[str, str] | None = None,
) -> str:
    """A one-off invoice of what the customer has pending: a draft, or with no grace finalized at once. Its id.

    Raises `NothingToInvoice`, `CustomerNotFound`, and what drafting refuses.
    """
    with transaction.atomic(durable=True):
        customer = lock_customer(merchant_id, customer_id)
        rows = load_rows(
            customer_ids=[customer_id], merchant_ids=[merchant_id], tax_rate_ids=default_tax_rate_ids, lock=True
        )
        wanted = currency or customer.currency or rows.merchants[merchant_id].default_currency
        planned = plan_manual_invoice(
            ManualInvoiceSnapshot(
                merchant_id=merchant_id,
                billing_entity_id=rows.default_entity_id(merchant_id),
                customer=rows.customer(customer_id),
                settings=rows.settings[merchant_id],
                currency=parse_currency(wanted),
                pending_items=rows.pending_for(customer_id, "", wanted),
                collection_method=collection_method,
                auto_advance=auto_advance,
                default_payment_method_id=default_payment_method_id,
                default_tax_rate_ids=tuple(default_tax_rate_ids),
                discounts=rows.discounts_of_customer(customer_id),
                tax_rates=rows.tax_rates,
                description=description,
                test_clock_id=customer.test_clock_id,
            ),
            ctx.as_of,
        )
        batch = Batch(ctx, rows)
        if not customer.currency:
            set_currency(customer_id, wanted)
        invoice_id = new_id("in")
        drafted = batch.add_invoice(planned, invoice_id, Refs(invoices=(invoice_id,)))
        drafted.invoice.update(due_date=due_date, metadata=dict(metadata or {}))
        batch.tell([PlannedEvent("invoice.created", "invoice", invoice_id)], Refs())
        finalize_new(batch)
        batch.write()
    collect_invoices(ctx=ctx, invoice_ids=invoice_ids_to_collect(batch))
    return invoice_id


def delete_draft(*, ctx: Context, merchant_id: str, invoice_id: str) -> None:
    """A one-off draft goes; what it billed is pending again. Raises `InvoiceNotFound`, `InvoiceNotDeletable`."""
    with transaction.atomic(durable=True):
        invoice = _locked(merchant_id, invoice_id)
        if invoice.status != "draft" or invoice.subscription_id:
            raise InvoiceNotDeletable
        invoice["version"] += 1
        record_events(ctx, [invoice_event("invoice.deleted", invoice, bodies_kept([merchant_id]))])
        delete_draft_rows(merchant_id, invoice_id)


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


def _one_time_price(merchant_id: str, price_id: str) -> Price:
    price = Price.objects.select_related("product").filter(merchant_id=merchant_id, id=price_id).first()
    if price is None:
        raise PriceNotFound(price=price_id)
    if price.interval:
        raise PriceNotOneTime(price=price_id)
    return price


def _currency_of(price: Price | None, currency: str, customer_currency: str) -> str:
    """The one that is asked for, else the customer's where the price is sold in it, else the price's own."""
    if price is None:
        return parse_currency(currency or customer_currency)
    if currency:
        return parse_currency(currency)
    return customer_currency if customer_currency in price.currency_options else price.currency


def _check_currency(expected: str, currency: str) -> None:
    if expected and expected != currency:
        raise CustomerCurrencyMismatch(customer_currency=expected.upper(), currency=currency.upper())


def _check_subscription(merchant_id: str, customer_id: str, subscription_id: str) -> None:
    of_customer = Subscription.objects.filter(merchant_id=merchant_id, customer_id=customer_id, id=subscription_id)
    if not of_customer.exists():
        raise SubscriptionNotFound


def _item_event(item: Row, clock_id: str | None) -> EventRow:
    return EventRow(
        merchant_id=item.merchant_id,
        type="invoiceitem.created",
        object_type="invoiceitem",
        object_id=item.id,
        object_version=item.version,
        customer_id=item.customer_id,
        body=invoice_item_snapshot(item) if bodies_kept([item.merchant_id]) else None,
        test_clock_id=clock_id,
    )
