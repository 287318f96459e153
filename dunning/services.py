"""Dunning decides, the engine acts: cases are opened, moved and closed inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.context import Context
from dunning.models import CaseStatus
from dunning.rules import most_hopeful, next_attempt
from dunning.selectors import policy_facts
from dunning.types import AskCustomer, CaseFacts, Decision, Failure, GiveUp, PolicyFacts, Recovery, Retry
from dunning.writes import ensure_default_policies, insert_cases, lock_open_cases, new_case, update_cases
from events.copying import Row

_WORDS = {Retry: "retry", AskCustomer: "ask_customer", GiveUp: "give_up"}


def record_failures(ctx: Context, failures: Sequence[Failure]) -> Mapping[str, Recovery]:
    """Open or move the case of each failed invoice and decide what comes next, by invoice.

    A person's own attempt that fails opens a case but uses up no try of an open one: its schedule stands.
    The caller holds the invoices' locks and schedules the retries. Six statements at most, whatever the number.
    """
    if not failures:
        return {}
    policies = ensure_default_policies(ctx, {failure.merchant_id for failure in failures})
    facts = {merchant_id: policy_facts(policy, ctx.as_of.date()) for merchant_id, policy in policies.items()}
    cases = lock_open_cases(failure.invoice_id for failure in failures)
    fresh, moved, decided = [], [], {}
    for failure in failures:
        policy = facts[failure.merchant_id]
        case = cases.get(failure.invoice_id)
        if case is not None and not failure.automatic:
            decided[failure.invoice_id] = Recovery(_standing_decision(case), policy.end_behavior)
            continue
        if case is None and not failure.may_open:
            continue
        if case is None:
            case = _open(ctx, failure, policies[failure.merchant_id].id)
            fresh.append(case)
        else:
            moved.append(case)
        decided[failure.invoice_id] = Recovery(_decide(ctx, case, failure, policy), policy.end_behavior)
    insert_cases(fresh)
    update_cases(moved)
    return decided


def bring_forward(ctx: Context, invoice_ids: Sequence[str], reason: str) -> list[str]:
    """Try the open cases of these invoices again now: there is a new method. Returns the invoices that have one."""
    cases = lock_open_cases(invoice_ids)
    for case in cases.values():
        case.update(decision="retry", reason=reason, next_attempt_at=ctx.as_of, version=case.version + 1)
    update_cases(list(cases.values()))
    return sorted(cases)


def give_up(ctx: Context, invoice_ids: Sequence[str]) -> Mapping[str, str]:
    """End the cases that nobody answered in time: the policy's end behaviour by invoice."""
    cases = lock_open_cases(invoice_ids)
    policies = ensure_default_policies(ctx, {case.merchant_id for case in cases.values()})
    for case in cases.values():
        case.update(
            status=CaseStatus.EXHAUSTED.value,
            decision="give_up",
            closed_at=ctx.as_of,
            next_attempt_at=None,
            version=case.version + 1,
        )
    update_cases(list(cases.values()))
    return {invoice_id: policies[case.merchant_id].end_behavior for invoice_id, case in cases.items()}


def _open(ctx: Context, failure: Failure, policy_id: str) -> Row:
    return new_case(
        ctx,
        policy_id=policy_id,
        merchant_id=failure.merchant_id,
        invoice_id=failure.invoice_id,
        customer_id=failure.customer_id,
        subscription_id=failure.subscription_id,
        version=0,
    )


def _decide(ctx: Context, case: Row, failure: Failure, policy: PolicyFacts) -> Decision:
    """Put the failure and what follows from it on the case: of a try with backups, the most hopeful of its declines."""
    tried = [*failure.before, failure]
    decisions = [next_attempt(policy, _case_facts(case, one), ctx.as_of) for one in tried]
    best = most_hopeful(decisions)
    failure, decision = tried[best], decisions[best]
    case.update(
        failures=case.failures + 1,
        last_charge_id=failure.charge_id,
        last_decline_code=failure.decline_code or failure.code,
        decision=_WORDS[type(decision)],
        reason=decision.reason,
        next_attempt_at=decision.at if isinstance(decision, Retry) else None,
        gives_up_at=case.first_failed_at + policy.lasts,
        version=case.version + 1,
    )
    if isinstance(decision, GiveUp):
        case.update(status=CaseStatus.EXHAUSTED.value, closed_at=ctx.as_of)
    return decision


def _case_facts(case: Row, failure: Failure) -> CaseFacts:
    return CaseFacts(
        first_failed_at=case.first_failed_at,
        failures=case.failures + 1,
        code=failure.code,
        decline_code=failure.decline_code,
        network=failure.network,
        method_type=failure.method_type,
        network_decline_code=failure.network_decline_code,
        network_advice_code=failure.network_advice_code,
        attempts=failure.attempts,
    )


def _standing_decision(case: Any) -> Decision:
    if case.next_attempt_at is not None:
        return Retry(case.next_attempt_at, case.reason)
    return AskCustomer(case.reason, case.gives_up_at)
