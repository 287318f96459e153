"""One planned invoice, item or debit as the rows of its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.context import Context
from core.ids import new_id, new_ids
from engine.posting.refs import Refs
from events.copying import Row, new_row
from invoicing.models import Invoice, InvoiceItem, InvoiceLine, InvoiceLineTax
from invoicing.types import PlannedInvoice, PlannedLine, PlannedPendingItem
from subscriptions.facts import discount_amounts_to_json, span_to_json, taxes_to_json
from subscriptions.models import BilledPeriod
from subscriptions.types import DiscountAmount, PlannedDebit


@dataclass(slots=True)
class InvoiceRows:
    """A draft as rows. `swept` are pending items it bills, `swept_debits` the standing debits these had made."""

    invoice: Row
    lines: list[Row] = field(default_factory=list)
    taxes: list[Row] = field(default_factory=list)
    taxes_by_line: dict[str, list[Row]] = field(default_factory=dict)
    periods: list[Row] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)
    swept_debits: list[tuple[str, str, list[dict[str, Any]]]] = field(default_factory=list)


def draft_rows(ctx: Context, planned: PlannedInvoice, invoice_id: str, refs: Refs) -> InvoiceRows:
    """A planned invoice as a draft with its lines, taxes and billed periods."""
    rows = InvoiceRows(_invoice_row(ctx, planned, invoice_id, refs))
    for position, (line_id, line) in enumerate(zip(new_ids("il", len(planned.lines)), planned.lines, strict=True)):
        _add_line(ctx, rows, planned, line, line_id, position, refs)
    return rows


def _invoice_row(ctx: Context, planned: PlannedInvoice, invoice_id: str, refs: Refs) -> Row:
    totals = planned.totals
    return new_row(
        Invoice,
        id=invoice_id,
        merchant_id=planned.merchant_id,
        customer_id=planned.customer_id,
        billing_entity_id=planned.billing_entity_id,
        subscription_id=refs.subscription(planned.subscription_id) or None,
        billing_reason=planned.billing_reason,
        collection_method=planned.collection_method,
        currency=planned.currency,
        lines_gross=totals.lines_gross,
        total_discount=totals.total_discount,
        credit_grants_applied=totals.credit_grants_applied,
        inclusive_tax_backed_out=totals.inclusive_tax_backed_out,
        inclusive_tax=totals.inclusive_tax,
        exclusive_tax=totals.exclusive_tax,
        total=totals.total,
        amount_due=totals.draft_amount_due,
        amount_remaining=totals.draft_amount_due,
        auto_advance=planned.auto_advance,
        automatically_finalizes_at=planned.automatically_finalizes_at,
        next_action_at=planned.next_action_at,
        period_start=planned.period_start,
        period_end=planned.period_end,
        default_payment_method_id=planned.default_payment_method_id,
        default_tax_rate_ids=list(planned.default_tax_rate_ids),
        description=planned.description,
        tax_rounding=planned.tax_rounding,
        locale=planned.locale,
        test_clock_id=planned.test_clock_id,
        subscription_metadata=dict(planned.subscription_metadata),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def _add_line(
    ctx: Context, rows: InvoiceRows, planned: PlannedInvoice, line: PlannedLine, line_id: str, position: int, refs: Refs
) -> None:
    invoice = rows.invoice
    billed_period_id = line.billed_period_id
    if line.debit is not None:
        period = debit_row(ctx, line.debit, invoice, refs, invoice_id=invoice.id, taxes=taxes_to_json(line.taxes))
        rows.periods.append(period)
        billed_period_id = period.id
    if line.invoice_item_id:
        item_id = refs.pending_item(line.invoice_item_id)
        rows.swept.append(item_id)
        if line.billed_period_id and line.debit is None:
            rows.swept_debits.append((line.billed_period_id, invoice.id, taxes_to_json(line.taxes)))
    rows.lines.append(line_row(ctx, invoice, line, line_id, position, billed_period_id, refs))
    taxes = [tax_row(ctx, invoice, line_id, tax) for tax in line.taxes]
    if taxes:
        rows.taxes.extend(taxes)
        rows.taxes_by_line[line_id] = taxes


def line_row(
    ctx: Context, invoice: Row, line: PlannedLine, line_id: str, position: int, billed_period_id: str, refs: Refs
) -> Row:
    """A line as its table has it, without its taxes."""
    return new_row(
        InvoiceLine,
        id=line_id,
        merchant_id=invoice.merchant_id,
        invoice_id=invoice.id,
        position=position,
        type=line.type,
        description=line.description,
        currency=line.currency,
        amount=line.amount,
        discount_amount=line.discount_amount,
        discount_amounts=_discounts(line.discount_amounts, refs),
        quantity=line.quantity,
        unit_amount_decimal=line.unit_amount_decimal,
        price_id=line.price_id,
        product_id=line.product_id,
        subscription_id=refs.subscription(line.subscription_id),
        subscription_item_id=refs.item(line.subscription_item_id),
        invoice_item_id=refs.pending_item(line.invoice_item_id),
        billed_period_id=billed_period_id,
        credited_billed_period_id=line.credited_billed_period_id,
        proration=line.proration,
        discountable=line.discountable,
        period_start=line.period_start,
        period_end=line.period_end,
        explanation=dict(line.explanation),
        metadata=dict(line.metadata),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def tax_row(ctx: Context, invoice: Row, line_id: str, tax: Any) -> Row:
    return new_row(
        InvoiceLineTax,
        id=new_id("ilt"),
        merchant_id=invoice.merchant_id,
        invoice_id=invoice.id,
        line_id=line_id,
        tax_rate_id=tax.tax_rate_id,
        display_name=tax.display_name,
        percentage=tax.percentage,
        inclusive=tax.inclusive,
        taxable_amount=tax.taxable_amount,
        amount=tax.amount,
        taxability_reason=tax.taxability_reason,
        recorded_at=ctx.recorded_at,
    )


def debit_row(
    ctx: Context,
    debit: PlannedDebit,
    owner: Any,
    refs: Refs,
    *,
    invoice_id: str = "",
    invoice_item_id: str = "",
    taxes: list[dict[str, Any]] | None = None,
) -> Row:
    """A billed period. `owner` (invoice or pending item) says whose it is."""
    return new_row(
        BilledPeriod,
        id=new_id("bp"),
        merchant_id=owner.merchant_id,
        customer_id=owner.customer_id,
        subscription_id=owner.subscription_id,
        subscription_item_id=refs.item(debit.subscription_item_id),
        kind=debit.kind,
        start=debit.start,
        end=debit.end,
        sequence=debit.sequence,
        price_id=debit.price_id,
        quantity=debit.quantity,
        currency=debit.currency,
        gross_amount=debit.gross_amount,
        amount=debit.amount,
        credited_from=debit.credited_from,
        share_of=debit.share_of,
        taxes=taxes or [],
        usage_span=span_to_json(debit.span),
        invoice_id=invoice_id,
        invoice_item_id=invoice_item_id,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def pending_item_rows(
    ctx: Context, planned: PlannedPendingItem, item_id: str, merchant_id: str, customer_id: str, refs: Refs
) -> tuple[Row, Row | None]:
    """A pending item and the billed period it makes, when it is a debit."""
    facts = planned.facts
    item = new_row(
        InvoiceItem,
        id=item_id,
        merchant_id=merchant_id,
        customer_id=customer_id,
        subscription_id=refs.subscription(facts.subscription_id) or None,
        subscription_item_id=refs.item(facts.subscription_item_id),
        description=facts.description,
        currency=facts.currency,
        amount=facts.amount,
        discount_amounts=_discounts(facts.discount_amounts, refs),
        discount_ids=[refs.discount(one.id) for one in facts.discounts],
        quantity=facts.quantity,
        unit_amount_decimal=facts.unit_amount_decimal,
        price_id=facts.price_id,
        product_id=facts.product_id,
        proration=facts.proration,
        discountable=facts.discountable,
        tax_rate_ids=list(facts.tax_rate_ids),
        taxes=None if facts.taxes is None else taxes_to_json(facts.taxes),
        credited_billed_period_id=facts.credited_billed_period_id,
        held_for_invoice_id=facts.held_for_invoice_id,
        period_start=facts.period_start,
        period_end=facts.period_end,
        explanation=dict(facts.explanation),
        metadata=dict(facts.metadata),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )
    if planned.debit is None:
        return item, None
    period = debit_row(ctx, planned.debit, item, refs, invoice_item_id=item_id)
    item["billed_period_id"] = period.id
    return item, period


def _discounts(amounts: tuple[DiscountAmount, ...], refs: Refs) -> list[dict[str, Any]]:
    if not amounts:
        return []
    return [given | {"discount": refs.discount(given["discount"])} for given in discount_amounts_to_json(amounts)]


def preview_rows(ctx: Context, planned: PlannedInvoice, invoice_id: str) -> InvoiceRows:
    """The same rows for an invoice that is only shown: what would be created has no id yet."""
    nameless = ("",) * 1000
    return draft_rows(ctx, planned, invoice_id, Refs("", nameless, nameless, nameless, nameless))
