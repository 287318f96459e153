"""Sent invoices that passed their due date: told once, and the subscription is past due."""

from __future__ import annotations

from core.context import Context
from engine.selectors import bodies_kept, claim_overdue
from engine.services.chunks import ChunkReport, Job, run_job
from engine.services.transitions import InvoiceNews, invoice_event, subscriptions_after_payment
from engine.types import RunReport
from events.copying import Row
from events.writes import record_events
from invoicing.writes import update_progress

KIND = "overdue"


def run_overdue(
    *, ctx: Context, clock_id: str | None = None, chunk_size: int = 500, max_chunks: int | None = None
) -> RunReport:
    """Mark every sent invoice that is late at `ctx.as_of`; each once, whatever happens to it later."""
    job = Job(
        kind=KIND,
        claim=lambda limit, only: claim_overdue(ctx.as_of, clock_id=clock_id, limit=limit, only=only),
        work=lambda late: _mark(ctx, late),
    )
    return run_job(ctx, job, clock_id=clock_id, chunk_size=chunk_size, max_chunks=max_chunks)


def _mark(ctx: Context, late: list[Row]) -> ChunkReport:
    for invoice in late:
        invoice.update(overdue_since=invoice.due_date, next_action_at=None, version=invoice.version + 1)
    update_progress(late)
    kept = bodies_kept({invoice.merchant_id for invoice in late})
    record_events(ctx, [invoice_event("invoice.overdue", invoice, kept) for invoice in late])
    subscriptions_after_payment(
        ctx, [InvoiceNews(invoice.id, invoice.subscription_id or "", "overdue") for invoice in late]
    )
    return ChunkReport(done=len(late))
