"""A change that a subscriber asks for now and that takes effect when the period is over, by a schedule."""

from __future__ import annotations

from dataclasses import replace

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.services.schedules import phase_now, release_schedule, schedule_subscription
from engine.types.schedules import PhaseRequest
from subscriptions.models import SubscriptionSchedule
from subscriptions.selectors import subscription_by_id

# How such a schedule is known again: only these may a subscriber take back.
MADE_BY = {"made_by": "billing_portal"}


class NothingScheduled(OstinatoError):
    code = "resource_missing"
    param = "subscription"
    message_id = gettext_noop("No change is waiting for the end of the period.")


def change_at_period_end(
    *, ctx: Context, merchant_id: str, subscription_id: str, old_price_id: str, price_id: str, quantity: int
) -> SubscriptionSchedule:
    """The price's item becomes another when the period ends, without proration; then the schedule lets go.

    Raises `SubscriptionNotFound`, `AlreadyScheduled`, and what a schedule's phases refuse.
    """
    now = phase_now(subscription_by_id(merchant_id, subscription_id)).request
    items = tuple(
        replace(item, price_id=price_id, quantity=quantity) if item.price_id == old_price_id else item
        for item in now.items
    )
    after = PhaseRequest(
        items=items,
        iterations=1,
        discounts=now.discounts,
        currency=now.currency,
        default_tax_rate_ids=now.default_tax_rate_ids,
        proration_behavior="none",
    )
    return schedule_subscription(
        ctx=ctx,
        merchant_id=merchant_id,
        subscription_id=subscription_id,
        phases=[now, after],
        end_behavior="release",
        metadata=MADE_BY,
    )


def scheduled_change(merchant_id: str, schedule_id: str) -> SubscriptionSchedule | None:
    """The schedule while the change that a subscriber asked for still waits."""
    if not schedule_id:
        return None
    rows = SubscriptionSchedule.objects.filter(merchant_id=merchant_id, id=schedule_id, status="active")
    return rows.filter(current_phase=0, metadata__contains=MADE_BY).first()


def undo_change_at_period_end(*, ctx: Context, merchant_id: str, subscription_id: str) -> None:
    """What the subscription is, it stays. Raises `SubscriptionNotFound`, `NothingScheduled`."""
    subscription = subscription_by_id(merchant_id, subscription_id)
    schedule = scheduled_change(merchant_id, subscription.schedule_id)
    if schedule is None:
        raise NothingScheduled
    release_schedule(ctx=ctx, merchant_id=merchant_id, schedule_id=schedule.id)
