"""Invoice items: owed once, waiting for an invoice or on a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from catalog.models import Price
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from core.money import parse_currency
from customers.models import Customer
from customers.writes import lock_customer
from engine.rules.items import checked_period, money_of_change, money_of_request
from engine.rules.subscribing import PriceNotFound
from engine.selectors import bodies_kept
from engine.services.drafts import open_draft
from engine.services.line_discounts import give_to_item
from engine.types.items import InvoiceItemChange, InvoiceItemRequest
from events.copying import Row, new_row
from events.reading import read_rows
from events.types import EventRow
from events.writes import record_events
from invoicing.models import Invoice, InvoiceItem
from invoicing.selectors import InvoiceItemNotFound, invoice_by_id
from invoicing.snapshots import invoice_item_snapshot
from invoicing.writes import insert_invoice_items, save_item
from subscriptions.facts import price_facts
from subscriptions.models import Subscription
from subscriptions.rules.amounts import in_currency
from subscriptions.rules.prices import CustomerCurrencyMismatch, PriceNotOneTime
from subscriptions.selectors import SubscriptionNotFound
from subscriptions.types import PriceFacts
from subscriptions.writes import reverse_debits

# What an event's `previous_attributes` say of an item, by the names that its body has.
_TOLD = ("amount", "description", "discountable", "metadata", "quantity")


class ItemOnFinalizedInvoice(OstinatoError):
    code = "invoice_not_editable"
    param = "invoiceitem"
    message_id = gettext_noop("The item is on a finalized invoice: it cannot be changed or deleted any more.")


class InvoiceOfAnother(OstinatoError):
    code = "parameter_invalid"
    param = "invoice"
    message_id = gettext_noop("The invoice belongs to another customer.")


def create_invoice_item(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    invoice_id: str = "",
    subscription_id: str = "",
    request: InvoiceItemRequest | None = None,
    **values: Any,
) -> str:
    """Something owed: on the customer's (or the subscription's) next invoice, or at once on the draft `invoice_id`.

    What it is stands in `request`, or in its fields by name. Returns the item's id. Raises `AmountOrPrice`,
    `PriceNotFound`, `PriceNotOneTime`, `CustomerCurrencyMismatch`, `AmountTooLarge`, `CustomerNotFound`,
    `SubscriptionNotFound`, `InvoiceNotFound`, `InvoiceOfAnother`, `DraftIsFinalized`.
    """
    asked = request or InvoiceItemRequest(**values)
    with transaction.atomic():
        if invoice_id:
            invoice = invoice_by_id(merchant_id, invoice_id)
            if invoice.customer_id != customer_id:
                raise InvoiceOfAnother
            work = open_draft(ctx, merchant_id, invoice_id)
            subscription_id = subscription_id or work.draft.subscription_id or ""
            currency = work.draft.currency
        customer = lock_customer(merchant_id, customer_id)
        item = new_item(ctx, customer, asked, subscription_id=subscription_id, currency=currency if invoice_id else "")
        insert_invoice_items([item])
        if invoice_id:
            work.put_items([item])
            item["invoice_id"] = invoice_id
            work.save()
        record_events(ctx, [item_event("created", item, customer.test_clock_id)])
    return str(item.id)


def new_item(
    ctx: Context, customer: Customer, asked: InvoiceItemRequest, *, subscription_id: str = "", currency: str = ""
) -> Row:
    """The row of a new item of a locked customer, in `currency` when its invoice has one. Not written yet."""
    price = _one_time_price(customer.merchant_id, asked.price_id) if asked.price_id else None
    wanted = _currency_of(price, asked.currency or currency, customer.currency, customer.merchant.default_currency)
    _check_currency(currency or customer.currency, wanted)
    if subscription_id:
        _check_subscription(customer.merchant_id, customer.id, subscription_id)
    money = money_of_request(asked, _sold(price, wanted))
    start, end = checked_period(asked.period, ctx.as_of)
    discountable = asked.discountable if asked.discountable is not None else True
    row = new_row(
        InvoiceItem,
        id=new_id("ii"),
        merchant_id=customer.merchant_id,
        customer_id=customer.id,
        subscription_id=subscription_id or None,
        description=asked.description or (price.product.name if price else ""),
        currency=wanted,
        amount=money.amount,
        quantity=money.quantity,
        unit_amount_decimal=money.unit_amount_decimal,
        price_id=money.price_id,
        product_id=money.product_id,
        explanation=dict(money.told),
        discountable=discountable and money.amount >= 0,
        tax_rate_ids=list(asked.tax_rate_ids),
        metadata=dict(asked.metadata),
        period_start=start,
        period_end=end,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )
    if asked.discounts:
        row["discount_ids"] = give_to_item(ctx, customer, row, asked.discounts)
    return row


def update_invoice_item(*, ctx: Context, merchant_id: str, item_id: str, change: InvoiceItemChange) -> None:
    """Change an item that waits, or the one behind a draft's line (the draft is reckoned anew).

    Raises `InvoiceItemNotFound`, `ItemOnFinalizedInvoice`, `ProrationNotRepriced` and what pricing refuses.
    """
    with transaction.atomic():
        item = lock_item(merchant_id, item_id)
        work = open_draft(ctx, merchant_id, item.invoice_id) if item.invoice_id else None
        changed = change_item(ctx, item, change)
        if changed and work is not None:
            work.show_item(item)
            work.save()


def change_item(ctx: Context, item: Row, change: InvoiceItemChange) -> bool:
    """Write what the change makes of a locked item; whether it changed anything."""
    values = _changed_values(item, change)
    if change.discounts is not None:
        owner = Customer.objects.get(id=item.customer_id)
        values["discount_ids"] = give_to_item(ctx, owner, item, change.discounts)
    previous = {name: item[name] for name, value in values.items() if item[name] != value}
    if not previous:
        return False
    item.update(values)
    save_item(item, tuple(previous))
    told = {
        name: value for name, value in previous.items() if name in ("amount", "description", "quantity", "metadata")
    }
    record_events(ctx, [item_event("updated", item, _clock_of(item), told or None)])
    return True


def delete_invoice_item(*, ctx: Context, merchant_id: str, item_id: str) -> None:
    """Nothing is owed for it. Taken off its draft; a proration's debit is reversed, a proration's credit given up.

    Raises `InvoiceItemNotFound`, `ItemOnFinalizedInvoice`.
    """
    with transaction.atomic():
        item = lock_item(merchant_id, item_id)
        if item.invoice_id:
            work = open_draft(ctx, merchant_id, item.invoice_id)
            work.take_off(work.position(lambda row: row.invoice_item_id == item_id, item_id))
            work.save()
        drop_item(ctx, item)


def drop_item(ctx: Context, item: Row) -> None:
    """Mark a locked item, on no line any more, as deleted."""
    item.update(deleted_at=ctx.as_of, invoice_id="")
    save_item(item, ("deleted_at", "invoice_id"))
    if item.billed_period_id:
        reverse_debits([item.billed_period_id], ctx.as_of)
    record_events(ctx, [item_event("deleted", item, _clock_of(item))])


def lock_item(merchant_id: str, item_id: str) -> Row:
    """An item that may be changed, under its customer's lock unless its draft's caller holds it.

    Raises `InvoiceItemNotFound`, `ItemOnFinalizedInvoice`.
    """
    rows = InvoiceItem.objects.filter(merchant_id=merchant_id, id=item_id, deleted_at__isnull=True)
    values = rows.values().first()
    if values is None:
        raise InvoiceItemNotFound
    if values["invoice_id"]:
        status = Invoice.objects.values_list("status", flat=True).get(id=values["invoice_id"])
        if status != "draft":
            raise ItemOnFinalizedInvoice
        return Row(values)
    lock_customer(merchant_id, values["customer_id"])
    # Read again under the lock: an invoice may have swept it meanwhile.
    fresh = Row(rows.values().get())
    return fresh if fresh.invoice_id == "" else lock_item(merchant_id, item_id)


def item_event(what: str, item: Row, clock_id: str | None, previous: Mapping[str, Any] | None = None) -> EventRow:
    return EventRow(
        merchant_id=item.merchant_id,
        type=f"invoiceitem.{what}",
        object_type="invoiceitem",
        object_id=item.id,
        object_version=item.version,
        customer_id=item.customer_id,
        body=invoice_item_snapshot(item) if bodies_kept([item.merchant_id]) else None,
        previous_attributes=dict(previous) if previous else None,
        test_clock_id=clock_id,
    )


def _changed_values(item: Row, change: InvoiceItemChange) -> dict[str, Any]:
    """The columns that the change sets. Raises what pricing refuses."""
    values: dict[str, Any] = {}
    if change.reprices:
        wanted = change.price_id or (item.price_id if _only_quantity(change) else "")
        price = _one_time_price(item.merchant_id, wanted) if wanted else None
        money = money_of_change(item, change, _sold(price, item.currency))
        values |= {
            "amount": money.amount,
            "quantity": money.quantity,
            "unit_amount_decimal": money.unit_amount_decimal,
            "price_id": money.price_id,
            "product_id": money.product_id,
            "explanation": dict(money.told),
        }
        if change.price_id and price is not None and change.description is None:
            values["description"] = price.product.name
    if change.description is not None:
        values["description"] = change.description
    if change.period is not None:
        values["period_start"], values["period_end"] = checked_period(change.period, item.created)
    if change.tax_rate_ids is not None:
        values["tax_rate_ids"] = list(change.tax_rate_ids)
    if change.discountable is not None:
        values["discountable"] = change.discountable
    if values.get("amount", item.amount) < 0:
        values["discountable"] = False
    if change.metadata is not None:
        merged = {**item.metadata, **change.metadata}
        values["metadata"] = {key: value for key, value in merged.items() if value != ""}
    return values


def _only_quantity(change: InvoiceItemChange) -> bool:
    return change.amount is None and change.unit_amount_decimal is None and change.price_id is None


def _clock_of(item: Row) -> str | None:
    return Customer.objects.values_list("test_clock_id", flat=True).get(id=item.customer_id)


def _sold(price: Price | None, currency: str) -> PriceFacts | None:
    return in_currency(price_facts(price, price.product), currency) if price else None


def _one_time_price(merchant_id: str, price_id: str) -> Price:
    price = Price.objects.select_related("product").filter(merchant_id=merchant_id, id=price_id).first()
    if price is None:
        raise PriceNotFound(price=price_id)
    if price.interval:
        raise PriceNotOneTime(param="price", price=price_id)
    return price


def _currency_of(price: Price | None, currency: str, customer_currency: str, default: str) -> str:
    """The one that is asked for, else the customer's where the price is sold in it, else the price's own."""
    if price is None:
        return parse_currency(currency or customer_currency or default)
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


def items_of(merchant_id: str, item_ids: Sequence[str]) -> dict[str, Row]:
    """Items by id, deleted ones left out."""
    rows = InvoiceItem.objects.filter(merchant_id=merchant_id, id__in=item_ids, deleted_at__isnull=True)
    return {row.id: row for row in read_rows(rows)}
