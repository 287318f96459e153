from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, strategies as st

from core import periods
from core.periods import AnchorConfig, Interval

ZONES = [
    "UTC",
    "America/Montreal",
    "America/St_Johns",
    "Europe/Paris",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Australia/Lord_Howe",
    "America/Asuncion",
]
# Nights on which some of these zones changed their clocks, and month ends.
NIGHTS = [
    datetime(*date, tzinfo=UTC)
    for date in [
        (1993, 8, 20), (2011, 12, 29), (2024, 2, 28), (2024, 10, 6), (2025, 1, 30), (2025, 2, 22), (2025, 3, 8),
        (2025, 3, 29), (2025, 4, 5), (2025, 9, 27), (2025, 10, 4), (2025, 10, 25), (2025, 11, 1), (2025, 12, 30),
    ]
]  # fmt: skip

zones = st.sampled_from(ZONES)
intervals = st.builds(Interval, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 13))
short_intervals = st.builds(Interval, st.sampled_from(["day", "week", "month"]), st.integers(1, 3))
half_hours = st.integers(0, 95).map(lambda n: timedelta(minutes=30 * n))
dst_nights = st.builds(lambda night, step: night + step, st.sampled_from(NIGHTS), half_hours)
any_instants = st.datetimes(datetime(1990, 1, 1), datetime(2045, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
instants = st.one_of(dst_nights, any_instants)
numbers = st.integers(-60, 60)


@given(instants, intervals, zones, numbers)
def test_periods_tile_time_without_gap_or_overlap(anchor, interval, zone, n):
    earlier, later = (periods.period(anchor, interval, m, zone) for m in (n, n + 1))
    assert earlier.start < earlier.end == later.start < later.end


@given(instants, short_intervals, zones, st.integers(1, 31))
def test_boundaries_strictly_increase_around_any_night(anchor, interval, zone, day_of_month):
    for day in (None, day_of_month):
        found = [periods.boundary(anchor, interval, n, zone, day_of_month=day) for n in range(-5, 6)]
        assert all(one < next_one for one, next_one in pairwise(found))


@given(instants, intervals, zones, numbers)
def test_the_index_of_a_periods_instants_is_its_number(anchor, interval, zone, n):
    period = periods.period(anchor, interval, n, zone)
    for instant in (
        period.start,
        period.start + (period.end - period.start) / 2,
        period.end - timedelta(microseconds=1),
    ):
        assert periods.period_index_at(anchor, interval, zone, instant) == n
    assert periods.period_index_at(anchor, interval, zone, period.end) == n + 1


@given(instants, intervals, zones, instants)
def test_any_instant_lies_in_the_period_of_its_index(anchor, interval, zone, instant):
    n = periods.period_index_at(anchor, interval, zone, instant)
    period = periods.period(anchor, interval, n, zone)
    assert instant in period
    assert period == periods.period_at(anchor, interval, zone, instant)
    assert periods.first_boundary_after(anchor, interval, zone, instant) == period.end


@given(instants, zones, numbers)
def test_a_month_boundary_falls_on_the_anchors_day_or_the_months_last(anchor, zone, n):
    wall = anchor.astimezone(ZoneInfo(zone))
    found = periods.boundary(anchor, Interval("month"), n, zone).astimezone(ZoneInfo(zone))
    # A skipped time moves forward and may thereby leave its day, by an hour at midnight.
    assume(found.time() == wall.time())
    last_day = ((found.replace(day=28, tzinfo=None) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    assert found.day == min(wall.day, last_day)
    assert (found.year * 12 + found.month) - (wall.year * 12 + wall.month) == n


@given(instants, st.integers(1, 13), zones, numbers.filter(bool))
def test_the_wall_clock_is_kept_or_moved_forward_out_of_a_gap(anchor, count, zone, n):
    place = ZoneInfo(zone)
    expected = anchor.astimezone(place).replace(tzinfo=None, fold=0) + timedelta(days=n * count)
    found = periods.boundary(anchor, Interval("day", count), n, zone).astimezone(place)
    shown = found.replace(tzinfo=None, fold=0)
    if expected == expected.replace(tzinfo=place).astimezone(UTC).astimezone(place).replace(tzinfo=None, fold=0):
        assert shown == expected
        assert found.fold == 0
    elif zone not in ("Pacific/Apia", "Pacific/Kwajalein"):  # which left out whole dates
        assert timedelta(0) < shown - expected <= timedelta(hours=2)


def _skips(found: datetime) -> bool:
    """Whether the zone's offset changed within the day before or after `found`."""
    around = (found.astimezone(UTC) + timedelta(hours=hours) for hours in (-26, 0, 26))
    return len({instant.astimezone(found.tzinfo).utcoffset() for instant in around}) > 1


@given(st.integers(1996, 2096), st.integers(1, 12), zones, st.integers(-30, 30))
def test_month_end_anchors_stay_at_month_ends(year, month, zone, n):
    first_of_next = datetime(year + month // 12, month % 12 + 1, 1, 12, tzinfo=ZoneInfo(zone))
    month_end = (first_of_next - timedelta(days=1)).astimezone(UTC)
    found = periods.boundary(month_end, Interval("month"), n, zone, day_of_month=31).astimezone(ZoneInfo(zone))
    assert (found + timedelta(days=1)).day == 1
    assert found.hour == 12


@given(instants, zones, st.integers(1, 31), st.sampled_from([1, 2, 3, 6, 12]), st.integers(1, 12))
def test_the_configured_anchor_is_the_first_boundary_of_its_own_cycle(start, zone, day, count, month):
    config = AnchorConfig(day_of_month=day, month=month, hour=12, minute=0, second=0)
    interval = Interval("month", count)
    anchor = periods.anchor_from_config(start, config, interval, zone)
    assert anchor >= start
    assert anchor.astimezone(ZoneInfo(zone)).hour == 12
    # Nothing earlier matched: the boundary before it lies before the start.
    assert periods.boundary(anchor, interval, -1, zone, day_of_month=day) < start
    months = {
        periods.boundary(anchor, interval, n, zone, day_of_month=day).astimezone(ZoneInfo(zone)).month
        for n in range(12)
    }
    assert month in months


@given(instants, zones, st.integers(1, 7))
def test_a_weekly_anchor_falls_on_its_weekday_within_a_week(start, zone, weekday):
    config = AnchorConfig(weekday=weekday, hour=12, minute=0, second=0)
    anchor = periods.anchor_from_config(start, config, Interval("week"), zone)
    assert start <= anchor <= start + timedelta(days=9)
    if not _skips(anchor.astimezone(ZoneInfo(zone))):
        assert anchor.astimezone(ZoneInfo(zone)).isoweekday() == weekday
