"""Schedules: what a subscription will become, phase by phase. Instants are aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.types.requests import DiscountRequest, ItemRequest


@dataclass(frozen=True, slots=True)
class PhaseRequest:
    """One phase. It ends at `end_date`, after `duration` (unit, count), or after `iterations` of its shortest interval
    (1 unless told). `start` is only checked: a phase begins where the one before it ends."""

    items: tuple[ItemRequest, ...]
    end_date: datetime | None = None
    start: datetime | None = None
    duration: tuple[str, int] | None = None
    currency: str = ""
    iterations: int | None = None
    coupon_ids: tuple[str, ...] | None = None
    discounts: tuple[DiscountRequest, ...] | None = None
    proration_behavior: str = "create_prorations"
    billing_cycle_anchor: str = "automatic"  # automatic, phase_start
    trial_end: datetime | None = None
    trial: bool = False  # the whole phase is free
    add_invoice_items: tuple[ItemRequest, ...] = ()
    collection_method: str | None = None
    days_until_due: int | None = None
    default_payment_method_id: str | None = None
    default_tax_rate_ids: tuple[str, ...] | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def discounts_wanted(self) -> tuple[DiscountRequest, ...]:
        """The phase's own stack: one that says nothing has none."""
        if self.discounts is not None:
            return self.discounts
        return tuple(DiscountRequest(coupon_id=one) for one in self.coupon_ids or ())

    @property
    def discounts_asked(self) -> list[DiscountRequest]:
        """All discounts that the phase names, wherever they are for."""
        of_items = [one for item in (*self.items, *self.add_invoice_items) for one in item.discounts]
        return [*self.discounts_wanted, *of_items]


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase with its instants worked out: [start, end)."""

    start: datetime
    end: datetime
    request: PhaseRequest


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """A new schedule: for a customer from `start_date` on (None: now), or around a running subscription."""

    merchant_id: str
    customer_id: str = ""
    phases: tuple[PhaseRequest, ...] = ()
    start_date: datetime | None = None
    from_subscription: str = ""
    end_behavior: str = "release"  # release, cancel
    metadata: Mapping[str, str] = field(default_factory=dict)
    default_settings: Mapping[str, object] = field(default_factory=dict)  # by our names, `DEFAULT_SETTINGS`


@dataclass(frozen=True, slots=True)
class ScheduleUpdate:
    """A change of what is still to come. `phases` begin with the current one, which keeps its start."""

    merchant_id: str
    schedule_id: str
    phases: tuple[PhaseRequest, ...] | None = None
    end_behavior: str | None = None
    metadata: Mapping[str, str] | None = None
    proration_behavior: str = "create_prorations"  # of a change of the current phase
    default_settings: Mapping[str, object] | None = None  # merged
