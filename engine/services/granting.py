"""Credit grants at finalization: what they pay of a draft, after its discounts and before its tax.

The customers' rows are locked by who finalizes, so two workers never spend the same credit; the ledger's sequence
and the balance's check stand behind it. A voided invoice gives back what it had spent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalog.models import Price
from core.context import Context
from core.ids import new_ids
from customers.models import CreditGrant, CreditGrantTransaction, Customer
from customers.selectors import grants_to_spend
from customers.snapshots import credit_grant_snapshot
from customers.types import GrantEntry
from customers.writes import append_grant_entries
from engine.posting.batch import Batch
from engine.posting.rows import tax_row
from engine.rules.crediting import credited_lines
from engine.rules.drafting import taxes_told
from engine.rules.redrafting import rates_of, written_line
from engine.selectors import bodies_kept
from events.copying import Row
from events.reading import read_rows
from events.types import EventRow
from events.writes import record_events
from invoicing.models import InvoiceLine, InvoiceLineTax
from invoicing.rules.totals import invoice_totals
from invoicing.types import PlannedLine
from invoicing.writes import rewrite_drafts
from subscriptions.facts import discount_amounts_from_json

_EXEMPTIONS = {"customer_exempt": "exempt", "reverse_charge": "reverse"}


def spend_grants_on(batch: Batch, draft: Row) -> None:
    """Let the customer's grants pay what they may of a draft, in the batch's rows or in the database.

    One query for the whole batch when nobody has credit; a draft whose customer has some costs six more.
    """
    if draft.status != "draft":
        return
    if batch.rows.grants is None:
        batch.rows.grants = grants_to_spend(batch.rows.customers, batch.ctx.as_of)
    grants = batch.rows.grants.get(draft.customer_id, [])
    if not grants:
        return
    lines, taxes = _rows_of(batch, draft)
    ids = {line.price_id for line in lines}
    metered = set(Price.objects.filter(id__in=ids, usage_type="metered").values_list("id", flat=True))
    planned = [_with_discounts(line, taxes[line.id]) for line in lines]
    every_tax = [tax for of_line in taxes.values() for tax in of_line]
    exempt = next((_EXEMPTIONS[tax.taxability_reason] for tax in every_tax if tax.taxability_reason in _EXEMPTIONS), "")
    taxed = credited_lines(
        planned,
        metered,
        grants,
        rates_of(every_tax),
        currency=draft.currency,
        at=batch.ctx.as_of,
        tax_exempt=exempt,
        rounding=draft.tax_rounding,
    )
    if taxed is None:
        return
    _write(batch, draft, lines, taxed, {grant.id: grant.name for grant in grants})
    used = {grant.id: 0 for grant in grants}
    for line in taxed:
        for credit in line.credit_amounts:
            used[credit.credit_grant_id] += credit.amount
    batch.rows.grants[draft.customer_id] = [replace(grant, balance=grant.balance - used[grant.id]) for grant in grants]


def give_grants_back(ctx: Context, invoices: Sequence[Row]) -> None:
    """What voided invoices had spent is in the grants again, though one that has expired stays expired."""
    ids = [row.id for row in invoices if row.credit_grants_applied]
    if not ids:
        return
    owners = sorted({row.customer_id for row in invoices})
    list(Customer.objects.select_for_update(no_key=True).filter(id__in=owners).order_by("id").values_list("id"))
    applied = CreditGrantTransaction.objects.filter(invoice_id__in=ids, type="credits_applied").order_by("id")
    entries = [
        GrantEntry(
            one.credit_grant_id, "credits_application_invoice_voided", -one.amount, one.invoice_id, one.invoice_line_id
        )
        for one in applied
    ]
    _tell(ctx, append_grant_entries(ctx, entries).values())


def _rows_of(batch: Batch, draft: Row) -> tuple[list[Row], dict[str, list[Row]]]:
    """The draft's lines in order and their taxes: of this very batch, or as they were written."""
    taxes: dict[str, list[Row]] = defaultdict(list)
    drafted = batch.new_invoices.get(draft.id)
    if drafted is not None:
        taxes.update(drafted.taxes_by_line)
        return drafted.lines, taxes
    for values in InvoiceLineTax.objects.filter(invoice_id=draft.id).order_by("id").values():
        taxes[values["line_id"]].append(Row(values))
    lines = InvoiceLine.objects.filter(invoice_id=draft.id).order_by("position", "id")
    return read_rows(lines), taxes


def _with_discounts(row: Row, taxes: Sequence[Row]) -> PlannedLine:
    """The line as it stands: its discounts were taken and stay."""
    line = written_line(row, taxes)
    return replace(line, discount_amounts=discount_amounts_from_json(row.discount_amounts), explanation=row.explanation)


def _write(
    batch: Batch, draft: Row, lines: Sequence[Row], taxed: Sequence[PlannedLine], names: Mapping[str, str]
) -> None:
    totals = invoice_totals(taxed)
    draft.update(
        credit_grants_applied=totals.credit_grants_applied,
        inclusive_tax_backed_out=totals.inclusive_tax_backed_out,
        inclusive_tax=totals.inclusive_tax,
        exclusive_tax=totals.exclusive_tax,
        total=totals.total,
        amount_due=totals.draft_amount_due,
        amount_remaining=totals.draft_amount_due,
    )
    entries, taxes_by_line = [], {}
    for row, line in zip(lines, taxed, strict=True):
        ids = new_ids("cgtxn", len(line.credit_amounts))
        row.update(credit_amounts=_credits(line, ids), explanation=_explained(line, names))
        taxes_by_line[row.id] = [tax_row(batch.ctx, draft, row.id, tax) for tax in line.taxes]
        entries += [
            GrantEntry(credit.credit_grant_id, "credits_applied", -credit.amount, draft.id, row.id, id=entry_id)
            for credit, entry_id in zip(line.credit_amounts, ids, strict=True)
        ]
    taxes = [tax for of_line in taxes_by_line.values() for tax in of_line]
    drafted = batch.new_invoices.get(draft.id)
    if drafted is None:
        rewrite_drafts([draft], lines, taxes)
    else:
        drafted.taxes[:] = taxes
        drafted.taxes_by_line = {line_id: found for line_id, found in taxes_by_line.items() if found}
    _tell(batch.ctx, append_grant_entries(batch.ctx, entries).values())


def _credits(line: PlannedLine, entry_ids: Sequence[str]) -> list[dict[str, Any]]:
    """What the grants pay of the line, each with its entry in the grant's ledger."""
    return [
        {"credit_grant": credit.credit_grant_id, "amount": credit.amount, "transaction": entry_id}
        for credit, entry_id in zip(line.credit_amounts, entry_ids, strict=True)
    ]


def _explained(line: PlannedLine, names: Mapping[str, str]) -> dict[str, object]:
    told = dict(line.explanation)
    if line.credit_amounts:
        told["credit_grants"] = [
            {"credit_grant": credit.credit_grant_id, "name": names[credit.credit_grant_id], "amount": credit.amount}
            for credit in line.credit_amounts
        ]
    if line.taxes:
        told["taxes"] = taxes_told(line)
    return told


def _tell(ctx: Context, grants: Any) -> None:
    moved: list[CreditGrant] = list(grants)
    kept = bodies_kept({grant.merchant_id for grant in moved})
    record_events(
        ctx,
        [
            EventRow(
                merchant_id=grant.merchant_id,
                type="billing.credit_grant.updated",
                object_type="billing.credit_grant",
                object_id=grant.id,
                object_version=grant.version,
                customer_id=grant.customer_id,
                test_clock_id=grant.test_clock_id,
                body=credit_grant_snapshot(grant) if grant.merchant_id in kept else None,
            )
            for grant in moved
        ],
    )
