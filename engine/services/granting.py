"""Credit grants at finalization: what they pay of a draft, after its discounts and before its tax.

The customers' rows are locked by who finalizes, so two workers never spend the same credit; the ledger's sequence
and the balance's check stand behind it. A voided invoice gives back what it had spent.
"""

from __future__ import annotations

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


class GrantSpending:
    """What grants pay of the drafts of one batch, one after the other; their ledgers are written together.

    One query for the whole batch when nobody has credit, the same few statements for any number of drafts else.
    """

    def __init__(self, batch: Batch, drafts: Sequence[Row]) -> None:
        self.batch = batch
        if batch.rows.grants is None:
            batch.rows.grants = grants_to_spend(batch.rows.customers, batch.ctx.as_of)
        self.grants = batch.rows.grants
        self.entries: list[GrantEntry] = []
        self.rewritten: tuple[list[Row], list[Row], list[Row]] = ([], [], [])  # drafts, their lines, their taxes
        paid = [draft for draft in drafts if draft.status == "draft" and self.grants.get(draft.customer_id)]
        self.rows = _rows_of(batch, paid)
        prices = {line.price_id for lines, _ in self.rows.values() for line in lines}
        found = Price.objects.filter(id__in=prices, usage_type="metered") if prices else Price.objects.none()
        self.metered = set(found.values_list("id", flat=True))

    def on(self, draft: Row) -> None:
        """Let the customer's grants pay what they may of a draft, in the batch's rows or in those to be rewritten."""
        grants = self.grants.get(draft.customer_id, [])
        if not grants or draft.id not in self.rows:
            return
        lines, taxes = self.rows[draft.id]
        every_tax = [tax for of_line in taxes.values() for tax in of_line]
        reasons = (tax.taxability_reason for tax in every_tax)
        taxed = credited_lines(
            [_with_discounts(line, taxes.get(line.id, [])) for line in lines],
            self.metered,
            grants,
            rates_of(every_tax),
            currency=draft.currency,
            at=self.batch.ctx.as_of,
            tax_exempt=next((_EXEMPTIONS[reason] for reason in reasons if reason in _EXEMPTIONS), ""),
            rounding=draft.tax_rounding,
        )
        if taxed is None:
            return
        self._put(draft, lines, taxed, {grant.id: grant.name for grant in grants})
        used = {grant.id: 0 for grant in grants}
        for line in taxed:
            for credit in line.credit_amounts:
                used[credit.credit_grant_id] += credit.amount
        self.grants[draft.customer_id] = [replace(grant, balance=grant.balance - used[grant.id]) for grant in grants]

    def write(self) -> None:
        """The drafts that were written before, and the ledgers."""
        if not self.entries:
            return
        if self.rewritten[0]:
            rewrite_drafts(*self.rewritten)
        _tell(self.batch.ctx, append_grant_entries(self.batch.ctx, self.entries).values())

    def _put(self, draft: Row, lines: Sequence[Row], taxed: Sequence[PlannedLine], names: Mapping[str, str]) -> None:
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
        taxes_by_line = {}
        for row, line in zip(lines, taxed, strict=True):
            ids = new_ids("cgtxn", len(line.credit_amounts))
            row.update(credit_amounts=_credits(line, ids), explanation=_explained(line, names))
            taxes_by_line[row.id] = [tax_row(self.batch.ctx, draft, row.id, tax) for tax in line.taxes]
            self.entries += [
                GrantEntry(credit.credit_grant_id, "credits_applied", -credit.amount, draft.id, row.id, id=entry_id)
                for credit, entry_id in zip(line.credit_amounts, ids, strict=True)
            ]
        taxes = [tax for of_line in taxes_by_line.values() for tax in of_line]
        drafted = self.batch.new_invoices.get(draft.id)
        if drafted is None:
            for kept, more in zip(self.rewritten, ([draft], lines, taxes), strict=True):
                kept.extend(more)
        else:
            drafted.taxes[:] = taxes
            drafted.taxes_by_line = {line_id: found for line_id, found in taxes_by_line.items() if found}


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


def _rows_of(batch: Batch, drafts: Sequence[Row]) -> dict[str, tuple[list[Row], dict[str, list[Row]]]]:
    """The drafts' lines in order and their taxes by line: of this very batch, or as they were written (two queries)."""
    found: dict[str, tuple[list[Row], dict[str, list[Row]]]] = {}
    written = []
    for draft in drafts:
        drafted = batch.new_invoices.get(draft.id)
        if drafted is None:
            written.append(draft.id)
            found[draft.id] = ([], {})
        else:
            found[draft.id] = (drafted.lines, drafted.taxes_by_line)
    if written:
        for line in read_rows(InvoiceLine.objects.filter(invoice_id__in=written).order_by("position", "id")):
            found[line.invoice_id][0].append(line)
        for tax in read_rows(InvoiceLineTax.objects.filter(invoice_id__in=written).order_by("id")):
            found[tax.invoice_id][1].setdefault(tax.line_id, []).append(tax)
    return found


def _with_discounts(row: Row, taxes: Sequence[Row]) -> PlannedLine:
    """The line as it stands: its discounts were taken and stay."""
    line = written_line(row, taxes)
    return replace(line, discount_amounts=discount_amounts_from_json(row.discount_amounts), explanation=row.explanation)


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
