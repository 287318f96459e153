"""Finalization: a draft gets its number, its legal snapshots and its due date, and its payment is planned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.posting.batch import Batch
from engine.rules.finalization import plan_finalization
from engine.selectors import claim_drafts, finalization_snapshot, load_rows
from engine.services.chunks import ChunkReport, Job, run_job
from engine.services.collect import collect_invoices
from engine.services.granting import GrantSpending
from engine.services.redrafting import refresh_usage
from engine.services.transitions import InvoiceNews, subscriptions_after_payment
from engine.services.voiding import void_rows, write_off_rows
from engine.types import RefusedPlan, RunReport
from engine.writes import refuse, resolve_refusals
from events.copying import Row
from invoicing.models import Invoice
from invoicing.selectors import InvoiceNotFound
from invoicing.writes import lock_invoices
from subscriptions.writes import lock_subscriptions

KIND = "finalization"


class InvoiceAlreadyFinalized(OstinatoError):
    code = "invoice_not_editable"
    param = "invoice"
    message_id = gettext_noop("The invoice was finalized before.")


class FinalizationRefused(OstinatoError):
    """The planner's own refusal, for a caller that asked for this one invoice."""

    code = "invoice_finalization_failed"
    param = "invoice"

    @classmethod
    def of(cls, refused: RefusedPlan) -> FinalizationRefused:
        error = cls(refused.message_id)
        error.code, error.params = refused.code, dict(refused.params)
        return error


def run_finalizations(
    *, ctx: Context, clock_id: str | None = None, chunk_size: int = 500, max_chunks: int | None = None
) -> RunReport:
    """Finalize every draft whose grace is over. Payments are planned here and made by `run_collections`."""
    job = Job(
        kind=KIND,
        claim=lambda limit, only: claim_drafts(ctx.as_of, clock_id=clock_id, limit=limit, only=only),
        work=lambda drafts: _finalize_drafts(ctx, drafts),
    )
    return run_job(ctx, job, clock_id=clock_id, chunk_size=chunk_size, max_chunks=max_chunks)


def finalize_invoice(*, ctx: Context, merchant_id: str, invoice_id: str) -> None:
    """One draft, now; what it charges automatically is collected after the commit.

    Raises `InvoiceNotFound`, `InvoiceAlreadyFinalized`, `FinalizationRefused`.
    """
    with transaction.atomic(durable=True):
        owner = Invoice.objects.filter(merchant_id=merchant_id, id=invoice_id).values_list("subscription_id", flat=True)
        subscriptions = _locked_subscriptions(owner)
        drafts = [row for row in lock_invoices([invoice_id]) if row.merchant_id == merchant_id]
        if not drafts:
            raise InvoiceNotFound
        if drafts[0].status != "draft":
            raise InvoiceAlreadyFinalized
        batch, refused = _finalized(ctx, drafts, subscriptions)
        if refused:
            raise FinalizationRefused.of(refused[0])
        batch.write()
        settle_paid(batch)
    collect_invoices(ctx=ctx, invoice_ids=invoice_ids_to_collect(batch))


def _finalize_drafts(ctx: Context, drafts: list[Row]) -> ChunkReport:
    batch, refused = _finalized(ctx, drafts, _locked_subscriptions(row.subscription_id for row in drafts))
    batch.write()
    settle_paid(batch)
    refuse(ctx, KIND, refused)
    finalized = [row.id for row in drafts if row.id in batch.finalized]
    resolve_refusals(ctx, KIND, finalized)
    return ChunkReport(done=len(finalized), refused=len(refused))


def _locked_subscriptions(ids: Iterable[str | None]) -> dict[str, Row]:
    """Before the customers, as everywhere: an invoice that is paid by being finalized may wake its subscription."""
    return {row.id: row for row in lock_subscriptions(found for found in ids if found)}


def _finalized(ctx: Context, drafts: list[Row], subscriptions: dict[str, Row]) -> tuple[Batch, list[RefusedPlan]]:
    rows = load_rows(invoices=drafts, lock=True)
    refresh_usage(ctx, rows, drafts, subscriptions)
    batch = Batch(ctx, rows, subscriptions=subscriptions)
    return batch, finalize_rows(batch, drafts)


def finalize_rows(batch: Batch, drafts: Sequence[Row]) -> list[RefusedPlan]:
    """Plan the finalization of drafts, one after the other so that a customer's balance is spent once.

    Returns what the planner would not finalize: these stay drafts.
    """
    refused: list[RefusedPlan] = []
    if not drafts:
        return refused
    spending = GrantSpending(batch, drafts)
    for draft in drafts:
        subscription = batch.subscriptions.get(draft.subscription_id or "")
        spending.on(draft)
        plan = plan_finalization(finalization_snapshot(batch.rows, draft, subscription), batch.ctx.as_of)
        if isinstance(plan, RefusedPlan):
            refused.append(plan)
        else:
            batch.add_finalization(plan, draft)
    spending.write()
    return refused


def finalize_new(batch: Batch) -> list[RefusedPlan]:
    """Finalize drafts that this very batch makes, in the same transaction; nobody has seen them as drafts."""
    drafts = [batch.new_invoices[invoice_id].invoice for invoice_id in batch.finalize_ids]
    return finalize_rows(batch, drafts)


def settle_paid(batch: Batch) -> None:
    """Invoices that are paid by being finalized (nothing due) may wake their subscriptions. After the writing.

    What a pause in collection makes of the others is done here too.
    """
    settled = _settle_paused(batch)
    news = [InvoiceNews(row.id, row.subscription_id, "settled") for row in settled if row.subscription_id]
    news += [
        InvoiceNews(row.id, row.subscription_id, "paid")
        for row in batch.finalized.values()
        if row.status == "paid" and row.subscription_id and _may_wake(batch, row)
    ]
    subscriptions_after_payment(batch.ctx, news)


def _settle_paused(batch: Batch) -> list[Row]:
    """Invoices made while collection is paused are voided or written off at once. Nothing of them was ever sent."""
    settled: list[Row] = []
    for outcome, settle in (("void", void_rows), ("uncollectible", write_off_rows)):
        rows = [
            row for row in batch.finalized.values() if batch.outcomes.get(row.id) == outcome and row.status == "open"
        ]
        settle(batch.ctx, rows)
        settled += rows
    return settled


def _may_wake(batch: Batch, invoice: Row) -> bool:
    """Most renewals with nothing due belong to subscriptions that are well: no look at them is needed."""
    subscription = batch.subscriptions.get(invoice.subscription_id)
    return subscription is None or subscription.status in ("incomplete", "past_due", "unpaid")


def invoice_ids_to_collect(batch: Batch) -> list[str]:
    """What is to be charged once this transaction is committed."""
    return [intent.invoice_id for intent in batch.intents if intent.payment_method_id]
