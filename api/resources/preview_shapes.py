"""An invoice that nobody wrote, in the shape of one that was: with the credits and the balance of its finalization."""

from __future__ import annotations

from api.protocol.operation import Json
from core.context import Context
from core.ids import new_id
from engine.posting.rows import preview_rows
from engine.services.crediting import settled_preview
from invoicing.snapshots import invoice_snapshot
from invoicing.types import PlannedInvoice


def shown_as_finalized(ctx: Context, planned: PlannedInvoice, customer_id: str) -> Json:
    """Stripe's upcoming invoice: a draft that shows what will be due of it."""
    found = settled_preview(ctx=ctx, planned=planned, customer_id=customer_id)
    rows = preview_rows(ctx, found.invoice, new_id("upcoming_in"))
    for row, line in zip(rows.lines, found.invoice.lines, strict=True):
        row["credit_amounts"] = [
            {"credit_grant": credit.credit_grant_id, "amount": credit.amount} for credit in line.credit_amounts
        ]
        # Items that would be made by what is only previewed.
        sold = line.type == "subscription" and not line.invoice_item_id
        if sold and not row.subscription_item_id:
            row["subscription_item_id"] = new_id("si")
        elif not row.invoice_item_id and (line.invoice_item_id or not row.subscription_item_id):
            row["invoice_item_id"] = new_id("ii")
    body = invoice_snapshot(rows.invoice, rows.lines, rows.taxes_by_line)
    return body | {
        "amount_due": found.settlement.amount_due,
        "amount_remaining": found.settlement.amount_due,
        "starting_balance": found.settlement.starting_balance,
        "ending_balance": found.settlement.ending_balance,
        "lines": body["lines"] | {"url": "/v1/invoices/upcoming/lines"},
    }
