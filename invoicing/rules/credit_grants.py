"""What credit grants pay of an invoice: metered lines only, after discounts and before tax (SEMANTICS, Invoices)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from core.money import AllocationMode, allocate
from customers.rules import grant_is_spendable, in_order_of_spending
from customers.types import CreditGrantFacts
from invoicing.types import CreditAmount, PlannedLine


def spend_grants(
    lines: Sequence[PlannedLine],
    metered_price_ids: Collection[str],
    grants: Sequence[CreditGrantFacts],
    *,
    currency: str,
    at: datetime,
) -> tuple[PlannedLine, ...]:
    """The lines with what the grants pay of each, untaxed still; grants are spent one after the other in their order.

    A grant is spread in proportion over what is left of the lines it may pay. The order of the lines never matters:
    a unit that is left over goes by what the lines are.
    """
    left = [max(line.net_of_discounts, 0) if line.price_id in metered_price_ids else 0 for line in lines]
    paid: list[list[CreditAmount]] = [[] for _ in lines]
    canonical = sorted(range(len(lines)), key=lambda index: _what_it_is(lines[index]))
    for grant in in_order_of_spending(grants):
        if not grant_is_spendable(grant, currency, at):
            continue
        weights = [
            left[index] if not grant.price_ids or lines[index].price_id in grant.price_ids else 0 for index in canonical
        ]
        parts = allocate(min(grant.balance, sum(weights)), weights, AllocationMode.LARGEST_REMAINDER)
        for index, part in zip(canonical, parts, strict=True):
            if part:
                left[index] -= part
                paid[index].append(CreditAmount(grant.id, part))
    return tuple(
        replace(line, credit_amounts=tuple(amounts)) if amounts else line
        for line, amounts in zip(lines, paid, strict=True)
    )


def _what_it_is(line: PlannedLine) -> tuple[str, str, str, int]:
    return (line.price_id, line.subscription_item_id, line.period_start.isoformat(), line.net_of_discounts)
