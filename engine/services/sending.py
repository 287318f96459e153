"""Sending planned charges: the calls, and how their answers are understood. Never inside a transaction.

1. Create the intents that the gateway does not have yet, unconfirmed: no money moves.
2. Commit their ids, so that a look-up needs no search.
3. Confirm each, under the key that was committed with its charge.

A worker that dies in between leaves a planned charge, and `engine.services.resolve` asks what became of it.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings

from core.context import Context
from customers.models import PaymentMethod
from events.copying import Row
from events.statements import Statement
from payments import writes as payments
from payments.gateways import gateway_named
from payments.gateways.base import (
    Call,
    CalledInsideTransaction,
    Gateway,
    GatewayRefused,
    IntentRequest,
    ToConfirm,
    ToCreate,
)
from payments.models import Charge, PaymentIntent
from payments.rules import intent_key
from payments.types import Declined, GatewayIntent, Outcome, Standing, Unknown

logger = logging.getLogger(__name__)
T = TypeVar("T")
Item = TypeVar("Item")

METHOD_GONE = Declined(
    code="payment_method_not_available",
    decline_code="payment_method_not_available",
    message="This payment method cannot be used any more.",
)


@dataclass(frozen=True, slots=True)
class _Job:
    charge: Row
    intent: Row
    gateway_method_id: str  # blank: it was detached
    method_type: str = "card"
    mandate_id: str = ""


def send(ctx: Context, charge_ids: Sequence[str]) -> dict[str, Standing]:
    """Send planned charges, whose rows are committed, to their gateways: the answers by charge."""
    answers: dict[str, Standing] = {}
    for gateway, jobs in _jobs(charge_ids).items():
        answers |= {job.charge.id: METHOD_GONE for job in jobs if not job.gateway_method_id}
        answers |= _send(ctx, gateway_named(gateway), [job for job in jobs if job.gateway_method_id])
    return {charge_id: answers[charge_id] for charge_id in charge_ids if charge_id in answers}


def _jobs(charge_ids: Sequence[str]) -> dict[str, list[_Job]]:
    charges = _unanswered.rows(ids=charge_ids)
    intents = {row.id: row for row in _intents.rows(ids=[charge.payment_intent_id for charge in charges])}
    methods = {row.id: row for row in _methods.rows(ids={charge.payment_method_id for charge in charges} - {""})}
    jobs: dict[str, list[_Job]] = defaultdict(list)
    for charge in charges:
        method = methods.get(charge.payment_method_id)
        # An intent is collected where it was planned: another processor does not know this method.
        known = method is not None and method.gateway == charge.gateway
        job = _Job(charge, intents[charge.payment_intent_id], "")
        if method is not None and known:
            job = _Job(charge, job.intent, method.gateway_method_id, method.type or "card", method.gateway_mandate_id)
        jobs[charge.gateway].append(job)
    return jobs


_unanswered = Statement(
    lambda ids: Charge.objects.filter(id__any=ids, status__in=["planned", "unknown"]).order_by("id")
)
_intents = Statement(lambda ids: PaymentIntent.objects.filter(id__any=ids))
_methods = Statement(lambda ids: PaymentMethod.objects.filter(id__any=ids))


def _send(ctx: Context, gateway: Gateway, jobs: Sequence[_Job]) -> dict[str, Standing]:
    gateway_ids, answers = _create_intents(ctx, gateway, jobs)
    ready = [job for job in jobs if job.charge.id not in answers]
    return answers | _confirm_all(ctx, gateway, ready, gateway_ids)


def _confirm_all(
    ctx: Context, gateway: Gateway, jobs: Sequence[_Job], gateway_ids: Mapping[str, str]
) -> dict[str, Standing]:
    batch = [
        ToConfirm(
            call_of(ctx, job.charge.merchant_id, job.charge.idempotency_key),
            gateway_ids[job.intent.id],
            job.gateway_method_id,
            job.charge.off_session,
            job.method_type,
            job.mandate_id,
            "" if job.charge.off_session else f"{settings.SITE_URL}/pay/return/{job.intent.id}/",
        )
        for job in jobs
    ]
    confirmed = _ask_all(batch, gateway.confirm_all)
    return {job.charge.id: outcome for job, outcome in zip(jobs, confirmed, strict=True)}


def _create_intents(ctx: Context, gateway: Gateway, jobs: Sequence[_Job]) -> tuple[dict[str, str], dict[str, Standing]]:
    """(the gateway's intent ids by ours, answers of charges whose intent could not be made)."""
    known = {job.intent.id: job.intent.gateway_intent_id for job in jobs if job.intent.gateway_intent_id}
    missing = [job for job in jobs if job.intent.id not in known]
    batch = [
        ToCreate(call_of(ctx, job.intent.merchant_id, intent_key(job.intent.id, job.charge.attempt)), _request(job))
        for job in missing
    ]
    made = _ask_all(batch, gateway.create_intents)
    failed: dict[str, Standing] = {}
    fresh: dict[str, str] = {}
    for job, answer in zip(missing, made, strict=True):
        if isinstance(answer, GatewayIntent):
            fresh[job.intent.id] = answer.gateway_intent_id
        else:
            failed[job.charge.id] = answer
    payments.store_gateway_intent_ids(sorted(fresh.items()))  # committed as it returns: no transaction is open
    return known | fresh, failed


def _request(job: _Job) -> IntentRequest:
    intent = job.intent
    return IntentRequest(
        customer_id=intent.customer_id or "",
        amount=intent.amount,
        currency=intent.currency,
        description=intent.description,
        statement_descriptor=intent.statement_descriptor or intent.terms.get("statement_descriptor_suffix", ""),
        metadata=intent_metadata(intent),
        method_type=job.method_type,
        manual_capture=intent.capture_method == "manual",
    )


def _ask_all(
    batch: Sequence[Item], call: Callable[[Sequence[Item]], Sequence[GatewayIntent | Outcome | GatewayRefused]]
) -> list[Any]:
    """The answers of a batch, in order. When the batch as a whole goes wrong nothing of it is known."""
    if not batch:
        return []
    try:
        answers = call(batch)
    except CalledInsideTransaction:
        raise
    except Exception:
        logger.exception("a batch of gateway calls failed")
        return [Unknown("error") for _ in batch]
    return [understood(answer) if isinstance(answer, GatewayRefused) else answer for answer in answers]


def capture_at_gateway(ctx: Context, charge_id: str) -> Standing:
    """Take what was promised of an authorization, and committed as `amount_to_capture`. Never inside a transaction."""
    charge = Charge.objects.select_related("payment_intent").get(id=charge_id)
    intent, amount = charge.payment_intent, charge.amount_to_capture
    assert amount is not None
    # Another key for each try, committed before it: an authorization is captured once, and a key may repeat an error.
    call = call_of(ctx, charge.merchant_id, f"{charge.id}/capture/{charge.resolve_after}")
    gateway = gateway_named(charge.gateway)
    answer = asked(lambda: gateway.capture(call, intent.gateway_intent_id, amount, charge.currency))
    # A refusal to capture is no word on what is held: a look-up says how it stands.
    return Unknown(answer.code) if isinstance(answer, Declined) else answer


def call_of(ctx: Context, merchant_id: str, key: str) -> Call:
    return Call(merchant_id=merchant_id, key=key, at=ctx.as_of, recorded_at=ctx.recorded_at)


def intent_metadata(intent: Any) -> dict[str, str]:
    """By what an intent is found at the gateway when its id was lost."""
    return {"payment_intent": intent.id, "invoice": intent.invoice_id or ""}


def asked(call: Callable[[], T]) -> T | Declined | Unknown:
    """The gateway's answer. A refusal that took nothing is a decline; anything else that goes wrong is unknown."""
    try:
        return call()
    except GatewayRefused as refused:
        return understood(refused)
    except CalledInsideTransaction:
        raise
    except Exception:
        # A defect of the adapter, or the network's: whatever it was, money may have moved.
        logger.exception("a gateway call failed")
        return Unknown("error")


def understood(refused: GatewayRefused) -> Declined | Unknown:
    """What a refusal means for the money."""
    if refused.nothing_taken:
        return Declined(code=refused.code, decline_code=refused.code, message=refused.message)
    logger.warning("the gateway's refusal says nothing of the money: %s", refused)
    return Unknown(refused.code)
