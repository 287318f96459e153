"""Before a draft is finalized its usage is counted again: what came within the grace is on it.

1. Find the spans of usage that the drafts bill, and what else was billed of them. Nothing more for other drafts.
2. Count all spans in one query.
3. A draft of which a span now costs something else is reckoned anew (`engine.rules.redrafting`) and rewritten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Q

from core.context import Context
from core.ids import new_id
from engine.rules.arrears import UsageDue
from engine.rules.drafting import Frame
from engine.rules.redrafting import Redraft, rates_of, redraft, usage_now, with_usage, written_line
from engine.selectors import BillingRows
from engine.services.line_discounts import discounts_by_id, discounts_of_lines
from engine.types.usage import UsageFacts
from engine.usage import prices_of
from events.copying import Row, new_row
from events.reading import read_rows
from invoicing.models import InvoiceLine, InvoiceLineTax
from invoicing.types import PlannedLine
from invoicing.writes import LINE_AMOUNTS, LINE_COLUMNS, rewrite_drafts
from subscriptions.facts import (
    billed_usage,
    coupon_facts,
    discount_amounts_to_json,
    discount_facts,
    span_from_json,
    taxes_to_json,
)
from subscriptions.models import BilledPeriod, Discount
from subscriptions.rules.amounts import in_currency
from subscriptions.rules.discounts import active_discounts, where_phases_meet
from subscriptions.types import BilledUsage, DiscountFacts
from subscriptions.writes import consume_discounts, give_debits_to_invoice, rewrite_billed_periods
from usage.selectors import usage_totals
from usage.types import UsageWindow

_USAGE = ("usage", "usage_late")


@dataclass(slots=True)
class _Counted:
    """The drafts' billed spans as they come to now: by billed period."""

    dues: dict[str, UsageDue] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)  # ids of drafts


def refresh_usage(
    ctx: Context, rows: BillingRows, drafts: Sequence[Row], subscriptions: Mapping[str, Row]
) -> list[str]:
    """Rewrite the drafts whose usage has changed, in the database and in `drafts`. Returns their ids."""
    counted = _count(drafts)
    stale = [draft for draft in drafts if draft.id in counted.changed]
    if not stale:
        return []
    lines = _by_invoice(InvoiceLine.objects.filter(invoice_id__in=[one.id for one in stale]).order_by("position"))
    taxes = _by_invoice(InvoiceLineTax.objects.filter(invoice_id__in=[one.id for one in stale]).order_by("id"))
    for draft in stale:
        subscription = subscriptions[draft.subscription_id]
        _rewrite(ctx, rows, draft, subscription, lines[draft.id], taxes[draft.id], counted)
    return [draft.id for draft in stale]


def _count(drafts: Sequence[Row]) -> _Counted:
    """What each billed span on the drafts comes to now. Two queries when they bill usage, else one."""
    found = _Counted()
    ids = {draft.id for draft in drafts if draft.subscription_id}
    arrears = BilledPeriod.objects.filter(
        merchant_id__in={draft.merchant_id for draft in drafts}, kind__in=["arrears", "late"]
    )
    own = _rows(arrears.filter(invoice_id__any=ids)) if ids else []
    if not own:
        return found
    items = {row.subscription_item_id for row in own}
    # From the spans' beginnings: a threshold may have billed parts of them before.
    since = min(span_from_json(row.usage_span).start for row in own)
    others = _rows(arrears.filter(subscription_id__in={row.subscription_id for row in own}, end__gt=since))
    prices = prices_of({row.price_id for row in others})
    billed = {
        row.id: billed_usage(row, in_currency(prices[row.price_id], row.currency))
        for row in others
        if row.subscription_item_id in items
    }
    windows = {row.id: _window(row) for row in own}
    totals = usage_totals(list(windows.values()))
    for row in own:
        usage = UsageFacts({span_from_json(row.usage_span): totals[windows[row.id]]})
        due = usage_now(billed[row.id], _without(billed, row.id), usage)
        found.dues[row.id] = due
        if (due.amount, due.quantity) != (row.gross_amount, row.quantity):
            found.changed.add(row.invoice_id)
    return found


def _window(row: Row) -> UsageWindow:
    span = span_from_json(row.usage_span)
    return UsageWindow(
        row.merchant_id,
        span.meter_id,
        row.customer_id,
        span.start,
        span.end,
        span.reported_from,
        span.reported_until,
        span.recorded_from,
        span.recorded_until,
    )


def _without(billed: Mapping[str, BilledUsage], row_id: str) -> list[BilledUsage]:
    return [one for one_id, one in billed.items() if one_id != row_id]


def _rewrite(
    ctx: Context,
    rows: BillingRows,
    draft: Row,
    subscription: Row,
    lines: Sequence[Row],
    taxes: Sequence[Row],
    counted: _Counted,
) -> None:
    """One draft reckoned anew and written over what it was."""
    taxes_by_line: dict[str, list[Row]] = defaultdict(list)
    for tax in taxes:
        taxes_by_line[tax.line_id].append(tax)
    frame = Frame(
        merchant_id=draft.merchant_id,
        billing_entity_id=draft.billing_entity_id,
        subscription_id=draft.subscription_id,
        customer=rows.customer(draft.customer_id),
        settings=rows.settings[draft.merchant_id],
        tax_rates=rates_of(taxes),
        collection_method=draft.collection_method,
        currency=draft.currency,
    )
    planned = []
    mine = discounts_of_lines(lines)
    for row in lines:
        line = written_line(row, taxes_by_line[row.id], mine[row.id])
        due = counted.dues.get(row.billed_period_id)
        planned.append(with_usage(line, due, draft.locale, subscription.timezone) if due else line)
    write_redraft(ctx, draft, lines, redraft(frame, planned, stack_of(draft)))


def stack_of(draft: Row) -> tuple[DiscountFacts, ...]:
    """The discounts that counted when it was drafted, what it used up itself among them.

    Where a schedule's phase ended there, those that it took with it count for its usage.
    """
    mine = Q(subscription__isnull=True, customer_id=draft.customer_id, invoice_id="", invoice_item_id="")
    if draft.subscription_id:
        mine |= Q(subscription_id=draft.subscription_id)
    moment = draft.period_end
    live = Q(deleted_at__isnull=True) | Q(deleted_at__gt=draft.created) | Q(deleted_at=moment, start__lt=moment)
    unused = Q(consumed_at__isnull=True) | Q(consumed_invoice_id=draft.id)
    rows = Discount.objects.filter(mine & live & unused, merchant_id=draft.merchant_id).select_related("coupon")
    facts = [(row, discount_facts(row, coupon_facts(row.coupon))) for row in rows.order_by("position", "id")]
    consumed = {row.id: row.consumed_at for row, _ in facts}
    own = [replace(one, consumed_at=None) for row, one in facts if row.subscription_id]
    customers = [replace(one, consumed_at=None) for row, one in facts if not row.subscription_id]
    if draft.discount_ids is not None:
        of_items = [one for one in own if one.subscription_item_id]
        return (*active_discounts(of_items, (), moment), *discounts_by_id(draft.discount_ids))
    gone = {row.id for row, _ in facts if row.deleted_at is not None and row.deleted_at <= draft.created}
    before = active_discounts([one for one in own if one.start < moment], customers, moment)
    after = active_discounts([one for one in own if one.id not in gone], customers, moment)
    return tuple(replace(one, consumed_at=consumed[one.id]) for one in where_phases_meet(before, after))


def write_redraft(ctx: Context, draft: Row, lines: Sequence[Row], found: Redraft, *, whole_lines: bool = False) -> None:
    """The draft with its lines, taxes and billed periods written over what they were.

    `whole_lines`: the lines' other columns may have changed too (price, period, metadata). A `once` discount that
    it uses now is used up.
    """
    totals = found.totals
    draft.update(
        lines_gross=totals.lines_gross,
        total_discount=totals.total_discount,
        inclusive_tax_backed_out=totals.inclusive_tax_backed_out,
        inclusive_tax=totals.inclusive_tax,
        exclusive_tax=totals.exclusive_tax,
        total=totals.total,
        amount_due=totals.draft_amount_due,
        amount_remaining=totals.draft_amount_due,
    )
    taxes: list[Row] = []
    for row, line in zip(lines, found.lines, strict=True):
        row.update(
            description=line.description,
            amount=line.amount,
            quantity=line.quantity,
            discount_amount=line.discount_amount,
            discount_amounts=discount_amounts_to_json(line.discount_amounts),
            discountable=line.discountable,
            explanation=dict(line.explanation),
        )
        taxes += [_tax_row(ctx, row, tax) for tax in line.taxes]
    rewrite_drafts([draft], lines, taxes, line_fields=LINE_COLUMNS if whole_lines else LINE_AMOUNTS)
    debits = [line for line in found.lines if line.billed_period_id]
    # A pending proration's debit is what it was; one of usage is counted again, pending or not.
    counted = [line for line in debits if not line.invoice_item_id or line.explanation.get("kind") in _USAGE]
    rewrite_billed_periods([_period(line) for line in counted])
    give_debits_to_invoice(
        [(line.billed_period_id, draft.id, taxes_to_json(line.taxes)) for line in debits if line.invoice_item_id]
    )
    unused = Discount.objects.filter(id__in=found.used_discount_ids, consumed_at__isnull=True)
    consume_discounts([(discount_id, ctx.as_of, draft.id) for discount_id in unused.values_list("id", flat=True)])


def _period(line: PlannedLine) -> tuple[str, int, int, int, list[dict[str, Any]]]:
    return line.billed_period_id, line.quantity, line.amount, line.net_of_discounts, taxes_to_json(line.taxes)


def _tax_row(ctx: Context, line: Row, tax: Any) -> Row:
    return new_row(
        InvoiceLineTax,
        id=new_id("ilt"),
        merchant_id=line.merchant_id,
        invoice_id=line.invoice_id,
        line_id=line.id,
        tax_rate_id=tax.tax_rate_id,
        display_name=tax.display_name,
        percentage=tax.percentage,
        inclusive=tax.inclusive,
        taxable_amount=tax.taxable_amount,
        amount=tax.amount,
        taxability_reason=tax.taxability_reason,
        recorded_at=ctx.recorded_at,
    )


def _by_invoice(queryset: Any) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(queryset):
        found[row.invoice_id].append(row)
    return found


def _rows(queryset: Any) -> list[Row]:
    return read_rows(queryset)
