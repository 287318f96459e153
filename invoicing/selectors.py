"""Reads of invoices and what hangs on them. Always within one merchant, but for what the runs read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Prefetch, Q, QuerySet

from core.errors import OstinatoError, gettext_noop
from events.statements import Statement
from invoicing.facts import credited_line, line_to_credit
from invoicing.models import (
    CreditNote,
    CreditNoteLine,
    Invoice,
    InvoiceItem,
    InvoiceLine,
    InvoiceLineTax,
    NumberSeries,
)
from invoicing.rules.credit_notes import LineLeft, PlannedCreditLine, line_left
from invoicing.rules.numbering import customer_prefix


class InvoiceNotFound(OstinatoError):
    code = "resource_missing"
    param = "invoice"
    message_id = gettext_noop("There is no such invoice.")


class CreditNoteNotFound(OstinatoError):
    code = "resource_missing"
    param = "credit_note"
    message_id = gettext_noop("There is no such credit note.")


class InvoiceItemNotFound(OstinatoError):
    code = "resource_missing"
    param = "invoice_item"
    message_id = gettext_noop("There is no such invoice item.")


def invoices(merchant_id: str) -> QuerySet[Invoice]:
    """The merchant's invoices, the latest first."""
    return Invoice.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def invoice_by_id(merchant_id: str, invoice_id: str) -> Invoice:
    """One invoice with its customer. Raises `InvoiceNotFound`, for another merchant's too."""
    found = invoices(merchant_id).select_related("customer", "merchant").filter(id=invoice_id).first()
    if found is None:
        raise InvoiceNotFound
    return found


def invoice_by_hosted_token(hosted_token: str) -> Invoice:
    """The invoice of a hosted page's URL; the token cannot be guessed. Raises `InvoiceNotFound`."""
    found = Invoice.objects.select_related("customer", "merchant").filter(hosted_token=hosted_token).first()
    if found is None or not hosted_token:
        raise InvoiceNotFound
    return found


def invoice_lines(invoice: Invoice) -> list[InvoiceLine]:
    """The invoice's lines in order, each with its taxes: two queries."""
    return list(
        InvoiceLine.objects.filter(merchant_id=invoice.merchant_id, invoice_id=invoice.id)
        .order_by("position", "id")
        .prefetch_related(Prefetch("taxes", InvoiceLineTax.objects.order_by("id")))
    )


def lines_of(invoice_ids: Sequence[str]) -> dict[str, list[InvoiceLine]]:
    """The lines of many invoices, in order, by invoice; each with its taxes. Two queries whatever their number."""
    found: dict[str, list[InvoiceLine]] = {invoice_id: [] for invoice_id in invoice_ids}
    rows = (
        InvoiceLine.objects.filter(invoice_id__in=invoice_ids)
        .order_by("invoice_id", "position", "id")
        .prefetch_related(Prefetch("taxes", InvoiceLineTax.objects.order_by("id")))
    )
    for line in rows:
        found[line.invoice_id].append(line)
    return found


def pending_items(merchant_id: str, customer_id: str) -> QuerySet[InvoiceItem]:
    """What the customer owes and waits for an invoice, the oldest first."""
    return InvoiceItem.objects.filter(
        merchant_id=merchant_id, customer_id=customer_id, invoice_id="", deleted_at__isnull=True
    ).order_by("created", "id")


def pending_items_of(customer_ids: Iterable[str]) -> list[InvoiceItem]:
    """All pending items of many customers (ids are unique over merchants), the oldest first. One query."""
    return list(
        InvoiceItem.objects.filter(
            customer_id__in=list(customer_ids), invoice_id="", deleted_at__isnull=True, held_for_invoice_id=""
        ).order_by("created", "id")
    )


def credit_notes(merchant_id: str) -> QuerySet[CreditNote]:
    """The merchant's credit notes, the latest first."""
    return CreditNote.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def credit_note_by_id(merchant_id: str, credit_note_id: str) -> CreditNote:
    """One credit note. Raises `CreditNoteNotFound`, for another merchant's too."""
    found = credit_notes(merchant_id).select_related("invoice", "customer").filter(id=credit_note_id).first()
    if found is None:
        raise CreditNoteNotFound
    return found


def credit_note_lines(credit_note_id: str) -> list[CreditNoteLine]:
    """Its lines, in order."""
    return list(CreditNoteLine.objects.filter(credit_note_id=credit_note_id).order_by("position", "id"))


def lines_left(invoice_id: str) -> tuple[LineLeft, ...]:
    """The lines of an invoice less what standing credit notes took back of each. Three queries."""
    credited: dict[str, list[PlannedCreditLine]] = {}
    issued = CreditNoteLine.objects.filter(credit_note__invoice_id=invoice_id, credit_note__status="issued")
    for row in issued.order_by("id"):
        credited.setdefault(row.invoice_line_id, []).append(credited_line(row))
    return tuple(
        line_left(line_to_credit(line, line.taxes.all()), credited.get(line.id, ()))
        for line in lines_of([invoice_id])[invoice_id]
    )


def series_of(billing_entity_ids: Iterable[str]) -> dict[str, NumberSeries]:
    """Each billing entity's own number series."""
    rows = NumberSeries.objects.filter(billing_entity_id__in=set(billing_entity_ids), customer_id="")
    return {series.billing_entity_id: series for series in rows}


def customer_numbers(merchant_id: str, customer_ids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """(prefix, next number) of each customer's own invoices, whether or not any was numbered so. One query."""
    wanted = list(customer_ids)
    rows = NumberSeries.objects.filter(merchant_id=merchant_id, customer_id__in=wanted).exclude(customer_id="")
    known = {series.customer_id: (series.prefix, series.next_number) for series in rows}
    return {one: known.get(one) or (customer_prefix(one), 1) for one in wanted}


def late_invoices() -> QuerySet[Invoice]:
    """What makes its customer delinquent: open, and either a payment failed or the due date has passed.

    A first invoice that was never paid is no debt: its subscription does not begin.
    """
    late = Q(overdue_since__isnull=False) | Q(attempt_count__gt=0) & ~Q(billing_reason="subscription_create")
    return Invoice.objects.filter(late, status="open")


def subscription_ids_of(invoice_ids: Iterable[str]) -> set[str]:
    """The subscriptions that these invoices bill. One query."""
    return {subscription_id for (subscription_id,) in _subscription_ids.tuples(ids=invoice_ids)}


_subscription_ids = Statement(
    lambda ids: Invoice.objects.filter(id__any=ids, subscription__isnull=False).values_list("subscription_id")
)
