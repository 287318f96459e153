"""What a planned invoice would come to once finalized: credit grants, then the balance. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.models import Price
from core.context import Context
from customers.selectors import grants_to_spend
from engine.rules.crediting import credited_invoice
from engine.selectors import load_rows
from invoicing.rules.balance import Settlement, apply_balance
from invoicing.types import PlannedInvoice


@dataclass(frozen=True, slots=True)
class SettledPreview:
    """The invoice with its credits, and what the balance leaves due of it."""

    invoice: PlannedInvoice
    settlement: Settlement


def settled_preview(*, ctx: Context, planned: PlannedInvoice, customer_id: str) -> SettledPreview:
    """`planned` as its finalization would leave it: at its own moment, with the grants and balance of today."""
    rows = load_rows(customer_ids=[customer_id], merchant_ids=[planned.merchant_id], lock=False)
    customer, settings = rows.customer(customer_id), rows.settings[planned.merchant_id]
    at = _moment(ctx, planned)
    grants = grants_to_spend([customer_id], at).get(customer_id, [])
    if grants:
        ids = {line.price_id for line in planned.lines}
        metered = set(Price.objects.filter(id__in=ids, usage_type="metered").values_list("id", flat=True))
        planned = credited_invoice(planned, metered, grants, at=at, tax_exempt=customer.tax_exempt)
    minimum = settings.minimum_charges.get(planned.currency, 0)
    return SettledPreview(planned, apply_balance(planned.totals.total, customer.balance, minimum))


def _moment(ctx: Context, planned: PlannedInvoice) -> datetime:
    """When it would be finalized: after its grace, at once, or (made later) at the end of what it bills."""
    if planned.automatically_finalizes_at is not None:
        return planned.automatically_finalizes_at
    return max(ctx.as_of, planned.period_end)
