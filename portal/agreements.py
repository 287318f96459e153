"""A subscription as its subscriber sees it: what, how much, until when, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from catalog.selectors import prices
from engine.rules.schedules import phases_from_json
from portal.wording import price_words
from subscriptions.models import Subscription, SubscriptionItem, SubscriptionSchedule
from subscriptions.selectors import items_of, subscriptions

OVER = ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Finished values for a card or a page."""

    id: str
    status: str
    title: str
    prices: tuple[str, ...]
    ends_at: datetime | None
    renews_at: datetime | None
    trial_end: datetime | None
    started: datetime
    ended_at: datetime | None
    is_over: bool
    can_change: bool

    @property
    def is_ending(self) -> bool:
        return self.ends_at is not None and not self.is_over


def agreements_of(merchant_id: str, customer_id: str) -> list[Agreement]:
    """All of a customer's, the running ones first. Two queries."""
    rows = list(subscriptions(merchant_id).filter(customer_id=customer_id))
    items = items_of([row.id for row in rows])
    found = [agreement_of(row, items[row.id]) for row in rows]
    return sorted(found, key=lambda agreement: agreement.is_over)


@dataclass(frozen=True, slots=True)
class ComingPlan:
    """What the subscriber chose for after this period."""

    prices: tuple[str, ...]
    begins: datetime


def coming_plan(schedule: SubscriptionSchedule | None) -> ComingPlan | None:
    """The second phase of a schedule in words."""
    if schedule is None:
        return None
    after = phases_from_json(schedule.phases)[1]
    rows = prices(schedule.merchant_id).in_bulk([item.price_id for item in after.request.items])
    words = [
        (f"{item.quantity} × " if item.quantity != 1 else "")
        + f"{rows[item.price_id].product.name}, {price_words(rows[item.price_id])}"
        for item in after.request.items
    ]
    return ComingPlan(tuple(words), after.start)


def agreement_of(subscription: Subscription, items: list[SubscriptionItem]) -> Agreement:
    over = subscription.status in OVER
    period_end = min((item.current_period_end for item in items), default=None)
    ends_at = subscription.cancel_at or (period_end if subscription.cancel_at_period_end else None)
    return Agreement(
        id=subscription.id,
        status=subscription.status,
        title=_title(subscription, items),
        prices=tuple(_price(item) for item in items),
        ends_at=ends_at,
        renews_at=None if over or ends_at else period_end,
        trial_end=subscription.trial_end if subscription.status == "trialing" else None,
        started=subscription.start_date,
        ended_at=subscription.ended_at or subscription.canceled_at,
        is_over=over,
        can_change=subscription.status in ("active", "trialing", "past_due") and bool(items),
    )


def _title(subscription: Subscription, items: list[SubscriptionItem]) -> str:
    names = list(dict.fromkeys(item.price.product.name for item in items))
    return " + ".join(names) or subscription.description or gettext("Subscription")


def _price(item: SubscriptionItem) -> str:
    words = price_words(item.price)
    return f"{item.quantity} × {words}" if item.quantity != 1 else words
