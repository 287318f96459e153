"""Reads of policies and cases, and of the networks' rules that are in force."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from dunning.models import CaseStatus, EndBehavior, RecoveryCase, RecoveryPolicy, default_retry_delays
from dunning.rules import rules_in_force
from dunning.types import PolicyFacts

_TABLE = Path(__file__).parent / "network_rules.json"


@lru_cache(maxsize=1)
def network_rules_table() -> dict[str, Any]:
    """The networks' rules as they are kept, with their dates."""
    return json.loads(_TABLE.read_text())


def default_policies(merchant_ids: Iterable[str]) -> dict[str, RecoveryPolicy]:
    """Each merchant's default recovery policy, where it has one. One query."""
    found = RecoveryPolicy.objects.filter(merchant_id__in=set(merchant_ids), is_default=True)
    return {policy.merchant_id: policy for policy in found}


def policy_facts(policy: RecoveryPolicy | None, on: date) -> PolicyFacts:
    """A policy with the networks' rules of that day; without one, eight tries in two weeks and cancel."""
    hours = policy.retry_delays_hours if policy else default_retry_delays()
    visa = policy.visa_attempts_per_30_days if policy else 15
    return PolicyFacts(
        retry_delays=tuple(timedelta(hours=delay) for delay in hours),
        end_behavior=policy.end_behavior if policy else EndBehavior.CANCEL,
        network=rules_in_force(network_rules_table(), on, visa),
    )


def open_cases(invoice_ids: Iterable[str]) -> dict[str, RecoveryCase]:
    """The open recovery case of each invoice that has one. One query."""
    found = RecoveryCase.objects.filter(invoice_id__any=set(invoice_ids), status=CaseStatus.OPEN)
    return {case.invoice_id: case for case in found.select_related("policy")}


def open_cases_of_customers(customer_ids: Iterable[str], merchant_id: str = "") -> list[RecoveryCase]:
    """What of these customers' is being recovered, the oldest first; one query. The runs name no merchant."""
    cases = RecoveryCase.objects.filter(customer_id__in=set(customer_ids), status=CaseStatus.OPEN)
    if merchant_id:
        cases = cases.filter(merchant_id=merchant_id)
    return list(cases.order_by("created", "id"))
