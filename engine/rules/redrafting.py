"""A draft reckoned anew when its usage has changed since it was drafted: discounts, then tax, then totals.

The same rules as for a new invoice, on the lines as they were written. Lines that reuse the taxes of what they
credit keep them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core.periods import Period
from engine.rules.arrears import Stretch, UsageDue, due_told, reckoned_again
from engine.rules.drafting import Frame, reckon_lines
from engine.types.usage import UsageFacts
from invoicing.rules.descriptions import usage_line
from invoicing.rules.totals import invoice_totals
from invoicing.types import InvoiceTotals, PlannedLine, TaxRateFacts
from subscriptions.facts import discount_amounts_from_json
from subscriptions.rules.discounts import used_up
from subscriptions.types import BilledUsage, DiscountFacts, PlannedTax

_KEPT = ("ends_phase",)
_TOLD_ANEW = ("discounts", "taxes", "tax_rounding")


@dataclass(frozen=True, slots=True)
class Redraft:
    """A draft's lines, in their order, and totals as they are to be; the `once` discounts that it now uses up."""

    lines: tuple[PlannedLine, ...]
    totals: InvoiceTotals
    used_discount_ids: tuple[str, ...]


def usage_now(
    one: BilledUsage, others: Sequence[BilledUsage], usage: UsageFacts, tax_rate_ids: tuple[str, ...] = ()
) -> UsageDue:
    """What a billed span on a draft comes to now; `others` are what else was billed of spans of its item."""
    span = one.span
    stretch = Stretch(
        one.subscription_item_id,
        one.price,
        one.sequence,
        Period(one.start, one.end),
        Period(span.start, span.end),
        span,
        tax_rate_ids,
    )
    return reckoned_again(one, stretch, usage, others)


def with_usage(line: PlannedLine, due: UsageDue, locale: str, tz: str) -> PlannedLine:
    """The line of a billed span with what it comes to now."""
    price = due.stretch.price
    return replace(
        line,
        description=usage_line(price, due.total, locale, due.period, tz, late=due.kind == "late"),
        amount=due.amount,
        quantity=due.quantity,
        discountable=due.amount >= 0,
        explanation=due_told(due) | {name: line.explanation[name] for name in _KEPT if name in line.explanation},
    )


def written_line(row: Any, taxes: Sequence[Any], discounts: tuple[DiscountFacts, ...] = ()) -> PlannedLine:
    """A line of a draft as the rules see it, with its own discounts, and without what was taken and reckoned."""
    kept = row.explanation.get("tax_rounding") == "as_credited"
    amounts = discount_amounts_from_json(row.discount_amounts)
    given = tuple(_given(tax) for tax in taxes) if kept else ()
    line = PlannedLine(
        type=row.type,
        description=row.description,
        currency=row.currency,
        amount=row.amount,
        period_start=row.period_start,
        period_end=row.period_end,
        quantity=row.quantity,
        unit_amount_decimal=row.unit_amount_decimal,
        # What a line brought with it (a proration's) stays; what the stack took is taken anew.
        discount_amounts=() if row.discountable else amounts,
        discounts=discounts,
        taxes=given,
        price_id=row.price_id,
        product_id=row.product_id,
        subscription_id=row.subscription_id,
        subscription_item_id=row.subscription_item_id,
        invoice_item_id=row.invoice_item_id,
        billed_period_id=row.billed_period_id,
        credited_billed_period_id=row.credited_billed_period_id,
        proration=row.proration,
        discountable=row.discountable,
        tax_rate_ids=() if kept else tuple(tax.tax_rate_id for tax in taxes),
        taxes_are_given=kept,
        explanation={name: told for name, told in row.explanation.items() if kept or name not in _TOLD_ANEW},
        metadata=row.metadata,
    )
    exempt = bool(given) and given[0].taxability_reason != "standard_rated" and any(tax.inclusive for tax in given)
    return replace(line, backed_out=line.net_of_discounts - given[0].taxable_amount) if exempt else line


def redraft(frame: Frame, lines: Sequence[PlannedLine], discounts: Sequence[DiscountFacts]) -> Redraft:
    """The draft of these lines. Raises what `draft_invoice` does."""
    reckoned = reckon_lines(frame, lines, discounts)
    used = used_up(discounts, [line.discount_amounts for line in reckoned])
    return Redraft(reckoned, invoice_totals(reckoned), tuple(used))


def rates_of(taxes: Sequence[Any]) -> Mapping[str, TaxRateFacts]:
    """The tax rates that the draft's lines carry, as they were when it was drafted."""
    return {
        tax.tax_rate_id: TaxRateFacts(tax.tax_rate_id, tax.display_name, tax.percentage, tax.inclusive) for tax in taxes
    }


def _given(tax: Any) -> PlannedTax:
    return PlannedTax(
        tax_rate_id=tax.tax_rate_id,
        display_name=tax.display_name,
        percentage=Decimal(tax.percentage),
        inclusive=tax.inclusive,
        taxable_amount=tax.taxable_amount,
        amount=tax.amount,
        taxability_reason=tax.taxability_reason,
    )
