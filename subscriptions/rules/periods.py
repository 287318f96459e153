"""Where a subscription's cycle begins and what an item's periods are (SEMANTICS, Periods and anchors)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.periods import (
    AnchorConfig,
    Interval,
    Period,
    anchor_from_config,
    boundary,
    first_boundary_after,
    period_at,
    seconds_between,
)
from subscriptions.rules.prices import longest_interval, shortest_interval
from subscriptions.types import PriceFacts

MAX_TRIAL_DAYS = 730
MAX_BACKDATED_PERIODS = 250  # one line each, and an invoice has no more


class TrialTooLong(OstinatoError):
    code = "trial_too_long"
    param = "trial_period_days"
    message_id = gettext_noop("A trial lasts at most %(days)s days.")


class TrialDaysInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "trial_period_days"
    message_id = gettext_noop("A trial lasts a whole number of days from 0 upwards, not %(days)s.")


class TrialEndInPast(OstinatoError):
    code = "trial_end_invalid"
    param = "trial_end"
    message_id = gettext_noop("A trial ends in the future.")


class AnchorInPast(OstinatoError):
    code = "billing_cycle_anchor_invalid"
    param = "billing_cycle_anchor"
    message_id = gettext_noop("The billing cycle cannot be anchored before the first paid moment.")


class BackdatedTooFar(OstinatoError):
    code = "backdate_start_date_invalid"
    param = "backdate_start_date"
    message_id = gettext_noop("Backdating would bill more than %(most)s past periods.")


class AnchorTwice(OstinatoError):
    code = "parameter_invalid"
    param = "billing_cycle_anchor_config"
    message_id = gettext_noop("Say either when the billing cycle is anchored or how, not both.")


class BackdatedIntoFuture(OstinatoError):
    code = "backdate_start_date_invalid"
    param = "backdate_start_date"
    message_id = gettext_noop("A subscription can only be backdated into the past.")


class AnchorTooFar(OstinatoError):
    code = "billing_cycle_anchor_invalid"
    param = "billing_cycle_anchor"
    message_id = gettext_noop("The first period is at most one interval: anchor it no later than %(latest)s.")


@dataclass(frozen=True, slots=True)
class Opening:
    """How a subscription begins; `day_of_month` is the day its cycle aims at, when not the anchor's own."""

    start: datetime
    trial_end: datetime | None
    anchor: datetime
    day_of_month: int | None = None


@dataclass(frozen=True, slots=True)
class ItemPeriod:
    """A period to bill and the whole cycle it lies in: a stub is billed by seconds of `period` in `whole`."""

    period: Period
    whole: Period

    @property
    def is_whole(self) -> bool:
        return self.period == self.whole


def opening(
    prices: Sequence[PriceFacts],
    start: datetime,
    tz: str,
    *,
    trial_period_days: int | None = None,
    trial_end: datetime | None = None,
    billing_cycle_anchor: datetime | None = None,
    config: AnchorConfig | None = None,
    backdated_to: datetime | None = None,
) -> Opening:
    """The trial and the anchor of a new subscription, created at `start`.

    The anchor is the one that was asked for, as an instant or by its `config`, else the first default cycle day
    among the prices, else the trial's end or the (backdated) start. A cycle day that the anchor's month lacks (the
    31st, anchored on 28 February) is remembered. A trial counts from the creation, however far back the start is.
    Raises `TrialTooLong`, `TrialDaysInvalid`, `TrialEndInPast`, `AnchorInPast`, `AnchorTooFar`, `AnchorTwice`,
    `BackdatedIntoFuture`, `core.periods.AnchorConfigMismatch`.
    """
    if billing_cycle_anchor is not None and config is not None:
        raise AnchorTwice
    if backdated_to is not None and backdated_to > start:
        raise BackdatedIntoFuture
    ends = _trial_end(prices, start, tz, trial_period_days, trial_end)
    created, start = start, backdated_to or start
    first_paid = ends or start
    if billing_cycle_anchor is not None:
        shortest = shortest_interval([price.interval for price in prices if price.interval is not None])
        _check_anchor(billing_cycle_anchor, first_paid, ends or created, shortest, tz)
        return Opening(start, ends, billing_cycle_anchor)
    if config is not None:
        interval = _interval_for(config, prices)
        return Opening(start, ends, anchor_from_config(ends or created, config, interval, tz), config.day_of_month)
    for price in prices:
        if price.cycle_day is not None and price.interval is not None and price.interval.unit != "day":
            anchor, day_of_month = _anchor_on(price.cycle_day, price.interval, first_paid, tz)
            return Opening(start, ends, anchor, day_of_month)
    return Opening(start, ends, first_paid)


def first_period(opened: Opening, interval: Interval, tz: str, until: datetime | None = None) -> ItemPeriod:
    """An item's first period: the trial, or from the start to the first boundary (a stub when it is no boundary)."""
    if opened.trial_end is not None:
        trial = Period(opened.start, opened.trial_end)
        return ItemPeriod(trial, trial)
    return next_period(opened.anchor, interval, tz, opened.start, day_of_month=opened.day_of_month, until=until)


def first_periods(
    opened: Opening, interval: Interval, tz: str, now: datetime, until: datetime | None = None
) -> tuple[ItemPeriod, ...]:
    """An item's periods from the start up to the one that contains `now`: one, unless the start is backdated.

    Raises `BackdatedTooFar` when they are more than an invoice can show.
    """
    periods = [first_period(opened, interval, tz, until)]
    while periods[-1].period.end <= now:
        if len(periods) == MAX_BACKDATED_PERIODS:
            raise BackdatedTooFar(most=MAX_BACKDATED_PERIODS)
        after = periods[-1].period.end
        periods.append(next_period(opened.anchor, interval, tz, after, day_of_month=opened.day_of_month, until=until))
    return tuple(periods)


def next_period(
    anchor: datetime,
    interval: Interval,
    tz: str,
    after: datetime,
    *,
    day_of_month: int | None = None,
    until: datetime | None = None,
) -> ItemPeriod:
    """The period that begins at `after`, the end of the one before: a stub when `after` is no boundary.

    `until` cuts it short: a subscription that ends inside a period is billed only to its end.
    """
    whole = period_at(anchor, interval, tz, after, day_of_month=day_of_month)
    end = whole.end if until is None or until >= whole.end else until
    return ItemPeriod(Period(after, end), whole)


def current_period(
    anchor: datetime, interval: Interval | None, tz: str, at: datetime, *, day_of_month: int | None = None
) -> Period:
    """The whole period that contains `at`: where an item that is new or of another interval is."""
    assert interval is not None, "a price that does not recur has no period"
    return period_at(anchor, interval, tz, at, day_of_month=day_of_month)


def _trial_end(
    prices: Sequence[PriceFacts],
    start: datetime,
    tz: str,
    trial_period_days: int | None,
    trial_end: datetime | None,
) -> datetime | None:
    if trial_end is not None:
        if trial_end <= start:
            raise TrialEndInPast
        if seconds_between(start, trial_end) > MAX_TRIAL_DAYS * 86_400:
            raise TrialTooLong(param="trial_end", days=MAX_TRIAL_DAYS)
        return trial_end
    days = trial_period_days
    if days is None:
        days = max((price.trial_period_days or 0 for price in prices), default=0)
    if days < 0:
        raise TrialDaysInvalid(days=days)
    if days > MAX_TRIAL_DAYS:
        raise TrialTooLong(days=MAX_TRIAL_DAYS)
    return boundary(start, Interval("day"), days, tz) if days else None


def _interval_for(config: AnchorConfig, prices: Sequence[PriceFacts]) -> Interval:
    """The interval that the configuration speaks of: a month of the year is meant for the longest one."""
    intervals = [price.interval for price in prices if price.interval is not None]
    return longest_interval(intervals) if config.month is not None else shortest_interval(intervals)


def _check_anchor(anchor: datetime, first_paid: datetime, now: datetime, shortest: Interval, tz: str) -> None:
    if anchor < first_paid:
        raise AnchorInPast
    latest = first_boundary_after(now, shortest, tz, now)
    if anchor > latest:
        raise AnchorTooFar(latest=latest.isoformat())


def _anchor_on(cycle_day: int, interval: Interval, start: datetime, tz: str) -> tuple[datetime, int | None]:
    """The anchor for a price's default cycle day, and the day of the month that the cycle aims at."""
    if interval.unit == "week":
        return anchor_from_config(start, AnchorConfig(weekday=cycle_day), interval, tz), None
    return anchor_from_config(start, AnchorConfig(day_of_month=cycle_day), interval, tz), cycle_day
