"""What waits for a moment in business time, and which use case acts on it: one registry for the run and the clocks.

A source that is missing here is never done on a clock; one that is here is done in this order at each moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Min

from core.context import Context
from customers.models import CreditGrant, PaymentMethod
from engine.services.card_expiry import run_card_expiries
from engine.services.collect import run_collections
from engine.services.disputes import run_disputes
from engine.services.expiring import run_grant_expiries
from engine.services.finalize import run_finalizations
from engine.services.overdue import run_overdue
from engine.services.pending_updates import run_pending_updates
from engine.services.phases import run_schedules
from engine.services.quotes import run_quote_expiries
from engine.services.renew import run_renewals
from engine.services.resolve import settle_due
from engine.services.thresholds import run_thresholds
from invoicing.models import Invoice
from payments.models import Charge, Dispute, Refund
from subscriptions.models import Quote, Subscription, SubscriptionSchedule


@dataclass(frozen=True, slots=True)
class DueSource:
    """A use case that takes `ctx` and `clock_id` and does all that is due at `ctx.as_of`."""

    name: str
    run: Callable[..., Any]


# Late settlements first: money that arrived is counted before anything new is billed or tried again.
DUE_SOURCES = (
    DueSource("settlement", settle_due),
    DueSource("disputes", run_disputes),
    DueSource("grant_expiry", run_grant_expiries),
    DueSource("quote_expiry", run_quote_expiries),
    # A card that its issuer replaced is known before anything is charged to it.
    DueSource("card_expiry", run_card_expiries),
    # A change that was paid in time is written before its subscription's next moment, and at once when a retry paid it.
    DueSource("pending_updates", run_pending_updates),
    # A phase begins before its subscription is renewed, so that both make one invoice.
    DueSource("schedules", run_schedules),
    DueSource("renewal", run_renewals),
    DueSource("thresholds", run_thresholds),
    DueSource("finalization", run_finalizations),
    DueSource("collection", run_collections),
    DueSource("overdue", run_overdue),
    DueSource("pending_updates_just_paid", run_pending_updates),
)

# Every table that waits has the one indexed column `next_action_at` (and `test_clock_id` beside it).
WAITING_TABLES: tuple[type[models.Model], ...] = (
    SubscriptionSchedule,
    Subscription,
    Invoice,
    Charge,
    Refund,
    Dispute,
    CreditGrant,
    PaymentMethod,
    Quote,
)


def next_due_moment(clock_id: str | None) -> datetime | None:
    """The earliest moment at which anything on the clock, or without one on none, is due. One query per table."""
    moments = []
    for table in WAITING_TABLES:
        waiting = table._default_manager.filter(test_clock_id=clock_id, next_action_at__isnull=False)
        moments.append(waiting.aggregate(earliest=Min("next_action_at"))["earliest"])
    return min((moment for moment in moments if moment is not None), default=None)


def run_all_due(ctx: Context, clock_id: str | None) -> None:
    """Everything that is due at `ctx.as_of`, source by source."""
    for source in DUE_SOURCES:
        source.run(ctx=ctx, clock_id=clock_id)
