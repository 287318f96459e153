"""A cycle that begins anew in the middle of things: an anchor set to now, a trial added, ended or moved, a resume.

1. What was charged for the time from there on is credited, debit by debit (or, without prorations, given up).
2. Every item gets a first period from there: its trial, or a whole interval from the new anchor.
3. These periods, the credits and all that was pending go on one invoice at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.periods import Period, seconds_between
from engine.rules.changing import ItemTarget
from engine.rules.lines import period_line, trial_period_line
from engine.types import ChangeRequest, PlannedEvent
from invoicing.types import PlannedLine
from subscriptions.rules.next_action import TRIAL_NOTICE
from subscriptions.rules.periods import MAX_TRIAL_DAYS, ItemPeriod, TrialEndInPast, TrialTooLong, next_period
from subscriptions.types import ItemFacts, SubscriptionFacts


class AnchorDuringTrial(OstinatoError):
    code = "billing_cycle_anchor_invalid"
    param = "billing_cycle_anchor"
    message_id = gettext_noop("The billing cycle of a trial begins when the trial ends: end the trial now instead.")


@dataclass(frozen=True, slots=True)
class Restart:
    """A cycle from `at` on; nothing is charged until `trial_end` when there is one."""

    at: datetime
    trial_end: datetime | None = None

    @property
    def anchor(self) -> datetime:
        return self.trial_end or self.at


def restart_asked_for(request: ChangeRequest, subscription: SubscriptionFacts, as_of: datetime) -> Restart | None:
    """The restart that the request means, if any: a trial that gets another end has one too, with its 0 invoice.

    Raises `TrialEndInPast`, `TrialTooLong`, `AnchorDuringTrial`.
    """
    on_trial = subscription.status == "trialing"
    if isinstance(request.trial_end, datetime):
        if on_trial and request.trial_end == subscription.trial_end:
            return None
        check_trial_end(request.trial_end, as_of)
        return Restart(as_of, request.trial_end)
    if request.trial_end == "now" and on_trial:
        return Restart(as_of)
    if request.billing_cycle_anchor != "now":
        return None
    if on_trial:
        raise AnchorDuringTrial
    return Restart(as_of)


def check_trial_end(trial_end: datetime, as_of: datetime) -> None:
    """Raises `TrialEndInPast`, `TrialTooLong`."""
    if trial_end <= as_of:
        raise TrialEndInPast
    if seconds_between(as_of, trial_end) > MAX_TRIAL_DAYS * 86_400:
        raise TrialTooLong(param="trial_end", days=MAX_TRIAL_DAYS)


def restarted(subscription: SubscriptionFacts, restart: Restart, before: Iterable[ItemFacts]) -> SubscriptionFacts:
    """The subscription in its new cycle. `before` are its items as they stood: what was billed is never repeated."""
    sequences = {item.id: item.sequence + 1 for item in before}
    items = []
    for item in subscription.items:
        period = first_of_cycle(subscription, item, restart).period
        items.append(
            replace(
                item,
                current_period_start=period.start,
                current_period_end=period.end,
                sequence=max(item.sequence, sequences.get(item.id, 0)),
            )
        )
    after = replace(subscription, items=tuple(items), billing_cycle_anchor=restart.anchor, anchor_day_of_month=None)
    if restart.trial_end is not None:
        began = subscription.trial_start if subscription.status == "trialing" else restart.at
        after = with_trial_end(replace(after, status="trialing", trial_start=began), restart.trial_end, restart.at)
    elif subscription.status == "trialing":
        after = replace(after, status="active", trial_end=restart.at)
    return ending_with_period(after)


def first_of_cycle(subscription: SubscriptionFacts, item: ItemFacts, restart: Restart) -> ItemPeriod:
    """The item's first period after the restart, cut short by a scheduled end inside it."""
    if restart.trial_end is not None:
        trial = Period(restart.at, restart.trial_end)
        return ItemPeriod(trial, trial)
    assert item.price.interval is not None, f"{item.id} has a price that does not recur"
    until = None if subscription.cancel_at_period_end else subscription.cancel_at
    return next_period(restart.anchor, item.price.interval, subscription.timezone, restart.at, until=until)


def cycle_lines(subscription: SubscriptionFacts, restart: Restart, locale: str) -> list[PlannedLine]:
    """What the new cycle's first periods cost. Metered prices are billed when their periods end."""
    make = period_line if restart.trial_end is None else trial_period_line
    return [
        make(
            subscription.id,
            item,
            first_of_cycle(subscription, item, restart),
            default_tax_rate_ids=subscription.default_tax_rate_ids,
            locale=locale,
        )
        for item in subscription.items
        if item.price.usage_type == "licensed"
    ]


def restart_targets(before: SubscriptionFacts, after: SubscriptionFacts) -> list[ItemTarget]:
    """Every item with what it becomes: those that are gone, those that stay, those that are new."""
    now = {item.id: item for item in after.items}
    stood = {item.id for item in before.items}
    targets = [ItemTarget(item, now.get(item.id)) for item in before.items]
    return targets + [ItemTarget(None, item) for item in after.items if item.id not in stood]


def with_trial_end(subscription: SubscriptionFacts, trial_end: datetime, as_of: datetime) -> SubscriptionFacts:
    """The notice is told anew for another end, at once when less than its three days are left."""
    told_now = trial_end - TRIAL_NOTICE <= as_of
    return replace(subscription, trial_end=trial_end, trial_will_end_sent_at=as_of if told_now else None)


def ending_with_period(subscription: SubscriptionFacts) -> SubscriptionFacts:
    """An end at the period's end moves with the period."""
    if not subscription.cancel_at_period_end:
        return subscription
    return replace(subscription, cancel_at=min(item.current_period_end for item in subscription.items))


def trial_notice(before: SubscriptionFacts, after: SubscriptionFacts) -> list[PlannedEvent]:
    """customer.subscription.trial_will_end, when the change itself made it due."""
    told = after.trial_will_end_sent_at
    if after.status != "trialing" or told is None or told == before.trial_will_end_sent_at:
        return []
    return [PlannedEvent("customer.subscription.trial_will_end", "subscription", after.id)]
