"""What the recovery rules take and give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """At most so many attempts on one card, amount and currency within any window of that length."""

    network: str
    window: timedelta
    most: int


@dataclass(frozen=True, slots=True)
class DebitRule:
    """For bank debits: the return codes after which a retry is allowed, and how many."""

    codes: frozenset[str]
    retries: int


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """The networks' own rules in force on a day. They win over any policy."""

    limits: tuple[AttemptLimit, ...] = ()
    never_again_advice: frozenset[str] = frozenset()
    advice_waits: Mapping[str, timedelta] = field(default_factory=dict)
    never_again_codes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    debits: Mapping[str, DebitRule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """A merchant's recovery policy: the delay before each retry, and what happens when they end."""

    retry_delays: tuple[timedelta, ...]
    end_behavior: str = "cancel"  # cancel, unpaid, past_due
    network: NetworkRules = NetworkRules()

    @property
    def lasts(self) -> timedelta:
        """From the first failure to the last retry."""
        return sum(self.retry_delays, timedelta())


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One failed invoice at its latest failure.

    `failures` counts automatic tries that failed, this one included. `attempts` are all tries on this card and
    amount, this one included, oldest first.
    """

    first_failed_at: datetime
    failures: int
    code: str = ""
    decline_code: str = ""
    network: str = ""
    method_type: str = "card"
    network_decline_code: str = ""
    network_advice_code: str = ""
    attempts: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again by itself at `at`."""

    at: datetime
    reason: str = "schedule"


@dataclass(frozen=True, slots=True)
class AskCustomer:
    """A retry would be useless or forbidden: another method or an authentication is needed before `until`."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Tries have ended: the policy's end behaviour applies."""

    reason: str


Decision = Retry | AskCustomer | GiveUp


@dataclass(frozen=True, slots=True)
class Failure:
    """A payment that failed, for `dunning.services.record_failures`.

    `automatic`: the run tried it, no person did. `may_open`: a case begins with it when there is none.
    `before` are the other methods that were refused in the same try, which counts once: a default before its backup.
    """

    merchant_id: str
    invoice_id: str
    customer_id: str
    subscription_id: str
    charge_id: str
    automatic: bool
    may_open: bool = True
    code: str = ""
    decline_code: str = ""
    network: str = ""
    method_type: str = "card"
    network_decline_code: str = ""
    network_advice_code: str = ""
    attempts: tuple[datetime, ...] = ()
    before: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is decided for an invoice. `end_behavior` is the policy's, for when `decision` is to give up."""

    decision: Decision
    end_behavior: str
