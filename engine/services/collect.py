"""Collecting invoices: plan and commit, call the gateway, settle. One invoice is a batch of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction

from core.collector import collector_paused
from core.context import Context
from engine.selectors import claim_collections, over_collections
from engine.services.attempts import PlannedAttempts, plan_attempts
from engine.services.recover import end_recoveries
from engine.services.sending import asked, call_of, send
from engine.services.settlement import settle_answers
from engine.types import PaymentOutcome, RunReport
from engine.writes import finish_run, note_run, start_run
from events.copying import Row
from invoicing.writes import lock_invoices
from payments.gateways import gateway_named
from payments.models import PaymentIntent
from payments.types import GatewayIntent, IntentCanceled, Standing, Unknown
from subscriptions.writes import lock_subscriptions

# Few enough that the answers of a slow gateway are settled soon after they came.
CHUNK = 100
MAX_CHUNKS = 100_000


def collect_invoices(
    *, ctx: Context, invoice_ids: Sequence[str], off_session: bool = True, payment_method_id: str = ""
) -> list[PaymentOutcome]:
    """Charge these invoices now: outcomes in the order of the ids. Ids that are no invoice are passed over.

    What is planned already and not sent is sent; what is under way is left, and its outcome says so. An
    authentication that waits for a customer is let go of when a machine asks, or when another method is given.
    """
    outcomes: dict[str, PaymentOutcome] = {}
    for start in range(0, len(invoice_ids), CHUNK):
        chunk = invoice_ids[start : start + CHUNK]
        outcomes |= _collect_chunk(ctx, chunk, off_session, payment_method_id)
    return [outcomes[invoice_id] for invoice_id in invoice_ids if invoice_id in outcomes]


def _collect_chunk(
    ctx: Context, invoice_ids: Sequence[str], off_session: bool, payment_method_id: str
) -> dict[str, PaymentOutcome]:
    planned = _plan(ctx, invoice_ids, off_session, payment_method_id)
    in_the_way = [
        charge
        for charge in planned.waiting.values()
        if off_session or (payment_method_id and payment_method_id != charge.payment_method_id)
    ]
    outcomes = finish(ctx, planned)
    if in_the_way:
        let_go_of(ctx, in_the_way)
        again = _plan(ctx, [charge.invoice_id for charge in in_the_way], off_session, payment_method_id)
        outcomes |= finish(ctx, again)
    return outcomes


def _plan(ctx: Context, invoice_ids: Sequence[str], off_session: bool, payment_method_id: str) -> PlannedAttempts:
    with transaction.atomic(durable=True):
        return plan_attempts(
            ctx, lock_invoices(invoice_ids), off_session=off_session, payment_method_id=payment_method_id
        )


def finish(ctx: Context, planned: PlannedAttempts) -> dict[str, PaymentOutcome]:
    """Send what was planned and committed, and settle the answers: outcomes by invoice."""
    cancel_at_gateway(ctx, planned.stale_intents)
    settled = settle_answers(ctx, send(ctx, planned.send), planned.without_method)
    return planned.outcomes | {outcome.invoice_id: outcome for outcome in settled}


def let_go_of(ctx: Context, charges: Sequence[Any]) -> list[PaymentOutcome]:
    """Cancel authentications that wait, at the gateway first. One that was paid meanwhile is settled as paid."""
    return settle_answers(ctx, cancel_at_gateway(ctx, [charge.payment_intent_id for charge in charges], charges))


def cancel_at_gateway(
    ctx: Context, payment_intent_ids: Sequence[str], charges: Sequence[Any] = ()
) -> dict[str, Standing]:
    """Cancel intents at their gateways: how each of `charges` stands after it. An unknown answer stays unknown."""
    intents = PaymentIntent.objects.in_bulk(list(payment_intent_ids))
    stands: dict[str, Standing] = {}
    for intent in intents.values():
        if not intent.gateway_intent_id:
            stands[intent.id] = IntentCanceled()
            continue
        answer = asked(partial(_cancel, ctx, intent))
        # A refusal to cancel says nothing of the money.
        stands[intent.id] = answer.standing if isinstance(answer, GatewayIntent) else Unknown("not_canceled")
    return {charge.id: stands[charge.payment_intent_id] for charge in charges}


def _cancel(ctx: Context, intent: PaymentIntent) -> GatewayIntent | Unknown:
    call = call_of(ctx, intent.merchant_id, f"{intent.id}/cancel")
    return gateway_named(intent.gateway).cancel(call, intent.gateway_intent_id)


def run_collections(
    *, ctx: Context, clock_id: str | None = None, chunk_size: int = CHUNK, max_chunks: int | None = None
) -> RunReport:
    """Collect what is due: invoices just opened, retries, and cases whose time is over.

    1. End the recoveries that nobody answered in time: their subscriptions are locked before them, as everywhere.
    2. Claim a chunk of due invoices with SKIP LOCKED, any number of workers share the work; plan their attempts.
    3. After its commit call the gateways, then settle. Killed in between, `resolve_unknown` finds out.
    """
    run = start_run(ctx, "collection", clock_id)
    chunks = done = 0
    limit = MAX_CHUNKS if max_chunks is None else max_chunks
    claimed = 0
    while chunks < limit:
        claimed = _collect_due(ctx, clock_id, chunk_size)
        if not claimed:
            break
        chunks, done = chunks + 1, done + claimed
        note_run(run, RunReport(chunks=chunks, done=done))
    report = RunReport(chunks=chunks, done=done, more=bool(claimed))
    finish_run(run, report)
    return report


def _collect_due(ctx: Context, clock_id: str | None, chunk_size: int) -> int:
    ended = _end_overdue_recoveries(ctx, clock_id, chunk_size)
    with collector_paused(), transaction.atomic(durable=True):
        claimed = claim_collections(ctx.as_of, clock_id=clock_id, limit=chunk_size)
        due = [row for row in claimed if not _is_over(row, ctx)]
        planned = plan_attempts(ctx, due, off_session=True, by_run=True)
    _finish_due(ctx, planned)
    return ended + len(due)


def _end_overdue_recoveries(ctx: Context, clock_id: str | None, chunk_size: int) -> int:
    """Before anything is claimed: a subscription that ends with one of its invoices takes the rest off the schedule."""
    found = dict(over_collections(ctx.as_of, clock_id=clock_id, limit=chunk_size))
    if not found:
        return 0
    with transaction.atomic(durable=True):
        lock_subscriptions({owner for owner in found.values() if owner})
        held = [row for row in lock_invoices(found) if row.status == "open" and row.auto_advance]
        over = [row for row in held if row.next_action_at and row.next_action_at <= ctx.as_of and _is_over(row, ctx)]
        end_recoveries(ctx, over)
    return len(over)


def _is_over(invoice: Row, ctx: Context) -> bool:
    """Whether it is due for no attempt: the day until which its customer was asked has come."""
    return invoice.next_payment_attempt is None or invoice.next_payment_attempt > ctx.as_of


def _finish_due(ctx: Context, planned: PlannedAttempts) -> Mapping[str, PaymentOutcome]:
    waiting = list(planned.waiting.values())
    outcomes = finish(ctx, planned)
    if not waiting:
        return outcomes
    # A retry is due while an old authentication still waits for its customer: the retry wins.
    let_go_of(ctx, waiting)
    return outcomes | finish(ctx, _plan(ctx, [charge.invoice_id for charge in waiting], True, ""))
