"""A draft's lines, changed while it is still a draft: every time it is reckoned anew by the rules that made it.

1. Lock the draft (its subscription before it, its customer after it) and read its lines as the rules see them.
2. Put lines on, change them, take them off.
3. Discounts, then taxes, then totals; written over what was, and told as one `invoice.updated`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.models import TaxRate
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from engine.posting.refs import Refs
from engine.posting.rows import line_row
from engine.rules.drafting import Frame
from engine.rules.lines import pending_line
from engine.rules.redrafting import rates_of, redraft, written_line
from engine.selectors import BillingRows, bodies_kept, load_rows
from engine.services.line_discounts import discounts_of_items, discounts_of_lines
from engine.services.redrafting import stack_of, write_redraft
from engine.services.transitions import invoice_event
from events.copying import Row
from events.writes import record_events
from invoicing.facts import pending_item_facts, tax_rate_facts
from invoicing.models import Invoice, InvoiceItem, InvoiceLine, InvoiceLineTax
from invoicing.selectors import InvoiceNotFound
from invoicing.types import PlannedLine
from invoicing.writes import delete_lines, insert_lines, lock_invoices, put_items_on_invoice, update_columns
from subscriptions.models import SubscriptionItem
from subscriptions.writes import lock_subscriptions


class DraftIsFinalized(OstinatoError):
    code = "invoice_not_editable"
    param = "invoice"
    message_id = gettext_noop("The invoice is finalized: its lines cannot be changed any more.")


class LineNotFound(OstinatoError):
    code = "resource_missing"
    param = "line_item"
    message_id = gettext_noop("There is no line %(line)s on this invoice.")


@dataclass(slots=True)
class DraftAtWork:
    """A locked draft with its lines, as rows and as the rules see them; both lists keep their order."""

    ctx: Context
    rows: BillingRows
    draft: Row
    lines: list[Row]
    planned: list[PlannedLine]
    taxes: list[Row]
    gone: list[str] = field(default_factory=list)

    def position(self, wanted: Callable[[Row], bool], named: str) -> int:
        """Where the line stands. Raises `LineNotFound`."""
        for index, row in enumerate(self.lines):
            if wanted(row):
                return index
        raise LineNotFound(line=named)

    def put_items(self, items: Sequence[Row]) -> None:
        """Pending items become lines at the end."""
        start = max((row.position for row in self.lines), default=-1) + 1
        for number, item in enumerate(items, start=start):
            planned = self.line_of_item(item)
            row = line_row(self.ctx, self.draft, planned, new_id("il"), number, planned.billed_period_id, Refs())
            insert_lines([row], [])
            self.lines.append(row)
            self.planned.append(planned)
        put_items_on_invoice([(item.id, self.draft.id) for item in items])

    def line_of_item(self, item: Any) -> PlannedLine:
        own = discounts_of_items([item.id])[item.id] if item.discount_ids else ()
        return pending_line(pending_item_facts(item, own), tuple(self.draft.default_tax_rate_ids))

    def show_item(self, item: Row) -> None:
        """The line of an item that was changed, as the item now is."""
        index = self.position(lambda row: row.invoice_item_id == item.id, item.id)
        planned = self.line_of_item(item)
        self.planned[index] = planned
        self.lines[index].update(
            description=planned.description,
            unit_amount_decimal=planned.unit_amount_decimal,
            price_id=planned.price_id,
            product_id=planned.product_id,
            period_start=planned.period_start,
            period_end=planned.period_end,
            metadata=dict(planned.metadata),
        )

    def take_off(self, index: int) -> Row:
        row = self.lines.pop(index)
        self.planned.pop(index)
        self.gone.append(row.id)
        return row

    def retax(self) -> None:
        """The draft's default tax rates have changed: lines without rates of their own take the new ones."""
        own = _own_rates(self.lines)
        defaults = tuple(self.draft.default_tax_rate_ids)
        self.planned = [
            line if line.taxes_are_given else replace(line, tax_rate_ids=own.get(row.id) or defaults)
            for row, line in zip(self.lines, self.planned, strict=True)
        ]

    def relabel(self, metadata: Mapping[str, str]) -> None:
        self.draft["metadata"] = dict(metadata)

    def save(self, previous: Mapping[str, Any] | None = None) -> None:
        """Reckon anew, write, and tell. Raises what drafting does (too many lines, mixed currencies)."""
        draft = self.draft
        if self.gone:
            delete_lines(self.gone)
        found = redraft(self._frame(), self.planned, stack_of(draft) if self.planned else ())
        before = draft.total
        write_redraft(self.ctx, draft, self.lines, found, whole_lines=True)
        draft["version"] += 1
        update_columns(draft, ("metadata", "version"))
        told = {**(previous or {}), **({"total": before} if before != draft.total else {})}
        record_events(
            self.ctx, [invoice_event("invoice.updated", draft, bodies_kept([draft.merchant_id]), told or None)]
        )

    def _frame(self) -> Frame:
        draft = self.draft
        wanted = {rate for line in self.planned if not line.taxes_are_given for rate in line.tax_rate_ids}
        rates = {**self.rows.tax_rates, **rates_of(self.taxes)}
        missing = TaxRate.objects.filter(merchant_id=draft.merchant_id, id__in=wanted - set(rates))
        return Frame(
            merchant_id=draft.merchant_id,
            billing_entity_id=draft.billing_entity_id,
            subscription_id=draft.subscription_id or "",
            customer=self.rows.customer(draft.customer_id),
            settings=self.rows.settings[draft.merchant_id],
            tax_rates={**rates, **{row.id: tax_rate_facts(row) for row in missing}},
            collection_method=draft.collection_method,
            currency=draft.currency,
        )


def open_draft(ctx: Context, merchant_id: str, invoice_id: str) -> DraftAtWork:
    """The draft under its locks, inside the caller's transaction. Raises `InvoiceNotFound`, `DraftIsFinalized`."""
    owner = Invoice.objects.filter(merchant_id=merchant_id, id=invoice_id).values_list("subscription_id", flat=True)
    lock_subscriptions(found for found in owner if found)
    found = [row for row in lock_invoices([invoice_id]) if row.merchant_id == merchant_id]
    if not found:
        raise InvoiceNotFound
    [draft] = found
    if draft.status != "draft":
        raise DraftIsFinalized
    rows = load_rows(invoices=[draft], lock=True)
    lines = [Row(v) for v in InvoiceLine.objects.filter(invoice_id=draft.id).order_by("position", "id").values()]
    taxes = [Row(v) for v in InvoiceLineTax.objects.filter(invoice_id=draft.id).order_by("id").values()]
    by_line: dict[str, list[Row]] = defaultdict(list)
    for tax in taxes:
        by_line[tax.line_id].append(tax)
    own = discounts_of_lines(lines)
    planned = [written_line(row, by_line[row.id], own[row.id]) for row in lines]
    return DraftAtWork(ctx, rows, draft, lines, planned, taxes)


def _own_rates(lines: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """By line the tax rates of its invoice item or subscription item: two queries."""
    rows = list(lines)
    of_items = InvoiceItem.objects.filter(id__in=[row.invoice_item_id for row in rows if row.invoice_item_id])
    own = dict(of_items.values_list("id", "tax_rate_ids"))
    of_subscriptions = SubscriptionItem.objects.filter(
        id__in=[row.subscription_item_id for row in rows if row.subscription_item_id and not row.invoice_item_id]
    )
    own |= dict(of_subscriptions.values_list("id", "tax_rate_ids"))
    return {row.id: tuple(own.get(row.invoice_item_id or row.subscription_item_id, ())) for row in rows}
