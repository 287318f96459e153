"""An invoice's totals from its lines, in the terms of its columns (the CHECK `invoice_adds_up`)."""

from __future__ import annotations

from collections.abc import Iterable

from core.money import check_amount
from invoicing.types import InvoiceTotals, PlannedLine


def invoice_totals(lines: Iterable[PlannedLine]) -> InvoiceTotals:
    """The sums over the lines; their order never matters. Raises `AmountTooLarge`."""
    gross = discount = credits = backed_out = inclusive = exclusive = 0
    for line in lines:
        gross += line.amount
        discount += line.discount_amount
        credits += line.credit_amount
        backed_out += line.backed_out
        for tax in line.taxes:
            if tax.inclusive:
                inclusive += tax.amount
            else:
                exclusive += tax.amount
    return InvoiceTotals(
        lines_gross=check_amount(gross),
        total_discount=discount,
        credit_grants_applied=credits,
        inclusive_tax_backed_out=backed_out,
        inclusive_tax=inclusive,
        exclusive_tax=exclusive,
        total=check_amount(gross - discount - credits - backed_out + exclusive),
    )
