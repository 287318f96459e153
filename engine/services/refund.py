"""Sending money back: promised and committed first, then asked of the gateway, then settled.

`charge.amount_refunded` counts what is promised, so two refunds at once cannot exceed the charge: the row's lock
serializes them and the database refuses the rest. A refund that fails, at once or days later, gives it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.context import Context
from core.ids import new_id
from customers.models import TestClock
from engine.selectors import bodies_kept
from engine.services.sending import asked, call_of
from engine.types import RefundOutcome, RunReport
from events.copying import Row, new_row
from events.writes import record_events
from payments import writes as payments
from payments.disputes import money_at_bank
from payments.events import charge_event, refund_event, told
from payments.gateways import gateway_named
from payments.models import PaymentIntent, Refund
from payments.rules import LOOK_UP_AFTER, ChargeDisputed, amount_taken, key_is_alive, refundable
from payments.selectors import ChargeNotFound, due_refunds, unanswered_refunds
from payments.types import Declined, GatewayRefund, RefundFacts, Unknown

WORKER_DIED_AFTER = timedelta(minutes=5)
LEASE = timedelta(minutes=2)
ASK_AGAIN = timedelta(days=1)
CHUNK = 100


def refund_charge(
    *,
    ctx: Context,
    merchant_id: str,
    charge_id: str,
    amount: int | None = None,
    reason: str = "",
    note: str = "",
    metadata: Mapping[str, str] | None = None,
) -> RefundOutcome:
    """Send back `amount`, or all that is left of the charge.

    Raises `ChargeNotFound`, `NothingToRefund`, `ChargeAlreadyRefunded`, `RefundNotPositive`,
    `RefundMoreThanCharged`; nothing is moved then.
    """
    with transaction.atomic(durable=True):
        charge = payments.lock_charges([charge_id]).get(charge_id)
        if charge is None or charge.merchant_id != merchant_id:
            raise ChargeNotFound
        wanted = refundable(amount, charged=amount_taken(charge), refunded=charge.amount_refunded, status=charge.status)
        refund = promise_refund(ctx, charge, wanted, reason, note, metadata)
    return send_refund(ctx, refund.id)


def send_refund(ctx: Context, refund_id: str) -> RefundOutcome:
    """Ask the gateway for a refund that was promised and committed. Never inside a transaction."""
    return _settle(ctx, refund_id, _ask(ctx, Refund.objects.get(id=refund_id)))


def resolve_refunds(*, ctx: Context, limit: int = 500) -> RunReport:
    """Find out what became of refunds without an answer: look first, ask again under the same key if it lives."""
    with transaction.atomic(durable=True):
        waiting = unanswered_refunds(ctx.recorded_at, sent_before=ctx.recorded_at - WORKER_DIED_AFTER)
        refunds = list(waiting.select_for_update(skip_locked=True, no_key=True)[:limit])
        Refund.objects.filter(id__in=[refund.id for refund in refunds]).update(
            resolve_after=ctx.recorded_at + LEASE, called_at=ctx.recorded_at, status="unknown"
        )
    done = 0
    for context, refund in _in_business_time(ctx, refunds):
        outcome = _settle(context, refund.id, _find_or_ask(context, refund))
        done += outcome.status != "unknown"
    return RunReport(chunks=1 if refunds else 0, done=done, more=len(refunds) == limit)


def settle_due_refunds(*, ctx: Context, clock_id: str | None = None, limit: int = 1_000) -> RunReport:
    """Ask after refunds whose day has come, on the clock or on none."""
    with transaction.atomic(durable=True):
        refunds = list(due_refunds(ctx.as_of, clock_id).select_for_update(skip_locked=True, no_key=True)[:limit])
        Refund.objects.filter(id__in=[refund.id for refund in refunds]).update(next_action_at=ctx.as_of + ASK_AGAIN)
    for refund in refunds:
        _settle(ctx, refund.id, _look(ctx, refund))
    return RunReport(chunks=1 if refunds else 0, done=len(refunds), more=len(refunds) == limit)


def promise_refund(
    ctx: Context,
    charge: Row,
    amount: int,
    reason: str,
    note: str,
    metadata: Mapping[str, str] | None = None,
    *,
    was_made: bool = False,
) -> Row:
    """A refund of a charge that the caller holds, within what is left of it: to be committed, then sent.

    `was_made`: the processor tells of it. Raises `ChargeDisputed` while, and after, a bank took the money back:
    news of a dispute take the same lock, so of a refund and a dispute at once one comes first.
    """
    if charge.disputed and not was_made and money_at_bank([charge.id]):
        raise ChargeDisputed
    refund_id = new_id("re")
    refund = new_row(
        Refund,
        id=refund_id,
        merchant_id=charge.merchant_id,
        customer_id=charge.customer_id,
        charge_id=charge.id,
        invoice_id=charge.invoice_id,
        amount=amount,
        currency=charge.currency,
        reason=reason,
        note=note,
        metadata=dict(metadata or {}),
        gateway=charge.gateway,
        idempotency_key=f"{refund_id}/refund",
        called_at=ctx.recorded_at,
        test_clock_id=charge.test_clock_id,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )
    charge["amount_refunded"] += amount
    payments.insert_refunds([refund])
    payments.set_amounts_refunded([charge])
    kept = refund.merchant_id in bodies_kept({refund.merchant_id})
    record_events(ctx, [told(refund_event("created", refund), kept)])
    return refund


def settle_refund(ctx: Context, refund_id: str, answer: GatewayRefund) -> RefundOutcome:
    """What the gateway told of one of our refunds, made true."""
    return _settle(ctx, refund_id, answer)


def record_foreign_refund(ctx: Context, charge_id: str, told: RefundFacts) -> str:
    """A refund that somebody made at the processor itself: known from now on, once. Returns its id.

    Raises `RefundMoreThanCharged` while refunds of ours that are to fail still hold the amount: it is told again.
    """
    with transaction.atomic(durable=True):
        charge = payments.lock_charges([charge_id])[charge_id]
        known = Refund.objects.filter(charge_id=charge_id, gateway_refund_id=told.refund.gateway_refund_id).first()
        if known is not None:
            refund_id = known.id
        else:
            amount = refundable(
                told.amount, charged=amount_taken(charge), refunded=charge.amount_refunded, status=charge.status
            )
            row = promise_refund(ctx, charge, amount, told.reason, "", was_made=True)
            refund_id = row.id
            _move(ctx, row, charge, told.refund)
    if known is not None:
        _settle(ctx, refund_id, told.refund)
    return refund_id


# --- asking ------------------------------------------------------------------------------------------------


def _ask(ctx: Context, refund: Refund) -> GatewayRefund:
    intent = _intent_of(refund)
    call = call_of(ctx, refund.merchant_id, refund.idempotency_key)
    answer = asked(
        lambda: gateway_named(refund.gateway).refund(
            call, intent.gateway_intent_id, refund.amount, reason=refund.reason, metadata={"refund": refund.id}
        )
    )
    return _as_refund(answer)


def _look(ctx: Context, refund: Refund) -> GatewayRefund:
    call = call_of(ctx, refund.merchant_id, f"{refund.id}/look")
    answer = asked(lambda: gateway_named(refund.gateway).retrieve_refund(call, refund.gateway_refund_id))
    return GatewayRefund("unknown") if isinstance(answer, Declined) else _as_refund(answer)


def _find_or_ask(ctx: Context, refund: Refund) -> GatewayRefund:
    """By its id, else by our metadata; a refund that never arrived is asked for under its own key."""
    if refund.gateway_refund_id:
        return _look(ctx, refund)
    intent = _intent_of(refund)
    call = call_of(ctx, refund.merchant_id, f"{refund.id}/look")
    answer: Any = asked(
        lambda: gateway_named(refund.gateway).find_refund(call, intent.gateway_intent_id, {"refund": refund.id})
    )
    if isinstance(answer, GatewayRefund):
        return answer
    if answer is not None:
        return GatewayRefund("unknown")
    if key_is_alive(refund.recorded_at, ctx.recorded_at):
        return _ask(ctx, refund)
    return GatewayRefund("failed", failure_reason="never_arrived")


def _as_refund(answer: GatewayRefund | Declined | Unknown) -> GatewayRefund:
    if isinstance(answer, Declined):
        return GatewayRefund("failed", failure_reason=answer.code)
    return GatewayRefund("unknown") if isinstance(answer, Unknown) else answer


def _intent_of(refund: Refund) -> PaymentIntent:
    return PaymentIntent.objects.get(charges__id=refund.charge_id)


def _in_business_time(ctx: Context, refunds: Sequence[Refund]) -> list[tuple[Context, Refund]]:
    """Refunds on a test clock are settled in that clock's time."""
    clocks = TestClock.objects.in_bulk({refund.test_clock_id for refund in refunds if refund.test_clock_id})
    times: dict[str | None, datetime] = defaultdict(lambda: ctx.as_of)
    times |= {clock.id: clock.frozen_time for clock in clocks.values()}
    return [(replace(ctx, as_of=times[refund.test_clock_id]), refund) for refund in refunds]


# --- settling ----------------------------------------------------------------------------------------------


def _settle(ctx: Context, refund_id: str, answer: GatewayRefund) -> RefundOutcome:
    """Make the answer true. Only forward: pending and unknown become succeeded or failed; a success may fail later."""
    with transaction.atomic(durable=True):
        charge_id = Refund.objects.values_list("charge_id", flat=True).get(id=refund_id)
        charge = payments.lock_charges([charge_id])[charge_id]
        refund = payments.lock_refunds([refund_id])[refund_id]
        before = refund.status
        if before != "failed" and answer.status != before:
            _move(ctx, refund, charge, answer)
    return RefundOutcome(
        refund_id=refund.id, status=refund.status, amount=refund.amount, failure_code=refund.failure_reason
    )


def _move(ctx: Context, refund: Row, charge: Row, answer: GatewayRefund) -> None:
    before = refund.status
    if answer.status == "unknown" and before in ("pending", "succeeded"):
        return  # what is known stays known
    refund.update(
        status=answer.status,
        gateway_refund_id=answer.gateway_refund_id or refund.gateway_refund_id,
        failure_reason=answer.failure_reason,
        resolve_after=ctx.recorded_at + LOOK_UP_AFTER if answer.status == "unknown" else None,
        next_action_at=(answer.settles_at or ctx.as_of + ASK_AGAIN) if answer.status == "pending" else None,
        version=refund.version + (answer.status != "unknown"),
    )
    payments.update_refunds([refund])
    if answer.status == "unknown":
        return
    facts = [refund_event("failed" if answer.status == "failed" else "updated", refund)]
    if answer.status == "failed":
        charge["amount_refunded"] -= refund.amount
        charge["version"] += 1
        facts.append(charge_event("refund.updated", charge))
    elif before in ("planned", "unknown"):
        charge["version"] += 1
        facts.append(charge_event("refunded", charge))
    payments.set_amounts_refunded([charge])
    kept = refund.merchant_id in bodies_kept({refund.merchant_id})
    record_events(ctx, [told(fact, kept) for fact in facts])
