"""Batch writers of invoices. They never open a transaction: their caller's holds what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.copying import Row, insert_rows, update_rows
from events.statements import Statement
from invoicing.models import (
    CreditNote,
    CreditNoteLine,
    Invoice,
    InvoiceItem,
    InvoiceLine,
    InvoiceLineTax,
    NumberSeries,
)
from invoicing.rules.numbering import customer_prefix

# What finalization sets on a draft. The freeze begins with it.
FINALIZED_FIELDS = (
    "status",
    "number_series_id",
    "number_value",
    "number",
    "starting_balance",
    "balance_applied",
    "amount_due",
    "amount_remaining",
    "next_payment_attempt",
    "next_action_at",
    "automatically_finalizes_at",
    "due_date",
    "finalized_at",
    "paid_at",
    "payment_intent_id",
    "seller_snapshot",
    "customer_snapshot",
    "hosted_token",
    "version",
)
# What reckoning a draft anew may change.
DRAFT_AMOUNTS = (
    "lines_gross",
    "total_discount",
    "credit_grants_applied",
    "inclusive_tax_backed_out",
    "inclusive_tax",
    "exclusive_tax",
    "total",
    "amount_due",
    "amount_remaining",
)
LINE_AMOUNTS = (
    "description",
    "amount",
    "quantity",
    "discount_amount",
    "discount_amounts",
    "credit_amounts",
    "discountable",
    "explanation",
)
# What an edit of a draft may change beside.
LINE_COLUMNS = (
    *LINE_AMOUNTS,
    "unit_amount_decimal",
    "price_id",
    "product_id",
    "period_start",
    "period_end",
    "metadata",
)
# What may move once an invoice is finalized.
PROGRESS_FIELDS = (
    "status",
    "amount_paid",
    "amount_remaining",
    "attempt_count",
    "attempted",
    "auto_advance",
    "next_payment_attempt",
    "next_action_at",
    "automatically_finalizes_at",
    "overdue_since",
    "paid_at",
    "voided_at",
    "marked_uncollectible_at",
    "payment_intent_id",
    "pre_payment_credit_notes_amount",
    "post_payment_credit_notes_amount",
    "version",
)


class NoNumberSeries(OstinatoError):
    code = "number_series_missing"
    message_id = gettext_noop("The billing entity %(billing_entity)s has no number series.")


@dataclass(frozen=True, slots=True)
class NumberBlock:
    """`count` numbers from `first` on, taken from one series in this transaction."""

    series_id: str
    prefix: str
    padding: int
    first: int
    count: int


def lock_invoices(invoice_ids: Iterable[str]) -> list[Row]:
    """The rows, locked in id order so that two workers never wait for each other in a circle."""
    return _held.rows(ids=invoice_ids)


_held = Statement(lambda ids: Invoice.objects.filter(id__any=ids).order_by("id").select_for_update(no_key=True))


def insert_number_series(ctx: Context, *, merchant_id: str, billing_entity_id: str, prefix: str) -> NumberSeries:
    """A new billing entity's numbers, from 1."""
    return NumberSeries.objects.create(
        merchant_id=merchant_id,
        billing_entity_id=billing_entity_id,
        prefix=prefix,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def take_numbers(counts: Mapping[str, int]) -> dict[str, NumberBlock]:
    """A block of numbers for each billing entity: {entity id: how many}. Held until the transaction ends.

    The series' rows are locked in id order and as late as the caller can: from here on other workers of the
    same entity wait. A rollback gives the numbers back, so there are no gaps. Raises `NoNumberSeries`.
    """
    if not counts:
        return {}
    statement = """
        WITH wanted AS MATERIALIZED (
            SELECT s.id, w.count FROM invoicing_numberseries s
            JOIN unnest(%s::text[], %s::bigint[]) AS w(entity, count) ON s.billing_entity_id = w.entity
            WHERE s.customer_id = ''
            ORDER BY s.id FOR NO KEY UPDATE OF s
        )
        UPDATE invoicing_numberseries s SET next_number = s.next_number + wanted.count
        FROM wanted WHERE s.id = wanted.id
        RETURNING s.billing_entity_id, s.id, s.prefix, s.padding, s.next_number - wanted.count, wanted.count
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(counts), list(counts.values())])
        blocks = {row[0]: NumberBlock(*row[1:]) for row in cursor.fetchall()}
    for entity_id in counts:
        if entity_id not in blocks:
            raise NoNumberSeries(billing_entity=entity_id)
    return blocks


def take_customer_numbers(
    ctx: Context, counts: Mapping[str, int], owners: Mapping[str, tuple[str, str]]
) -> dict[str, NumberBlock]:
    """As `take_numbers`, for the customers' own series: {customer id: how many}. One that has none begins at 1.

    `owners`: (merchant id, billing entity id) of each customer. The customers' rows are locked by the caller.
    """
    if not counts:
        return {}
    known = set(NumberSeries.objects.filter(customer_series(owners)).values_list("customer_id", flat=True))
    NumberSeries.objects.bulk_create(
        NumberSeries(
            merchant_id=owners[customer_id][0],
            billing_entity_id=owners[customer_id][1],
            customer_id=customer_id,
            prefix=customer_prefix(customer_id),
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        for customer_id in sorted(set(counts) - known)
    )
    statement = """
        WITH wanted AS MATERIALIZED (
            SELECT s.id, w.count FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS w(merchant, customer, count)
            JOIN invoicing_numberseries s ON s.merchant_id = w.merchant AND s.customer_id = w.customer
            WHERE s.customer_id <> '' ORDER BY s.id FOR NO KEY UPDATE OF s
        )
        UPDATE invoicing_numberseries s SET next_number = s.next_number + wanted.count
        FROM wanted WHERE s.id = wanted.id
        RETURNING s.customer_id, s.id, s.prefix, s.padding, s.next_number - wanted.count, wanted.count
    """
    merchants = [owners[customer_id][0] for customer_id in counts]
    with connection.cursor() as cursor:
        cursor.execute(statement, [merchants, list(counts), list(counts.values())])
        return {row[0]: NumberBlock(*row[1:]) for row in cursor.fetchall()}


def customer_series(owners: Mapping[str, tuple[str, str]]) -> Q:
    """These customers' own series, by the key's order."""
    return Q(merchant_id__in={merchant for merchant, _ in owners.values()}, customer_id__in=list(owners))


def insert_lines(lines: Sequence[Mapping[str, Any]], taxes: Sequence[Mapping[str, Any]]) -> None:
    """Lines and their taxes: before their invoice when it is inserted as finalized, or into a draft."""
    insert_rows(InvoiceLine, lines)
    insert_rows(InvoiceLineTax, taxes)


def insert_invoices(rows: Sequence[Mapping[str, Any]]) -> None:
    """Invoices, as drafts or finalized at once. Raises `psycopg.Error` for a number used twice."""
    insert_rows(Invoice, rows)


def update_finalized(rows: Sequence[Mapping[str, Any]]) -> None:
    """Drafts become open or paid: after this the database refuses to change what is on the paper."""
    fields = ("id", *FINALIZED_FIELDS)
    update_rows(Invoice, fields, [[row[name] for name in fields] for row in rows])


def update_progress(rows: Sequence[Any]) -> None:
    """Status, what is paid and the schedule; rows (or model instances) locked by the caller, version bumped."""
    fields = ("id", *PROGRESS_FIELDS)
    update_rows(Invoice, fields, [[getattr(row, name) for name in fields] for row in rows])


def update_columns(row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Some columns of one invoice that the caller holds. The trigger refuses what is frozen."""
    fields = ("id", *dict.fromkeys(columns))
    update_rows(Invoice, fields, [[row[name] for name in fields]])


def set_default_tax_rates(draft: Row, rates: list[str]) -> None:
    """Which rates tax the draft's lines that have none of their own; the caller reckons it anew."""
    draft["default_tax_rate_ids"] = rates
    Invoice.objects.filter(id=draft.id).update(default_tax_rate_ids=rates)


def set_own_discounts(draft: Row, discount_ids: list[str]) -> None:
    """The draft's own stack, in the place of what it inherits; the caller reckons it anew."""
    draft["discount_ids"] = discount_ids
    Invoice.objects.filter(id=draft.id).update(discount_ids=discount_ids)


def rewrite_drafts(
    drafts: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    taxes: Sequence[Mapping[str, Any]],
    *,
    line_fields: tuple[str, ...] = LINE_AMOUNTS,
) -> None:
    """Drafts with other amounts: totals, lines (in their places) and all their taxes. A trigger guards the others."""
    for model, fields, rows in ((Invoice, DRAFT_AMOUNTS, drafts), (InvoiceLine, line_fields, lines)):
        names = ("id", *fields)
        update_rows(model, names, [[row[name] for name in names] for row in rows])
    InvoiceLineTax.objects.filter(line_id__in=[row["id"] for row in lines]).delete()
    insert_rows(InvoiceLineTax, taxes)


def delete_lines(line_ids: Sequence[str]) -> None:
    """Lines taken off a draft, with their taxes. A trigger refuses those of any other invoice."""
    InvoiceLineTax.objects.filter(line_id__in=line_ids).delete()
    InvoiceLine.objects.filter(id__in=line_ids).delete()


def insert_invoice_items(rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(InvoiceItem, rows)


def put_items_on_invoice(items: Sequence[tuple[str, str]]) -> None:
    """(item id, invoice id): what was pending is billed. The caller holds the customer's lock."""
    update_rows(InvoiceItem, ("id", "invoice_id"), items, extra='"version" = t."version" + 1')


def save_item(item: Row, columns: Sequence[str]) -> None:
    """What was changed of an item that is on no invoice yet, or on a draft; its version is bumped."""
    item["version"] += 1
    InvoiceItem.objects.filter(id=item.id).update(**{name: item[name] for name in (*columns, "version")})


def release_held_items(invoice_ids: Sequence[str]) -> int:
    """Credits that waited for these invoices to be paid go on the next one. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE invoicing_invoiceitem SET held_for_invoice_id = ''"
            " WHERE held_for_invoice_id = ANY(%s) AND invoice_id = ''",
            [list(invoice_ids)],
        )
        return int(cursor.rowcount)


def drop_held_items(invoice_ids: Sequence[str], at: Any) -> int:
    """Nothing was paid, so nothing is given back: the credits that waited are gone. Returns how many."""
    held = InvoiceItem.objects.filter(held_for_invoice_id__any=list(invoice_ids), invoice_id="")
    return held.filter(deleted_at__isnull=True).update(deleted_at=at)


def insert_credit_note(note: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
    """A credit note with its lines. The invoice's sums follow in the same transaction, or its end refuses both."""
    insert_rows(CreditNote, [note])
    insert_rows(CreditNoteLine, lines)


def move_credit_note(note: Row, **values: Any) -> None:
    """What may change on a credit note: its status, and where its money went. The caller holds its invoice."""
    note.update(values, version=note.version + 1)
    fields = ("id", *values, "version")
    update_rows(CreditNote, fields, [[note[name] for name in fields]])


def allow_erasure() -> None:
    """Let this transaction delete what is frozen: one-off drafts, sandbox data, audited erasure. Nothing else."""
    assert connection.in_atomic_block, "the permission ends with a transaction"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ostinato.allow_erasure = 'on'")


def delete_draft_rows(merchant_id: str, invoice_id: str) -> None:
    """A one-off draft with its lines; the items it had swept wait again. The trigger refuses anything else."""
    InvoiceItem.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id).update(invoice_id="")
    InvoiceLineTax.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id).delete()
    InvoiceLine.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id).delete()
    Invoice.objects.filter(merchant_id=merchant_id, id=invoice_id).delete()
