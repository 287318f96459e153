"""Changing an invoice: a draft in all that is no amount, a finalized one only in what is not on the paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.selectors import payment_method_by_id
from engine.selectors import bodies_kept
from engine.services.transitions import invoice_event
from events.copying import Row
from events.writes import record_events
from invoicing.rules.finalization import invoice_next_action_at
from invoicing.selectors import InvoiceNotFound
from invoicing.writes import lock_invoices, update_columns
from merchants.models import Merchant

# What stays free once an invoice is finalized.
ALWAYS = frozenset({"metadata", "default_payment_method_id", "auto_advance"})
_SCHEDULE = ("next_action_at", "automatically_finalizes_at", "next_payment_attempt")


class InvoiceNotEditable(OstinatoError):
    code = "invoice_not_editable"
    param = "invoice"
    message_id = gettext_noop("The invoice is finalized: its %(field)s cannot be changed any more.")


class UnknownCollectionMethod(OstinatoError):
    code = "parameter_invalid_enum"
    param = "collection_method"
    message_id = gettext_noop("“%(value)s” is no way to collect: charge_automatically or send_invoice.")


class DueDatePassed(OstinatoError):
    code = "parameter_invalid"
    param = "due_date"
    message_id = gettext_noop("The due date has already passed.")


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
    default_payment_method_id: str | None = None,
) -> None:
    """Change what is sent and leave the rest; metadata is merged, a blank value removes its key.

    Raises `InvoiceNotFound`, `InvoiceNotEditable`, `UnknownCollectionMethod`, `DueDatePassed`,
    `PaymentMethodNotFound`; nothing is written then.
    """
    wanted: dict[str, Any] = {
        "description": description,
        "footer": footer,
        "metadata": metadata,
        "due_date": due_date,
        "collection_method": collection_method,
        "auto_advance": auto_advance,
        "default_payment_method_id": default_payment_method_id,
    }
    sent = {name: value for name, value in wanted.items() if value is not None}
    if collection_method not in (None, "charge_automatically", "send_invoice"):
        raise UnknownCollectionMethod(value=collection_method)
    if due_date is not None and due_date <= ctx.as_of:
        raise DueDatePassed
    with transaction.atomic():
        invoice = _locked(merchant_id, invoice_id)
        for name in sent:
            if invoice.status != "draft" and name not in ALWAYS:
                raise InvoiceNotEditable(param=name, field=name)
        if default_payment_method_id:
            payment_method_by_id(merchant_id, invoice.customer_id, default_payment_method_id)
        if metadata is not None:
            merged = {**invoice.metadata, **metadata}
            sent["metadata"] = {key: value for key, value in merged.items() if value != ""}
        previous = {name: invoice[name] for name, value in sent.items() if invoice[name] != value}
        if previous:
            _change(ctx, invoice, sent, previous)


def _locked(merchant_id: str, invoice_id: str) -> Row:
    for row in lock_invoices([invoice_id]):
        if row.merchant_id == merchant_id:
            return row
    raise InvoiceNotFound


def _change(ctx: Context, invoice: Row, sent: Mapping[str, Any], previous: dict[str, Any]) -> None:
    invoice.update(sent, version=invoice.version + 1)
    if "auto_advance" in previous:
        _reschedule(ctx, invoice)
    update_columns(invoice, (*previous, *_SCHEDULE, "version"))
    told = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in previous.items()
        if name != "default_payment_method_id"
    }
    record_events(ctx, [invoice_event("invoice.updated", invoice, bodies_kept([invoice.merchant_id]), told or None)])


def _reschedule(ctx: Context, invoice: Row) -> None:
    """A draft that is to advance again waits the merchant's grace from now; one that is not waits for nothing."""
    if invoice.status == "draft":
        grace = Merchant.objects.values_list("finalization_grace_seconds", flat=True).get(id=invoice.merchant_id)
        finalizes = ctx.as_of + timedelta(seconds=grace) if invoice.auto_advance else None
        invoice["automatically_finalizes_at"] = finalizes
    elif invoice.status == "open" and invoice.collection_method == "charge_automatically":
        invoice["next_payment_attempt"] = ctx.as_of if invoice.auto_advance else None
    invoice["next_action_at"] = invoice_next_action_at(
        status=invoice.status,
        auto_advance=invoice.auto_advance,
        automatically_finalizes_at=invoice.automatically_finalizes_at,
        next_payment_attempt=invoice.next_payment_attempt,
        due_date=invoice.due_date,
        overdue_since=invoice.overdue_since,
    )
