"""Usage as it is reported, as it is accepted, and as it is asked for. Instants are aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.errors import OstinatoError


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """One use as an API client reports it. `timestamp` None is now; a blank `identifier` is made for it."""

    event_name: str
    payload: Mapping[str, str]
    identifier: str = ""
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class MeterFacts:
    """What an event's name stands for."""

    id: str
    event_name: str
    formula: str  # sum, count, last, max, unique
    customer_key: str = "stripe_customer_id"
    value_key: str = "value"
    status: str = "active"


@dataclass(frozen=True, slots=True)
class AcceptedUsage:
    """A use that counts. `value` is a decimal of at most 12 places; `label` is set for the unique formula alone."""

    meter_id: str
    customer_id: str
    identifier: str
    timestamp: datetime
    reported_at: datetime
    value: Decimal
    label: str = ""


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """What became of one event: `accepted` (then with how it counts), `duplicate` (its identifier was accepted before)
    or `refused`."""

    status: str
    identifier: str
    event_id: str = ""
    timestamp: datetime | None = None
    reported_at: datetime | None = None
    error: OstinatoError | None = None
    usage: AcceptedUsage | None = None


@dataclass(frozen=True, slots=True)
class UsageWindow:
    """A question: what did the meter count for the customer in [start, end)?

    Of what was reported in [reported_from, reported_until) only, where these are given; at the very instant of one of
    them, what was written down from `recorded_from` on or before `recorded_until`.
    """

    merchant_id: str
    meter_id: str
    customer_id: str
    start: datetime
    end: datetime
    reported_from: datetime | None = None
    reported_until: datetime | None = None
    recorded_from: datetime | None = None
    recorded_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """What a meter counted for a customer in [start, end)."""

    start: datetime
    end: datetime
    value: Decimal
