"""Changing an invoice: a draft in all beside its lines, a finalized one only in its memo, metadata and collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer
from customers.selectors import payment_method_by_id
from engine.rules.scheduling import check_schedule
from engine.selectors import bodies_kept
from engine.services.drafts import open_draft
from engine.services.line_discounts import give_to_invoice
from engine.services.transitions import invoice_event
from engine.types import DiscountRequest
from engine.types.invoices import NO_TEXTS, InvoiceTexts
from events.copying import Row
from events.writes import record_events
from invoicing.rules.finalization import invoice_next_action_at
from invoicing.selectors import InvoiceNotFound
from invoicing.writes import lock_invoices, set_default_tax_rates, set_own_discounts, update_columns
from merchants.models import Merchant
from subscriptions.writes import give_uses_back

# What stays free once an invoice is finalized.
ALWAYS = frozenset({"metadata", "default_payment_method_id", "auto_advance", "description"})
_SCHEDULE = ("auto_advance", "next_action_at", "automatically_finalizes_at", "next_payment_attempt")


class InvoiceNotEditable(OstinatoError):
    code = "invoice_not_editable"
    param = "invoice"
    message_id = gettext_noop("The invoice is finalized: its %(field)s cannot be changed any more.")


class UnknownCollectionMethod(OstinatoError):
    code = "parameter_invalid_enum"
    param = "collection_method"
    message_id = gettext_noop("“%(value)s” is no way to collect: charge_automatically or send_invoice.")


def update_invoice(
    *,
    ctx: Context,
    merchant_id: str,
    invoice_id: str,
    description: str | None = None,
    footer: str | None = None,
    metadata: Mapping[str, str] | None = None,
    due_date: datetime | None = None,
    collection_method: str | None = None,
    auto_advance: bool | None = None,
    automatically_finalizes_at: datetime | None = None,
    default_payment_method_id: str | None = None,
    default_tax_rate_ids: Sequence[str] | None = None,
    texts: InvoiceTexts = NO_TEXTS,
    discounts: Sequence[DiscountRequest] | None = None,
) -> None:
    """Change what is sent and leave the rest; metadata is merged, a blank value removes its key.

    New default tax rates tax every line again that has none of its own; `discounts` take the place of those that the
    invoice has or inherits, () of all. Raises `InvoiceNotFound`,
    `InvoiceNotEditable`, `UnknownCollectionMethod`, `DueDatePassed`, `DueDateOfCharge`, `FinalizesWhen`,
    `PaymentMethodNotFound`; nothing is written then.
    """
    wanted: dict[str, Any] = {
        "description": description,
        "metadata": metadata,
        "due_date": due_date,
        "collection_method": collection_method,
        "auto_advance": auto_advance,
        "automatically_finalizes_at": automatically_finalizes_at,
        "default_payment_method_id": default_payment_method_id,
    }
    sent = {name: value for name, value in wanted.items() if value is not None} | texts.columns()
    if footer is not None:
        sent["footer"] = footer
    if collection_method not in (None, "charge_automatically", "send_invoice"):
        raise UnknownCollectionMethod(value=collection_method)
    with transaction.atomic():
        invoice = _locked(merchant_id, invoice_id)
        reckoned = {"default_tax_rates": default_tax_rate_ids, "discounts": discounts}
        _check_free(invoice, [*sent, *(name for name, value in reckoned.items() if value is not None)])
        check_schedule(ctx.as_of, collection_method or invoice.collection_method, due_date, automatically_finalizes_at)
        if sent.get("collection_method", "send_invoice") != "send_invoice":
            sent["due_date"] = None
        if default_payment_method_id:
            payment_method_by_id(merchant_id, invoice.customer_id, default_payment_method_id)
        if metadata is not None:
            merged = {**invoice.metadata, **metadata}
            sent["metadata"] = {key: value for key, value in merged.items() if value != ""}
        previous = {name: invoice[name] for name, value in sent.items() if invoice[name] != value}
        if previous:
            _change(ctx, invoice, sent, previous)
        if default_tax_rate_ids is not None and list(default_tax_rate_ids) != invoice.default_tax_rate_ids:
            _retax(ctx, invoice, list(default_tax_rate_ids))
        if discounts is not None:
            _discount(ctx, invoice, discounts)


def _check_free(invoice: Row, names: Iterable[str]) -> None:
    for name in names:
        if invoice.status != "draft" and name not in ALWAYS:
            raise InvoiceNotEditable(param=name, field=name)


def _retax(ctx: Context, invoice: Row, rates: list[str]) -> None:
    work = open_draft(ctx, invoice.merchant_id, invoice.id)
    set_default_tax_rates(work.draft, rates)
    work.retax()
    work.save({"default_tax_rates": list(invoice.default_tax_rate_ids)})


def _discount(ctx: Context, invoice: Row, asked: Sequence[DiscountRequest]) -> None:
    work = open_draft(ctx, invoice.merchant_id, invoice.id)
    owner = Customer.objects.get(id=invoice.customer_id)
    stack = give_to_invoice(ctx, owner, work.draft, sum(line.amount for line in work.planned), asked)
    before = list(invoice.discount_ids or ())
    set_own_discounts(work.draft, [one.id for one in stack])
    give_uses_back(invoice.id)
    work.save({"discounts": before})


def _locked(merchant_id: str, invoice_id: str) -> Row:
    for row in lock_invoices([invoice_id]):
        if row.merchant_id == merchant_id:
            return row
    raise InvoiceNotFound


def _change(ctx: Context, invoice: Row, sent: Mapping[str, Any], previous: dict[str, Any]) -> None:
    invoice.update(sent, version=invoice.version + 1)
    if "auto_advance" in previous or "automatically_finalizes_at" in previous:
        _reschedule(ctx, invoice, sent.get("automatically_finalizes_at"))
    elif "due_date" in previous:
        invoice["next_action_at"] = _due_moment(invoice)
    update_columns(invoice, (*previous, *_SCHEDULE, "version"))
    told = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in previous.items()
        if name != "default_payment_method_id"
    }
    record_events(ctx, [invoice_event("invoice.updated", invoice, bodies_kept([invoice.merchant_id]), told or None)])


def _reschedule(ctx: Context, invoice: Row, finalizes_at: datetime | None) -> None:
    """A draft that is to advance again waits the merchant's grace from now (or until `finalizes_at`)."""
    if invoice.status == "draft":
        invoice["auto_advance"] = invoice.auto_advance or finalizes_at is not None
        grace = Merchant.objects.values_list("finalization_grace_seconds", flat=True).get(id=invoice.merchant_id)
        waits_until = finalizes_at or ctx.as_of + timedelta(seconds=grace)
        invoice["automatically_finalizes_at"] = waits_until if invoice.auto_advance else None
    elif invoice.status == "open" and invoice.collection_method == "charge_automatically":
        invoice["next_payment_attempt"] = ctx.as_of if invoice.auto_advance else None
    invoice["next_action_at"] = _due_moment(invoice)


def _due_moment(invoice: Row) -> datetime | None:
    return invoice_next_action_at(
        status=invoice.status,
        auto_advance=invoice.auto_advance,
        automatically_finalizes_at=invoice.automatically_finalizes_at,
        next_payment_attempt=invoice.next_payment_attempt,
        due_date=invoice.due_date,
        overdue_since=invoice.overdue_since,
    )
