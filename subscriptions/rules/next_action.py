"""The one column that says when the run must look at a subscription again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from subscriptions.types import SubscriptionFacts

TRIAL_NOTICE = timedelta(days=3)

# What still renews. An incomplete subscription waits for its payment or its expiry alone, a paused one for nothing.
RENEWING_STATUSES = frozenset({"trialing", "active", "past_due", "unpaid"})


def cancel_instant(
    *, cancel_at_period_end: bool, cancel_at: datetime | None, period_ends: Iterable[datetime]
) -> datetime | None:
    """When a scheduled end comes. At period end is the earliest end of an item, as Stripe has it."""
    if cancel_at_period_end:
        return min(period_ends, default=cancel_at)
    return cancel_at


def next_action(
    *,
    status: str,
    period_ends: Iterable[datetime],
    trial_end: datetime | None = None,
    trial_will_end_sent_at: datetime | None = None,
    cancel_at_period_end: bool = False,
    cancel_at: datetime | None = None,
    incomplete_expires_at: datetime | None = None,
    pause_resumes_at: datetime | None = None,
    pending_update_expires_at: datetime | None = None,
) -> datetime | None:
    """The earliest of renewal, trial end and its notice (3 days before, once), the scheduled end and expiry, the
    end of a pause in collection, and the lapse of a change that waits to be paid.

    None for what has ended and for what waits for somebody.
    """
    ends = list(period_ends)
    if status == "incomplete":
        return incomplete_expires_at
    if status == "paused":
        # A resumption that waits to be paid lapses like any change that does.
        return min((moment for moment in (cancel_at, pending_update_expires_at) if moment is not None), default=None)
    if status not in RENEWING_STATUSES:
        return None
    moments = [*ends, *(moment for moment in (pause_resumes_at, pending_update_expires_at) if moment is not None)]
    ending = cancel_instant(cancel_at_period_end=cancel_at_period_end, cancel_at=cancel_at, period_ends=ends)
    if ending is not None:
        moments.append(ending)
    if status == "trialing" and trial_end is not None:
        moments.append(trial_end)
        if trial_will_end_sent_at is None:
            moments.append(trial_end - TRIAL_NOTICE)
    return min(moments, default=None)


def next_action_at(subscription: SubscriptionFacts) -> datetime | None:
    """`next_action` of a subscription as it stands."""
    return next_action(
        status=subscription.status,
        period_ends=[item.current_period_end for item in subscription.items],
        trial_end=subscription.trial_end,
        trial_will_end_sent_at=subscription.trial_will_end_sent_at,
        cancel_at_period_end=subscription.cancel_at_period_end,
        cancel_at=subscription.cancel_at,
        incomplete_expires_at=subscription.incomplete_expires_at,
        pause_resumes_at=subscription.pause_resumes_at,
        pending_update_expires_at=subscription.pending_update_expires_at,
    )
