"""Outcomes that nobody knows, and debits whose day has come: ask the gateway, never charge again blindly.

A charge is unknown when its answer was lost, and a planned one may be when its worker died. For each:

1. Take a lease on it, so that no other worker asks at the same time.
2. Look: retrieve the intent by its id or, id lost, find it by our metadata. No answer: look again later.
3. What the gateway tells of this very attempt is settled.
4. If the attempt never arrived, nothing was taken: it is sent again under the same key, as long as the gateway
   surely knows the key. After 20 hours it is let go of and a new attempt, with a new key, is planned; sooner where
   the gateway only repeats the server error that it stored under the key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from core.context import Context
from customers.models import TestClock
from engine.services.collect import cancel_at_gateway
from engine.services.refund import resolve_refunds, settle_due_refunds
from engine.services.sending import asked, call_of, capture_at_gateway, intent_metadata, send
from engine.services.settlement import settle_answers
from engine.types import RunReport
from payments import writes as payments
from payments.gateways import gateway_named
from payments.models import Charge, PaymentIntent
from payments.rules import key_is_alive, key_is_dead, standing_of_attempt
from payments.selectors import due_charges, gateway_charges_of, unanswered_charges
from payments.types import (
    Authorized,
    Declined,
    GatewayIntent,
    NotConfirmed,
    RequiresAction,
    Standing,
    Unknown,
)

# A planned charge is its worker's for that long: sending a batch to a slow gateway takes a while.
NEVER_SENT_AFTER = timedelta(minutes=1)
WORKER_DIED_AFTER = timedelta(minutes=5)
LEASE = timedelta(minutes=2)
# Business time: a debit whose look-up got no answer is asked after an hour later.
ASK_DEBIT_AGAIN = timedelta(hours=1)
CHUNK = 100


def resolve_unknown(*, ctx: Context, limit: int = 500) -> RunReport:
    """Find out what became of charges and refunds without an answer, clocks or not: look-ups follow the wall.

    `done` counts what was settled.
    """
    waiting = unanswered_charges(
        ctx.recorded_at,
        never_sent_before=ctx.recorded_at - NEVER_SENT_AFTER,
        sent_before=ctx.recorded_at - WORKER_DIED_AFTER,
    )
    chunks = done = seen = 0
    while seen < limit:
        charges = _lease(ctx, waiting, min(CHUNK, limit - seen))
        if not charges:
            break
        chunks, seen = chunks + 1, seen + len(charges)
        for context, group in _by_business_time(ctx, charges):
            done += _resolve(context, group)
    refunds = resolve_refunds(ctx=ctx, limit=limit)
    return RunReport(chunks=chunks + refunds.chunks, done=done + refunds.done, more=seen >= limit or refunds.more)


def settle_due(*, ctx: Context, clock_id: str | None = None, limit: int = 5_000) -> RunReport:
    """Ask after debits and refunds whose day has come, on the clock or on none, and settle them."""
    chunks = done = 0
    while chunks * CHUNK < limit:
        with transaction.atomic(durable=True):
            charges = _locked(due_charges(ctx.as_of, clock_id), CHUNK)
            payments.postpone_settling([charge.id for charge in charges], ctx.as_of + ASK_DEBIT_AGAIN)
        if not charges:
            break
        chunks += 1
        answers = _look_up(ctx, charges)
        settle_answers(ctx, answers)
        done += sum(1 for standing in answers.values() if not isinstance(standing, Unknown))
    refunds = settle_due_refunds(ctx=ctx, clock_id=clock_id)
    return RunReport(chunks=chunks + refunds.chunks, done=done + refunds.done, more=refunds.more)


def resolve_charges(ctx: Context, charge_ids: Sequence[str]) -> int:
    """Ask after these charges now, whatever their lease: for a person who waits. Returns how many were settled."""
    waiting = Q(status__in=["planned", "unknown"]) | Q(
        amount_to_capture__isnull=False, status__in=["authorized", "requires_action"]
    )
    return _resolve(ctx, list(Charge.objects.filter(waiting, id__in=charge_ids)))


def _lease(ctx: Context, waiting: QuerySet[Charge], size: int) -> list[Charge]:
    with transaction.atomic(durable=True):
        charges = _locked(waiting, size)
        payments.postpone_look_up(ctx, [charge.id for charge in charges], ctx.recorded_at + LEASE)
    return charges


def _locked(rows: QuerySet[Charge], size: int) -> list[Charge]:
    return list(rows.select_for_update(skip_locked=True, no_key=True)[:size])


def _by_business_time(ctx: Context, charges: Sequence[Charge]) -> list[tuple[Context, list[Charge]]]:
    """Charges on a test clock are settled in that clock's time."""
    clocks = TestClock.objects.in_bulk({charge.test_clock_id for charge in charges if charge.test_clock_id})
    groups: dict[str | None, list[Charge]] = defaultdict(list)
    for charge in charges:
        groups[charge.test_clock_id].append(charge)
    return [
        (replace(ctx, as_of=clocks[clock_id].frozen_time) if clock_id in clocks else ctx, group)
        for clock_id, group in groups.items()
    ]


def _resolve(ctx: Context, charges: Sequence[Charge]) -> int:
    never_sent = [charge.id for charge in charges if charge.status == "planned" and charge.called_at is None]
    answers = _look_up(ctx, [charge for charge in charges if charge.id not in never_sent])
    again = [
        charge.id
        for charge in charges
        if isinstance(answers.get(charge.id), NotConfirmed) and key_is_alive(charge.recorded_at, ctx.recorded_at)
    ]
    # What was never sent was never under its key: it is sent now as any planned charge.
    answers |= send(ctx, [*never_sent, *again])
    answers |= _keep_promises(ctx, answers)
    first_used = {charge.id: charge.recorded_at for charge in charges}
    dead = [one for one in again if key_is_dead(answers[one], first_used[one], ctx.recorded_at)]
    answers |= {charge_id: NotConfirmed() for charge_id in dead}
    settle_answers(ctx, answers)
    return sum(1 for standing in answers.values() if not isinstance(standing, Unknown))


def _keep_promises(ctx: Context, answers: Mapping[str, Standing]) -> dict[str, Standing]:
    """A capture, or a cancellation, that never arrived is asked for again: each can be done once only."""
    held = [charge_id for charge_id, standing in answers.items() if isinstance(standing, Authorized | RequiresAction)]
    promised = Charge.objects.filter(
        id__in=held, status__in=["authorized", "requires_action"], amount_to_capture__isnull=False
    )
    kept: dict[str, Standing] = {}
    for charge in promised:
        if charge.amount_to_capture:
            kept[charge.id] = capture_at_gateway(ctx, charge.id)
        else:
            kept |= cancel_at_gateway(ctx, [charge.payment_intent_id], [charge])
    return kept


def _look_up(ctx: Context, charges: Sequence[Charge]) -> dict[str, Standing]:
    """How each attempt stands at its gateway. `NotConfirmed` and `IntentCanceled` mean that nothing was taken."""
    intents = PaymentIntent.objects.in_bulk({charge.payment_intent_id for charge in charges})
    known = gateway_charges_of(intents)
    found: list[tuple[str, str]] = []
    answers: dict[str, Standing] = {}
    for charge in charges:
        intent = intents[charge.payment_intent_id]
        answer = _find(ctx, intent)
        if isinstance(answer, GatewayIntent):
            if not intent.gateway_intent_id:
                found.append((intent.id, answer.gateway_intent_id))
            earlier = known.get(intent.id, set()) - {charge.gateway_charge_id}
            arrived = charge.status in ("processing", "requires_action", "authorized")
            answers[charge.id] = standing_of_attempt(answer, earlier, arrived=arrived)
        else:
            answers[charge.id] = answer
    if found:
        with transaction.atomic(durable=True):
            payments.store_gateway_intent_ids(sorted(set(found)))
    return answers


def _find(ctx: Context, intent: PaymentIntent) -> GatewayIntent | NotConfirmed | Unknown:
    """The intent at its gateway, by id or by our metadata; `NotConfirmed` when it was never made there."""
    gateway = gateway_named(intent.gateway)
    call = call_of(ctx, intent.merchant_id, f"{intent.id}/look")
    answer: Any
    if intent.gateway_intent_id:
        answer = asked(lambda: gateway.retrieve(call, intent.gateway_intent_id))
    else:
        answer = asked(lambda: gateway.find_by_metadata(call, intent.customer_id or "", intent_metadata(intent)))
        if answer is None:
            return NotConfirmed()
    if isinstance(answer, Declined):
        return Unknown(answer.code)  # a refused look-up is no answer about the money
    return answer
