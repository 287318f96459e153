from datetime import UTC, datetime

import pytest

from core import periods
from core.periods import AnchorConfig, Interval

MONTH, QUARTER, YEAR = Interval("month"), Interval("month", 3), Interval("year")
WEEK, DAY = Interval("week"), Interval("day")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "interval", "config", "expected"),
    [
        pytest.param("2025-02-10 09:30", MONTH, {"day_of_month": 15}, "2025-02-15 09:30", id="the 15th is ahead"),
        pytest.param("2025-02-20 09:30", MONTH, {"day_of_month": 15}, "2025-03-15 09:30", id="the 15th is past"),
        pytest.param("2025-02-15 09:30", MONTH, {"day_of_month": 15}, "2025-02-15 09:30", id="today, this second"),
        pytest.param("2025-02-15 09:30", MONTH, {"day_of_month": 15, "hour": 9, "minute": 0}, "2025-03-15 09:00",
                     id="today, but the hour is past"),
        pytest.param("2025-02-10 09:30", MONTH, {"day_of_month": 31}, "2025-02-28 09:30", id="the 31st of February"),
        pytest.param("2025-01-31 09:30", MONTH, {"day_of_month": 31, "hour": 0}, "2025-02-28 00:30",
                     id="the 31st is past, so the end of February"),
        pytest.param("2025-02-10 09:30", YEAR, {"day_of_month": 1, "month": 7}, "2025-07-01 09:30", id="1 July"),
        pytest.param("2025-07-02 09:30", YEAR, {"day_of_month": 1, "month": 7}, "2026-07-01 09:30", id="1 July again"),
        pytest.param("2025-03-01 09:30", YEAR, {"day_of_month": 29, "month": 2}, "2026-02-28 09:30", id="29 February"),
        pytest.param("2025-04-10 09:30", QUARTER, {"day_of_month": 1, "month": 2}, "2025-05-01 09:30",
                     id="a quarterly cycle through February begins in May"),
        pytest.param("2025-04-10 09:30", MONTH, {"day_of_month": 1, "month": 2}, "2025-05-01 09:30",
                     id="every monthly cycle passes through February"),
        pytest.param("2025-06-03 09:30", WEEK, {"weekday": 1}, "2025-06-09 09:30", id="Tuesday to Monday"),
        pytest.param("2025-06-03 09:30", WEEK, {"weekday": 2}, "2025-06-03 09:30", id="Tuesday to Tuesday"),
        pytest.param("2025-06-03 09:30", WEEK, {"weekday": 2, "hour": 8}, "2025-06-10 08:30", id="to the next Tuesday"),
        pytest.param("2025-06-03 09:30", DAY, {"hour": 0, "minute": 0, "second": 0}, "2025-06-04 00:00",
                     id="a day that begins at midnight"),
        pytest.param("2025-06-03 09:30", DAY, {}, "2025-06-03 09:30", id="nothing asked, nothing moved"),
    ],
)  # fmt: skip
def test_the_anchor_is_the_first_instant_that_matches(start, interval, config, expected):
    assert periods.anchor_from_config(at(start), AnchorConfig(**config), interval, "UTC") == at(expected)


def test_the_anchor_is_found_on_the_billing_zones_wall_clock():
    config = AnchorConfig(day_of_month=1, hour=0, minute=0, second=0)
    # 1 June 02:00 in UTC is still 31 May in Montreal, and midnight there is 04:00 in UTC.
    assert periods.anchor_from_config(at("2025-06-01 02:00"), config, MONTH, "America/Montreal") == at(
        "2025-06-01 04:00"
    )


def test_a_start_in_the_repeated_hour_is_its_own_anchor():
    second_half_past_one = at("2025-11-02 06:30")
    found = periods.anchor_from_config(second_half_past_one, AnchorConfig(day_of_month=2), MONTH, "America/Montreal")
    assert found == second_half_past_one


def test_a_start_at_the_end_of_the_gap_matches_the_time_that_was_skipped():
    half_past_three = at("2025-03-09 07:30")
    config = AnchorConfig(day_of_month=9, hour=2, minute=30, second=0)
    assert periods.anchor_from_config(half_past_three, config, MONTH, "America/Montreal") == half_past_three


def test_a_cycle_that_would_leave_the_calendar_is_refused():
    for interval, config in ((MONTH, AnchorConfig(day_of_month=1)), (DAY, AnchorConfig(hour=0))):
        with pytest.raises(periods.BeyondTheCalendar):
            periods.anchor_from_config(at("9999-12-31 12:00"), config, interval, "UTC")


def test_a_cycle_on_the_31st_anchored_in_february_goes_on_to_31_march():
    config = AnchorConfig(day_of_month=31)
    anchor = periods.anchor_from_config(at("2025-02-10"), config, MONTH, "UTC")
    assert periods.boundary(anchor, MONTH, 1, "UTC", day_of_month=config.day_of_month) == at("2025-03-31")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("day_of_month", 0),
        ("day_of_month", 32),
        ("month", 13),
        ("hour", 24),
        ("minute", 60),
        ("second", -1),
        ("weekday", 8),
    ],
)
def test_a_field_out_of_range_is_refused_by_its_name(field, value):
    with pytest.raises(periods.InvalidAnchorConfig) as refusal:
        AnchorConfig(**{field: value})
    assert refusal.value.param == f"billing_cycle_anchor_config[{field}]"


@pytest.mark.parametrize(
    ("interval", "config"),
    [(WEEK, {"day_of_month": 1}), (DAY, {"month": 1}), (MONTH, {"weekday": 1}), (DAY, {"weekday": 1})],
)
def test_a_field_that_does_not_fit_the_interval_is_refused(interval, config):
    with pytest.raises(periods.AnchorConfigMismatch):
        periods.anchor_from_config(at("2025-01-01"), AnchorConfig(**config), interval, "UTC")
