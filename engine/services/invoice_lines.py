"""Lines put on a draft, changed, taken off: each change of a line is one of the invoice item behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.writes import lock_customer
from engine.services.drafts import DraftAtWork, open_draft
from engine.services.invoice_items import change_item, drop_item, item_event, items_of, new_item
from engine.types.items import InvoiceItemChange, InvoiceItemRequest
from events.copying import Row
from events.writes import record_events
from invoicing.selectors import InvoiceItemNotFound
from invoicing.writes import insert_invoice_items, save_item


class LineOfSubscription(OstinatoError):
    code = "invoice_line_of_subscription"
    param = "lines"
    message_id = gettext_noop(
        "This line is billed by a subscription: only its description, metadata and tax rates can be changed."
    )


class ItemNotPending(OstinatoError):
    code = "parameter_invalid"
    param = "lines[invoice_item]"
    message_id = gettext_noop("The invoice item %(item)s is on an invoice already.")


def add_lines(
    *,
    ctx: Context,
    merchant_id: str,
    invoice_id: str,
    lines: Sequence[InvoiceItemRequest | str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Put lines on a draft: new ones, or pending items by their ids.

    Raises `InvoiceNotFound`, `DraftIsFinalized`, `InvoiceItemNotFound`, `ItemNotPending` and what items refuse;
    nothing is written then.
    """
    with transaction.atomic():
        work = open_draft(ctx, merchant_id, invoice_id)
        customer = lock_customer(merchant_id, work.draft.customer_id)
        waiting = items_of(merchant_id, [one for one in lines if isinstance(one, str)])
        items: list[Row] = []
        for one in lines:
            if isinstance(one, str):
                items.append(_pending(waiting, one, work.draft.customer_id))
                continue
            made = new_item(
                ctx,
                customer,
                one,
                subscription_id=work.draft.subscription_id or "",
                currency=work.draft.currency,
            )
            insert_invoice_items([made])
            record_events(ctx, [item_event("created", made, customer.test_clock_id)])
            items.append(made)
        work.put_items(items)
        _relabel(work, metadata)
        work.save()


def update_lines(
    *,
    ctx: Context,
    merchant_id: str,
    invoice_id: str,
    changes: Sequence[tuple[str, InvoiceItemChange]],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Change lines of a draft, by line id. A subscription's line only in what is no amount.

    Raises `InvoiceNotFound`, `DraftIsFinalized`, `LineNotFound`, `LineOfSubscription` and what items refuse.
    """
    with transaction.atomic():
        work = open_draft(ctx, merchant_id, invoice_id)
        items = items_of(merchant_id, [row.invoice_item_id for row in work.lines if row.invoice_item_id])
        for line_id, change in changes:
            index = work.position(_is(line_id), line_id)
            item = items.get(work.lines[index].invoice_item_id)
            if item is None:
                _change_subscription_line(work, index, change)
            elif change_item(ctx, item, change):
                work.show_item(item)
        _relabel(work, metadata)
        work.save()


def remove_lines(
    *,
    ctx: Context,
    merchant_id: str,
    invoice_id: str,
    lines: Sequence[tuple[str, bool]],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Take lines off a draft: (line id, whether its item is deleted; else it is pending again).

    Raises `InvoiceNotFound`, `DraftIsFinalized`, `LineNotFound`, `LineOfSubscription`.
    """
    with transaction.atomic():
        work = open_draft(ctx, merchant_id, invoice_id)
        items = items_of(merchant_id, [row.invoice_item_id for row in work.lines if row.invoice_item_id])
        for line_id, is_deleted in lines:
            index = work.position(_is(line_id), line_id)
            item = items.get(work.lines[index].invoice_item_id)
            if item is None:
                raise LineOfSubscription
            work.take_off(index)
            if is_deleted:
                drop_item(ctx, item)
            else:
                item["invoice_id"] = ""
                save_item(item, ("invoice_id",))
        _relabel(work, metadata)
        work.save()


def _change_subscription_line(work: DraftAtWork, index: int, change: InvoiceItemChange) -> None:
    beyond = (change.period, change.discountable, change.discounts)
    if change.reprices or any(value is not None for value in beyond):
        raise LineOfSubscription
    row, planned = work.lines[index], work.planned[index]
    if change.description is not None:
        planned = replace(planned, description=change.description)
    if change.tax_rate_ids is not None and not planned.taxes_are_given:
        planned = replace(planned, tax_rate_ids=change.tax_rate_ids or tuple(work.draft.default_tax_rate_ids))
    if change.metadata is not None:
        merged = {**row.metadata, **change.metadata}
        row["metadata"] = {key: value for key, value in merged.items() if value != ""}
    work.planned[index] = planned


def _pending(waiting: Mapping[str, Row], item_id: str, customer_id: str) -> Row:
    item = waiting.get(item_id)
    if item is None or item.customer_id != customer_id:
        raise InvoiceItemNotFound(param="lines[invoice_item]")
    if item.invoice_id:
        raise ItemNotPending(item=item_id)
    return item


def _relabel(work: DraftAtWork, metadata: Mapping[str, str] | None) -> None:
    if metadata is not None:
        merged = {**work.draft.metadata, **metadata}
        work.relabel({key: value for key, value in merged.items() if value != ""})


def _is(line_id: str) -> Callable[[Row], bool]:
    return lambda row: bool(row.id == line_id)
