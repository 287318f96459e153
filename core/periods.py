"""Billing periods: half-open, in UTC, every boundary recomputed from the anchor.

Boundary n is the anchor plus n intervals on the wall clock of the billing time zone, never a step from the
boundary before it: 31 Jan -> 28 Feb -> 31 Mar -> 30 Apr (Stripe, "Setting the subscription billing cycle
date"). What a wall clock cannot show or shows twice:

- a time that a DST gap skips moves forward by the length of the gap (02:30 -> 03:30; RFC 5545, 3.3.5);
- a time that comes twice is its first occurrence; boundary 0 alone is the anchor itself, always;
- a date that a zone left out altogether (Apia, 30 December 2011) lies half-way between its neighbours, so
  boundaries strictly increase in n whatever the zone did.

Instants are aware datetimes; what comes out is in UTC. Proration counts seconds (`seconds_between`).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import gcd
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import OstinatoError, gettext_noop

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}
_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)


class UnknownIntervalUnit(OstinatoError):
    code = "parameter_invalid_enum"
    param = "interval"
    message_id = gettext_noop("“%(unit)s” is not an interval: day, week, month or year.")


class InvalidIntervalCount(OstinatoError):
    code = "parameter_invalid_integer"
    param = "interval_count"
    message_id = gettext_noop("An interval is counted from 1 upwards, not %(count)s.")


class UnknownTimeZone(OstinatoError):
    code = "time_zone_invalid"
    param = "time_zone"
    message_id = gettext_noop("“%(tz)s” is not a time zone.")


class InvalidAnchorConfig(OstinatoError):
    code = "parameter_invalid_integer"
    param = "billing_cycle_anchor_config"
    message_id = gettext_noop("%(value)s is out of range for %(field)s.")


class AnchorConfigMismatch(OstinatoError):
    code = "billing_cycle_anchor_config_invalid"
    param = "billing_cycle_anchor_config"
    message_id = gettext_noop("%(field)s does not fit a price that renews by the %(unit)s.")


class BeyondTheCalendar(OstinatoError):
    """A date before year 1 or after year 9999."""

    code = "date_out_of_range"
    param = "billing_cycle_anchor"
    message_id = gettext_noop("The date is too far away.")


class NaiveInstant(ValueError):
    """An instant without a time zone means nothing: a defect in the caller."""


@dataclass(frozen=True, slots=True)
class Interval:
    """How often: `count` times a day, week, month or year (Stripe's `interval` and `interval_count`)."""

    unit: str
    count: int = 1

    def __post_init__(self) -> None:
        if self.unit not in _DAYS and self.unit not in _MONTHS:
            raise UnknownIntervalUnit(unit=self.unit)
        if self.count < 1:
            raise InvalidIntervalCount(count=self.count)


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) in UTC. Its number is not kept: what is billed is the instants."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        return seconds_between(self.start, self.end)

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True)
class AnchorConfig:
    """Where the cycle starts, on the wall clock (Stripe's `billing_cycle_anchor_config`; `weekday` is ours).

    day_of_month 1-31 (clamped to short months), month 1-12, hour 0-23, minute and second 0-59, weekday 1-7
    (ISO 8601, Monday is 1). Raises `InvalidAnchorConfig`.
    """

    day_of_month: int | None = None
    month: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    weekday: int | None = None

    def __post_init__(self) -> None:
        for field, low, high in (
            ("day_of_month", 1, 31),
            ("month", 1, 12),
            ("hour", 0, 23),
            ("minute", 0, 59),
            ("second", 0, 59),
            ("weekday", 1, 7),
        ):
            value = getattr(self, field)
            if value is not None and not low <= value <= high:
                raise InvalidAnchorConfig(param=f"billing_cycle_anchor_config[{field}]", field=field, value=value)


def boundary(anchor: datetime, interval: Interval, n: int, tz: str, *, day_of_month: int | None = None) -> datetime:
    """The instant `n` intervals after the anchor (before it when negative), in UTC.

    `day_of_month` is the day that a month-based cycle aims at, when the anchor itself was clamped: a cycle
    on the 31st that was anchored on 28 February goes on to 31 March. By default the anchor's own day.
    Raises `UnknownTimeZone`, `BeyondTheCalendar`, `NaiveInstant`.
    """
    return _Cycle.of(anchor, interval, tz, day_of_month).boundary(n)


def period(anchor: datetime, interval: Interval, n: int, tz: str, *, day_of_month: int | None = None) -> Period:
    """Period number `n`: from boundary n up to, and without, boundary n + 1. Periods tile all of time."""
    cycle = _Cycle.of(anchor, interval, tz, day_of_month)
    return Period(start=cycle.boundary(n), end=cycle.boundary(n + 1))


def period_index_at(
    anchor: datetime, interval: Interval, tz: str, instant: datetime, *, day_of_month: int | None = None
) -> int:
    """The number of the period that contains `instant`: 0 from the anchor on, negative before it."""
    return _Cycle.of(anchor, interval, tz, day_of_month).locate(instant)[0]


def period_at(
    anchor: datetime, interval: Interval, tz: str, instant: datetime, *, day_of_month: int | None = None
) -> Period:
    """The period that contains `instant`."""
    return _Cycle.of(anchor, interval, tz, day_of_month).locate(instant)[1]


def first_boundary_after(
    anchor: datetime, interval: Interval, tz: str, instant: datetime, *, day_of_month: int | None = None
) -> datetime:
    """The first boundary strictly after `instant`."""
    return period_at(anchor, interval, tz, instant, day_of_month=day_of_month).end


def seconds_between(start: datetime, end: datetime) -> int:
    """Whole seconds from `start` to `end`, negative when they are the other way round; DST counts truly."""
    return (_utc(end) - _utc(start)) // _ONE_SECOND


def add_months(instant: datetime, n: int, tz: str) -> datetime:
    """`n` calendar months after `instant` (before, when negative), clamped: for repeating coupons."""
    return boundary(instant, Interval("month"), n, tz)


def anchor_from_config(start: datetime, config: AnchorConfig, interval: Interval, tz: str) -> datetime:
    """The first instant at or after `start` that matches `config` on the billing zone's wall clock, in UTC.

    An hour, minute or second that is not given is `start`'s own. `month` asks that the cycle pass through
    that month: a quarterly cycle with month 2 may begin in February, May, August or November, a yearly one
    in February, a monthly one in any month. Keep `config.day_of_month` and hand it to `boundary`: the 31st
    may be anchored on 28 February.
    Raises `AnchorConfigMismatch` when a field does not fit the interval.
    """
    _check_fit(config, interval)
    zone = time_zone(tz)
    wall = _wall(start, zone)
    first = _set_time(wall, config)
    # Today's month or day may be past already, but comes again: a year and a week, both ends included.
    for step in range(13 if interval.unit in _MONTHS else 8):
        candidate = _nth_candidate(first, step, config, interval)
        if candidate == wall:
            return _utc(start)  # as it is: the wall time alone might name its first occurrence, in the past
        if candidate is not None and (instant := _instant(candidate, zone)) >= start:
            return instant
    raise AssertionError("every month comes within a year, every weekday within a week")


@dataclass(frozen=True, slots=True)
class _Cycle:
    """An anchor with what was worked out once from it."""

    anchor: datetime
    wall: datetime
    zone: ZoneInfo
    by_days: bool
    length: int  # days or months
    day: int

    @classmethod
    def of(cls, anchor: datetime, interval: Interval, tz: str, day_of_month: int | None) -> _Cycle:
        zone = time_zone(tz)
        wall = _wall(anchor, zone)
        by_days = interval.unit in _DAYS
        unit_length = _DAYS[interval.unit] if by_days else _MONTHS[interval.unit]
        day = day_of_month or wall.day
        return cls(_utc(anchor), wall, zone, by_days, interval.count * unit_length, day)

    def boundary(self, n: int) -> datetime:
        if n == 0:
            return self.anchor
        if self.by_days:
            return _instant(_shift_days(self.wall, n * self.length), self.zone)
        return _instant(_shift_months(self.wall, n * self.length, self.day), self.zone)

    def locate(self, instant: datetime) -> tuple[int, Period]:
        """The period around `instant` and its number.

        The wall clocks' difference gives the number to within one or two; the boundaries themselves decide
        (in a repeated hour the wall clock is behind what has passed).
        """
        now = _wall(instant, self.zone)
        if self.by_days:
            n = (now - self.wall).days // self.length
        else:
            months = (now.year - self.wall.year) * 12 + now.month - self.wall.month
            n = months // self.length
        start, end = self.boundary(n), None
        while start > instant:
            n, end, start = n - 1, start, self.boundary(n - 1)
        end = end or self.boundary(n + 1)
        while end <= instant:
            n, start, end = n + 1, end, self.boundary(n + 2)
        return n, Period(start, end)


def _check_fit(config: AnchorConfig, interval: Interval) -> None:
    by_month = interval.unit in _MONTHS
    misfits = {
        "day_of_month": config.day_of_month is not None and not by_month,
        "month": config.month is not None and not by_month,
        "weekday": config.weekday is not None and interval.unit != "week",
    }
    for field, misfit in misfits.items():
        if misfit:
            raise AnchorConfigMismatch(param=f"billing_cycle_anchor_config[{field}]", field=field, unit=interval.unit)


def _set_time(wall: datetime, config: AnchorConfig) -> datetime:
    return wall.replace(
        hour=wall.hour if config.hour is None else config.hour,
        minute=wall.minute if config.minute is None else config.minute,
        second=wall.second if config.second is None else config.second,
        microsecond=wall.microsecond if config.second is None else 0,
    )


def _nth_candidate(first: datetime, step: int, config: AnchorConfig, interval: Interval) -> datetime | None:
    """The wall time `step` months (or days) after `first`, or None where month or weekday do not match."""
    if interval.unit not in _MONTHS:
        day = _shift_days(first, step)
        return day if config.weekday in (None, day.isoweekday()) else None
    day = _shift_months(first, step, config.day_of_month or first.day)
    cycle_months = gcd(interval.count * _MONTHS[interval.unit], 12)
    if config.month is not None and (day.month - config.month) % cycle_months:
        return None
    return day


@lru_cache(maxsize=1024)
def time_zone(tz: str) -> ZoneInfo:
    """The IANA zone of that name. Raises `UnknownTimeZone`."""
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownTimeZone(tz=tz) from None


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise NaiveInstant(repr(instant))
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the zone's wall clock shows at `instant`, as a naive datetime."""
    try:
        return _utc(instant).astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        raise BeyondTheCalendar from None


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the zone's clock shows `wall`, in UTC; gaps, repeats and lost dates as the module says."""
    before = wall.replace(tzinfo=zone).utcoffset() or timedelta()
    after = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    # fold=0 reads the offset before a change: later by the gap when skipped, the first when repeated.
    offset = before if after - before < _ONE_DAY else (before + after) // 2
    try:
        return (wall - offset).replace(tzinfo=UTC)
    except OverflowError:
        raise BeyondTheCalendar from None


def _shift_days(wall: datetime, days: int) -> datetime:
    try:
        return wall + timedelta(days=days)
    except OverflowError:
        raise BeyondTheCalendar from None


def _shift_months(wall: datetime, months: int, day: int) -> datetime:
    """`months` later at the same time, on `day` or the month's last day."""
    year, month_index = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise BeyondTheCalendar
    if day > 28:
        day = min(day, calendar.monthrange(year, month_index + 1)[1])
    return wall.replace(year=year, month=month_index + 1, day=day)
