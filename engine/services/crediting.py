"""What a planned invoice would come to once finalized: credit grants, then the balance. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.models import Price
from core.context import Context
from customers.selectors import grants_to_spend
from customers.types import CreditGrantFacts
from engine.rules.crediting import credited_invoice
from engine.selectors import load_rows
from engine.types import ChangePreview, InvoicePreview
from invoicing.rules.balance import Settlement, apply_balance
from invoicing.types import PlannedInvoice


@dataclass(frozen=True, slots=True)
class SettledPreview:
    """The invoice with its credits, and what the balance leaves due of it."""

    invoice: PlannedInvoice
    settlement: Settlement


def settled_preview(
    *, ctx: Context, planned: PlannedInvoice, customer_id: str, after: SettledPreview | None = None
) -> SettledPreview:
    """`planned` as its finalization would leave it: at its own moment, with the grants and balance of today.

    `after`: an invoice that comes before it and spends of the same.
    """
    rows = load_rows(customer_ids=[customer_id], merchant_ids=[planned.merchant_id], lock=False)
    customer, settings = rows.customer(customer_id), rows.settings[planned.merchant_id]
    at = _moment(ctx, planned)
    grants = _left(grants_to_spend([customer_id], at).get(customer_id, []), after)
    if grants:
        ids = {line.price_id for line in planned.lines}
        metered = set(Price.objects.filter(id__in=ids, usage_type="metered").values_list("id", flat=True))
        planned = credited_invoice(planned, metered, grants, at=at, tax_exempt=customer.tax_exempt)
    minimum = settings.minimum_charges.get(planned.currency, 0)
    balance = customer.balance if after is None else after.settlement.ending_balance
    return SettledPreview(planned, apply_balance(planned.totals.total, balance, minimum))


def with_credits(*, ctx: Context, shown: InvoicePreview, customer_id: str) -> InvoicePreview:
    """The preview with what grants and balance pay of it, as its finalization would have it."""
    return _shown(shown, _settled(ctx, shown, customer_id))


def change_with_credits(*, ctx: Context, shown: ChangePreview, customer_id: str) -> ChangePreview:
    """A change's previews, the invoice at once first: what that spends the next one has no more."""
    now, following = shown.invoice_now, shown.next_invoice
    first = _settled(ctx, now, customer_id) if now is not None else None
    if following is not None:
        following = _shown(following, _settled(ctx, following, customer_id, after=first))
    if now is None or first is None:
        return replace(shown, next_invoice=following)
    due_now = first.settlement.amount_due
    return replace(shown, invoice_now=_shown(now, first), due_now=due_now, next_invoice=following)


def _settled(
    ctx: Context, shown: InvoicePreview, customer_id: str, after: SettledPreview | None = None
) -> SettledPreview:
    assert shown.planned is not None, "a preview that is shown was planned"
    return settled_preview(ctx=ctx, planned=shown.planned, customer_id=customer_id, after=after)


def _shown(shown: InvoicePreview, found: SettledPreview) -> InvoicePreview:
    totals = found.invoice.totals
    return replace(
        shown,
        tax=totals.inclusive_tax + totals.exclusive_tax,
        total=totals.total,
        amount_due=found.settlement.amount_due,
        credits=totals.credit_grants_applied,
        planned=found.invoice,
    )


def _left(grants: Sequence[CreditGrantFacts], after: SettledPreview | None) -> list[CreditGrantFacts]:
    """The grants without what an invoice before this one spends of them."""
    if after is None:
        return list(grants)
    spent: Counter[str] = Counter()
    for line in after.invoice.lines:
        for credit in line.credit_amounts:
            spent[credit.credit_grant_id] += credit.amount
    left = [replace(grant, balance=grant.balance - spent[grant.id]) for grant in grants]
    return [grant for grant in left if grant.balance > 0]


def _moment(ctx: Context, planned: PlannedInvoice) -> datetime:
    """When it would be finalized: after its grace, at once, or (made later) at the end of what it bills."""
    if planned.automatically_finalizes_at is not None:
        return planned.automatically_finalizes_at
    return max(ctx.as_of, planned.period_end)
