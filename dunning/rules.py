"""When a failed payment is tried again: pure, by tables. The networks' rules win over the merchant's policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dunning.types import (
    AskCustomer,
    AttemptLimit,
    CaseFacts,
    DebitRule,
    Decision,
    GiveUp,
    NetworkRules,
    PolicyFacts,
    Retry,
)

# Stripe's own list: after these nothing is tried again without a new payment method.
NEVER_WITHOUT_A_NEW_METHOD = frozenset(
    {
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "stolen_card",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "authentication_required",
        "highest_risk_level",
        "transaction_not_allowed",
    }
)
NO_PAYMENT_METHOD = "no_payment_method"

_CARD = "card"


def next_attempt(policy: PolicyFacts, case: CaseFacts, as_of: datetime) -> Decision:
    """What to do after a failure at `as_of`.

    A retry at its delay from now, later where a network asks for that; the customer is asked where a retry is
    useless or forbidden, until the day of the policy's last retry; then tries end.
    """
    if case.failures > len(policy.retry_delays):
        return GiveUp("exhausted")
    ends_at = case.first_failed_at + policy.lasts
    if as_of >= ends_at:
        return GiveUp("exhausted")
    blocked = why_no_retry(policy.network, case)
    if blocked:
        return AskCustomer(blocked, ends_at)
    wanted = as_of + policy.retry_delays[case.failures - 1]
    allowed = earliest_allowed(policy.network, case, wanted, as_of)
    if allowed > max(ends_at, wanted):
        return AskCustomer("network_limit", ends_at)
    return Retry(allowed, "schedule" if allowed == wanted else "network_wait")


def most_hopeful(decisions: Sequence[Decision]) -> int:
    """Which of several methods' decisions counts for their invoice: the earliest retry, else the first decision."""
    retries = [(decision.at, number) for number, decision in enumerate(decisions) if isinstance(decision, Retry)]
    return min(retries)[1] if retries else 0


def may_be_tried(network: NetworkRules, refused: CaseFacts, refused_at: datetime, as_of: datetime) -> bool:
    """Whether a method that was refused at `refused_at` may be charged again at `as_of`, whoever's policy it is."""
    return not why_no_retry(network, refused) and earliest_allowed(network, refused, as_of, refused_at) <= as_of


def why_no_retry(network: NetworkRules, case: CaseFacts) -> str:
    """Why this failure may not be retried with the same method; "" when it may."""
    if NO_PAYMENT_METHOD in (case.code, case.decline_code):
        return NO_PAYMENT_METHOD
    for code in (case.decline_code, case.code):
        if code in NEVER_WITHOUT_A_NEW_METHOD:
            return code
    if case.method_type != _CARD:
        return _why_no_debit_retry(network, case)
    if case.network_advice_code in network.never_again_advice:
        return "network_advice"
    if case.network_decline_code in network.never_again_codes.get(case.network, frozenset()):
        return "network_decline"
    return ""


def _why_no_debit_retry(network: NetworkRules, case: CaseFacts) -> str:
    rule = network.debits.get(case.method_type)
    if rule is None:
        return ""
    if case.network_decline_code not in rule.codes:
        return "debit_not_retryable"
    return "debit_retries_used" if case.failures > rule.retries else ""


def earliest_allowed(network: NetworkRules, case: CaseFacts, wanted: datetime, as_of: datetime) -> datetime:
    """The first moment from `wanted` on that the issuer's advice and the networks' windows allow."""
    at = max(wanted, as_of + network.advice_waits.get(case.network_advice_code, timedelta()))
    limits = [limit for limit in network.limits if limit.network == case.network]
    for _ in limits:  # moving past one window may still be inside another, but never back into an earlier one
        at = max([at, *(_window_opens(limit, case.attempts) for limit in limits if _is_full(limit, case.attempts, at))])
    return at


def _is_full(limit: AttemptLimit, attempts: Sequence[datetime], at: datetime) -> bool:
    return sum(1 for tried in attempts if tried > at - limit.window) >= limit.most


def _window_opens(limit: AttemptLimit, attempts: Sequence[datetime]) -> datetime:
    """When the oldest of the last `most` attempts leaves the window."""
    return sorted(attempts)[-limit.most] + limit.window


# --- the networks' rules as data ----------------------------------------------------------------------------


def rules_in_force(table: Mapping[str, Any], on: date, visa_attempts_per_30_days: int = 15) -> NetworkRules:
    """The part of `network_rules.json` that holds on a day. Visa's count is the merchant's own."""
    limits = [
        AttemptLimit(row["network"], timedelta(hours=row["window_hours"]), row["most"])
        for row in _in_force(table["limits"], on)
    ]
    limits.append(AttemptLimit("visa", timedelta(days=30), visa_attempts_per_30_days))
    return NetworkRules(
        limits=tuple(limits),
        never_again_advice=frozenset(
            code for row in _in_force(table["never_again_advice"], on) for code in row["codes"]
        ),
        advice_waits={row["code"]: timedelta(hours=row["wait_hours"]) for row in _in_force(table["advice_waits"], on)},
        never_again_codes={
            row["network"]: frozenset(row["codes"]) for row in _in_force(table["never_again_codes"], on)
        },
        debits={
            row["type"]: DebitRule(frozenset(row["codes"]), row["retries"]) for row in _in_force(table["debits"], on)
        },
    )


def _in_force(rows: Iterable[Mapping[str, Any]], on: date) -> list[Mapping[str, Any]]:
    return [
        row
        for row in rows
        if row.get("valid_from", "0001-01-01") <= on.isoformat() <= row.get("valid_to", "9999-12-31")
    ]
