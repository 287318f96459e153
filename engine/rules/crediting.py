"""What credit grants pay of a planned invoice, and its taxes after that: finalization and previews ask the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from customers.types import CreditGrantFacts
from invoicing.rules.credit_grants import spend_grants
from invoicing.rules.tax import tax_lines
from invoicing.rules.totals import invoice_totals
from invoicing.types import PlannedInvoice, PlannedLine, TaxRateFacts


def credited_lines(
    lines: Sequence[PlannedLine],
    metered_price_ids: Collection[str],
    grants: Sequence[CreditGrantFacts],
    rates: Mapping[str, TaxRateFacts],
    *,
    currency: str,
    at: datetime,
    tax_exempt: str,
    rounding: str,
) -> tuple[PlannedLine, ...] | None:
    """The lines as grants and then taxes leave them, discounts being taken already; None when nothing is spent."""
    spent = spend_grants(lines, metered_price_ids, grants, currency=currency, at=at)
    if not any(line.credit_amounts for line in spent):
        return None
    return tax_lines(spent, rates, tax_exempt=tax_exempt, rounding=rounding)


def credited_invoice(
    planned: PlannedInvoice,
    metered_price_ids: Collection[str],
    grants: Sequence[CreditGrantFacts],
    *,
    at: datetime,
    tax_exempt: str,
) -> PlannedInvoice:
    """The invoice that is only shown, with what grants would pay of it at `at`."""
    taxes = [tax for line in planned.lines for tax in line.taxes]
    rates = {
        tax.tax_rate_id: TaxRateFacts(tax.tax_rate_id, tax.display_name, tax.percentage, tax.inclusive) for tax in taxes
    }
    lines = credited_lines(
        planned.lines,
        metered_price_ids,
        grants,
        rates,
        currency=planned.currency,
        at=at,
        tax_exempt=tax_exempt,
        rounding=planned.tax_rounding,
    )
    return planned if lines is None else replace(planned, lines=lines, totals=invoice_totals(lines))
