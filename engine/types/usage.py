"""What the planner may know of a subscription's usage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from subscriptions.types import BilledUsage, UsageSpan


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What was used in each span that may be billed now, and what was billed of it before."""

    totals: Mapping[UsageSpan, Decimal] = field(default_factory=dict)
    billed: tuple[BilledUsage, ...] = ()

    def total(self, span: UsageSpan) -> Decimal:
        """0 for a span that nobody read: what it lacks is found when its period is looked at again."""
        return self.totals.get(span, Decimal(0))
