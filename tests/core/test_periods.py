from datetime import UTC, datetime, timedelta, timezone

import pytest

from core import periods
from core.periods import Interval, Period

DAY, WEEK, MONTH, YEAR = Interval("day"), Interval("week"), Interval("month"), Interval("year")
QUARTER = Interval("month", 3)


def at(text: str) -> datetime:
    """ "2025-03-09 07:30" in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "interval", "n", "expected"),
    [
        pytest.param("2025-01-31", MONTH, 1, "2025-02-28", id="31 Jan + 1 month = 28 Feb"),
        pytest.param("2024-01-31", MONTH, 1, "2024-02-29", id="31 Jan + 1 month = 29 Feb in a leap year"),
        pytest.param("2025-01-31", MONTH, 2, "2025-03-31", id="31 Jan + 2 months = 31 Mar, not 28"),
        pytest.param("2025-01-31", MONTH, 3, "2025-04-30", id="31 Jan + 3 months = 30 Apr"),
        pytest.param("2025-01-31", MONTH, -2, "2024-11-30", id="31 Jan - 2 months = 30 Nov"),
        pytest.param("2025-01-30", MONTH, 1, "2025-02-28", id="30 Jan + 1 month = 28 Feb"),
        pytest.param("2025-11-30", QUARTER, 1, "2026-02-28", id="30 Nov + 1 quarter = 28 Feb"),
        pytest.param("2025-11-30", QUARTER, 2, "2026-05-30", id="30 Nov + 2 quarters = 30 May"),
        pytest.param("2024-02-29", YEAR, 1, "2025-02-28", id="29 Feb + 1 year = 28 Feb"),
        pytest.param("2024-02-29", YEAR, 4, "2028-02-29", id="29 Feb + 4 years = 29 Feb"),
        pytest.param("2096-02-29", YEAR, 4, "2100-02-28", id="29 Feb 2096 + 4 years: 2100 is no leap year"),
        pytest.param("2025-12-31", MONTH, 2, "2026-02-28", id="31 Dec + 2 months crosses the year"),
        pytest.param("2025-06-03", WEEK, 5, "2025-07-08", id="a Tuesday + 5 weeks = a Tuesday"),
        pytest.param("2025-06-03", Interval("week", 2), -1, "2025-05-20", id="a fortnight before"),
        pytest.param("2025-06-03", Interval("day", 10), 3, "2025-07-03", id="3 * 10 days"),
        pytest.param("2025-06-03", DAY, 0, "2025-06-03", id="boundary 0 is the anchor"),
    ],
)
def test_a_boundary_is_the_anchor_plus_n_intervals(anchor, interval, n, expected):
    assert periods.boundary(at(anchor), interval, n, "UTC") == at(expected)


@pytest.mark.parametrize(
    ("zone", "anchor", "interval", "n", "expected"),
    [
        pytest.param(
            "America/Montreal", "2025-02-01 05:00", MONTH, 2, "2025-04-01 04:00", id="midnight stays midnight over DST"
        ),
        pytest.param(
            "America/Montreal", "2025-02-01 04:00", MONTH, 1, "2025-03-01 04:00",
            id="31 Jan 23:00 in Montreal is the 31st, though 1 Feb in UTC: 28 Feb 23:00",
        ),
        pytest.param("America/Montreal", "2025-02-09 07:30", MONTH, 1, "2025-03-09 07:30", id="02:30 skipped -> 03:30"),
        pytest.param("America/Montreal", "2025-02-09 07:30", MONTH, 2, "2025-04-09 06:30", id="and 02:30 a month on"),
        pytest.param("America/Montreal", "2025-10-02 05:30", MONTH, 1, "2025-11-02 05:30", id="01:30 twice: the first"),
        pytest.param("America/Montreal", "2025-10-02 05:30", MONTH, 2, "2025-12-02 06:30", id="and 01:30 a month on"),
        pytest.param("America/Montreal", "2025-11-02 06:30", DAY, 0, "2025-11-02 06:30", id="an anchor in the second"),
        pytest.param("America/Montreal", "2025-11-02 06:30", DAY, 1, "2025-11-03 06:30", id="01:30 the next day"),
        pytest.param("Asia/Kolkata", "2025-01-30 18:30", MONTH, 1, "2025-02-27 18:30", id="31 Jan 00:00 at +05:30"),
        pytest.param("Pacific/Auckland", "2025-09-26 14:30", DAY, 1, "2025-09-27 14:30", id="28 Sep 02:30 -> 03:30 NZ"),
        pytest.param("Australia/Lord_Howe", "2025-10-03 15:45", DAY, 1, "2025-10-04 15:45", id="a gap of half an hour"),
        pytest.param("Africa/Casablanca", "2025-02-22 01:30", DAY, 1, "2025-02-23 01:30", id="Ramadan: 02:30 twice"),
        pytest.param("Africa/Casablanca", "2025-02-22 01:30", DAY, 2, "2025-02-24 02:30", id="Ramadan: 02:30 at +00"),
    ],
)  # fmt: skip
def test_the_wall_clock_of_the_billing_zone_is_kept(zone, anchor, interval, n, expected):
    assert periods.boundary(at(anchor), interval, n, zone) == at(expected)


@pytest.mark.parametrize(
    ("zone", "start", "seconds"),
    [
        pytest.param("Europe/Paris", "2025-03-29 23:00", 23 * 3600, id="30 Mar in Paris has 23 hours"),
        pytest.param("Europe/Paris", "2025-10-25 22:00", 25 * 3600, id="26 Oct in Paris has 25 hours"),
        pytest.param("America/St_Johns", "2025-03-09 03:30", 23 * 3600, id="9 Mar in St. John's has 23 hours"),
        pytest.param("Australia/Lord_Howe", "2025-04-05 13:00", 24 * 3600 + 1800, id="6 Apr on Lord Howe: 24.5 hours"),
        pytest.param("UTC", "2025-03-30 00:00", 24 * 3600, id="UTC knows no DST"),
    ],
)
def test_a_days_length_is_what_the_zone_makes_it(zone, start, seconds):
    assert periods.period(at(start), DAY, 0, zone).seconds == seconds


def test_a_date_that_its_zone_left_out_lies_between_its_neighbours():
    # Apia went from 29 to 31 December 2011, from -10:00 to +14:00.
    found = [periods.boundary(at("2011-12-28 20:00"), DAY, n, "Pacific/Apia") for n in range(4)]
    assert found == [at("2011-12-28 20:00"), at("2011-12-29 20:00"), at("2011-12-30 08:00"), at("2011-12-30 20:00")]


def test_a_clamped_anchor_goes_on_to_the_day_it_aims_at():
    anchor = at("2025-02-28 12:00")
    aimed = [periods.boundary(anchor, MONTH, n, "UTC", day_of_month=31).day for n in range(-1, 4)]
    assert aimed == [31, 28, 31, 30, 31]
    assert [periods.boundary(anchor, MONTH, n, "UTC").day for n in range(-1, 4)] == [28] * 5


@pytest.mark.parametrize(
    ("interval", "instant", "index"),
    [
        pytest.param(MONTH, "2025-01-31 10:00", 0, id="the anchor opens period 0"),
        pytest.param(MONTH, "2025-02-28 09:59", 0, id="a minute before the end still belongs"),
        pytest.param(MONTH, "2025-02-28 10:00", 1, id="the end belongs to the next"),
        pytest.param(MONTH, "2025-01-31 09:59", -1, id="before the anchor"),
        pytest.param(MONTH, "2035-01-31 09:59", 119, id="ten years less a minute"),
        pytest.param(YEAR, "2024-06-01 00:00", -1, id="a year before"),
        pytest.param(WEEK, "2025-02-07 10:00", 1, id="a week on"),
        pytest.param(Interval("day", 10), "2025-01-30 00:00", -1, id="ten days before"),
    ],
)
def test_the_period_of_an_instant(interval, instant, index):
    assert periods.period_index_at(at("2025-01-31 10:00"), interval, "UTC", at(instant)) == index


@pytest.mark.parametrize(
    ("zone", "anchor", "instant", "index"),
    [
        pytest.param("America/Montreal", "2025-10-02 05:30", "2025-11-02 06:10", 31,
                     id="01:10 for the second time is after 01:30 for the first"),
        pytest.param("America/Montreal", "2025-10-02 05:30", "2025-11-02 05:29", 30, id="01:29 for the first time"),
        pytest.param("America/Montreal", "2025-03-01 07:30", "2025-03-09 07:29", 7, id="before 02:30, skipped"),
        pytest.param("America/Montreal", "2025-03-01 07:30", "2025-03-09 07:30", 8, id="at 02:30, moved to 03:30"),
        pytest.param("Pacific/Apia", "2011-12-28 20:00", "2011-12-30 08:00", 2, id="the day that Apia left out"),
    ],
)  # fmt: skip
def test_the_day_of_an_instant_on_a_night_when_the_clock_changes(zone, anchor, instant, index):
    assert periods.period_index_at(at(anchor), DAY, zone, at(instant)) == index


def test_the_first_boundary_after_a_boundary_is_the_next_one():
    anchor = at("2025-01-31 10:00")
    assert periods.first_boundary_after(anchor, MONTH, "UTC", anchor) == at("2025-02-28 10:00")
    assert periods.first_boundary_after(anchor, MONTH, "UTC", at("2025-01-31 09:59")) == anchor
    assert periods.period_at(anchor, MONTH, "UTC", anchor) == Period(anchor, at("2025-02-28 10:00"))


def test_a_period_is_half_open():
    january = Period(at("2025-01-01"), at("2025-02-01"))
    assert at("2025-01-01") in january
    assert at("2025-02-01") not in january
    assert january.seconds == 2_678_400


def test_seconds_are_counted_across_zones_and_backwards():
    montreal = timezone(timedelta(hours=-4))
    assert periods.seconds_between(at("2025-06-01 04:00"), datetime(2025, 6, 1, 0, 1, tzinfo=montreal)) == 60
    assert periods.seconds_between(at("2025-06-02"), at("2025-06-01")) == -86_400


@pytest.mark.parametrize(
    ("instant", "n", "expected"),
    [
        ("2025-01-31 10:00", 1, "2025-02-28 10:00"),
        ("2025-01-31 10:00", 3, "2025-04-30 09:00"),
        ("2025-05-31 09:00", -3, "2025-02-28 10:00"),
        ("2025-05-31 09:00", 0, "2025-05-31 09:00"),
    ],
)
def test_calendar_months_are_added_on_the_wall_clock(instant, n, expected):
    assert periods.add_months(at(instant), n, "Europe/Paris") == at(expected)


@pytest.mark.parametrize("count", [0, -1])
def test_an_interval_of_nothing_is_refused(count):
    with pytest.raises(periods.InvalidIntervalCount) as refusal:
        Interval("month", count)
    assert refusal.value.param == "interval_count"


@pytest.mark.parametrize("unit", ["", "months", "Month", "hour"])
def test_an_unknown_interval_is_refused(unit):
    with pytest.raises(periods.UnknownIntervalUnit):
        Interval(unit)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "America", "/etc/localtime", "a\0b"])
def test_an_unknown_time_zone_is_refused(zone):
    with pytest.raises(periods.UnknownTimeZone):
        periods.boundary(at("2025-01-01"), MONTH, 1, zone)


@pytest.mark.parametrize("interval", [DAY, WEEK, MONTH, YEAR])
@pytest.mark.parametrize("n", [10**7, -(10**7), 10**15])
def test_a_boundary_beyond_the_calendar_is_refused(interval, n):
    with pytest.raises(periods.BeyondTheCalendar):
        periods.boundary(at("2025-01-01"), interval, n, "UTC")


@pytest.mark.parametrize(
    ("edge", "zone"), [("9999-12-31 23:00", "Pacific/Auckland"), ("0001-01-01 01:00", "America/Montreal")]
)
def test_an_instant_that_the_wall_clock_cannot_show_is_refused(edge, zone):
    with pytest.raises(periods.BeyondTheCalendar):
        periods.period_at(at("2025-01-01"), MONTH, zone, at(edge))


def test_a_wall_time_that_utc_cannot_show_is_refused():
    # 31 Dec 2025 21:00 in Montreal; in 9999 that is the year 10000 in UTC.
    with pytest.raises(periods.BeyondTheCalendar):
        periods.boundary(at("2026-01-01 02:00"), YEAR, 9999 - 2025, "America/Montreal")


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(periods.NaiveInstant):
        periods.boundary(datetime(2025, 1, 1), MONTH, 0, "UTC")  # noqa: DTZ001
    with pytest.raises(periods.NaiveInstant):
        periods.seconds_between(datetime(2025, 1, 1), at("2025-01-01"))  # noqa: DTZ001
