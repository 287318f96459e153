import pytest

from core.periods import Interval, Period
from subscriptions.rules import periods
from subscriptions.rules.periods import Opening, first_period, next_period, opening
from tests.factories.facts import MONTHLY, YEARLY, price
from tests.factories.times import utc


def test_without_trial_or_anchor_a_subscription_begins_its_cycle_at_once():
    opened = opening([price()], utc(2026, 1, 31), "UTC")
    assert opened == Opening(utc(2026, 1, 31), None, utc(2026, 1, 31))
    assert first_period(opened, MONTHLY, "UTC").period == Period(utc(2026, 1, 31), utc(2026, 2, 28))


@pytest.mark.parametrize(
    ("asked", "trial_end"),
    [
        pytest.param({}, utc(2026, 4, 15), id="the price's own 14 days"),
        pytest.param({"trial_period_days": 30}, utc(2026, 5, 1), id="30 days asked for win over the price's"),
        pytest.param({"trial_period_days": 0}, None, id="0 days asked for: no trial"),
        pytest.param({"trial_end": utc(2026, 4, 10, 12)}, utc(2026, 4, 10, 12), id="an instant wins over days"),
    ],
)
def test_a_trial_moves_the_anchor_to_its_end(asked, trial_end):
    opened = opening([price(trial_period_days=14)], utc(2026, 4, 1), "UTC", **asked)
    assert opened.trial_end == trial_end
    assert opened.anchor == (trial_end or utc(2026, 4, 1))


def test_trial_days_are_days_on_the_wall_clock():
    # 8 March 2026, 02:00: Montreal's clocks jump an hour; noon stays noon.
    opened = opening([price()], utc(2026, 3, 7, 17), "America/Toronto", trial_period_days=2)
    assert opened.trial_end == utc(2026, 3, 9, 16)


def test_the_first_period_of_a_trial_is_the_trial():
    opened = opening([price()], utc(2026, 4, 1), "UTC", trial_period_days=7)
    assert first_period(opened, MONTHLY, "UTC").period == Period(utc(2026, 4, 1), utc(2026, 4, 8))
    assert first_period(opened, MONTHLY, "UTC").is_whole


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        pytest.param({"trial_period_days": 731}, periods.TrialTooLong, id="731 days"),
        pytest.param({"trial_end": utc(2028, 4, 1, 0, 0, 1)}, periods.TrialTooLong, id="730 days and a second"),
        pytest.param({"trial_period_days": -1}, periods.TrialDaysInvalid, id="-1 days"),
        pytest.param({"trial_end": utc(2026, 4, 1)}, periods.TrialEndInPast, id="ends as it begins"),
        pytest.param({"billing_cycle_anchor": utc(2026, 3, 31)}, periods.AnchorInPast, id="anchored yesterday"),
        pytest.param({"billing_cycle_anchor": utc(2026, 5, 2)}, periods.AnchorTooFar, id="more than a month ahead"),
    ],
)
def test_an_impossible_beginning_is_refused(asked, error):
    with pytest.raises(error):
        opening([price()], utc(2026, 4, 1), "UTC", **asked)


def test_a_trial_of_730_days_is_allowed():
    assert opening([price()], utc(2026, 4, 1), "UTC", trial_period_days=730).trial_end == utc(2028, 3, 31)


def test_an_anchor_ahead_makes_a_stub():
    opened = opening([price()], utc(2026, 4, 11), "UTC", billing_cycle_anchor=utc(2026, 5, 1))
    first = first_period(opened, MONTHLY, "UTC")
    assert first.period == Period(utc(2026, 4, 11), utc(2026, 5, 1))
    assert first.whole == Period(utc(2026, 4, 1), utc(2026, 5, 1))
    assert not first.is_whole


@pytest.mark.parametrize(
    ("interval", "cycle_day", "anchor", "aims_at"),
    [
        pytest.param(MONTHLY, 1, utc(2026, 3, 1, 9), 1, id="the 1st of the month"),
        pytest.param(MONTHLY, 31, utc(2026, 2, 28, 9), 31, id="the 31st, first on 28 February"),
        pytest.param(Interval("week"), 1, utc(2026, 2, 16, 9), None, id="Mondays"),
        pytest.param(Interval("day", 10), 5, utc(2026, 2, 10, 9), None, id="a cycle of days knows no such day"),
        pytest.param(YEARLY, 15, utc(2026, 2, 15, 9), 15, id="a yearly price on the 15th"),
    ],
)
def test_a_prices_default_cycle_day_anchors_the_cycle(interval, cycle_day, anchor, aims_at):
    opened = opening([price(1000, interval, cycle_day=cycle_day)], utc(2026, 2, 10, 9), "UTC")
    assert (opened.anchor, opened.day_of_month) == (anchor, aims_at)


def test_a_cycle_on_the_31st_that_began_on_28_february_goes_on_to_31_march():
    opened = opening([price(cycle_day=31)], utc(2026, 2, 10), "UTC")
    assert first_period(opened, MONTHLY, "UTC").period.end == utc(2026, 2, 28)
    after = next_period(opened.anchor, MONTHLY, "UTC", utc(2026, 2, 28), day_of_month=opened.day_of_month)
    assert after.period == Period(utc(2026, 2, 28), utc(2026, 3, 31))


def test_boundaries_come_from_the_anchor_and_not_from_the_boundary_before():
    ends, end = [], utc(2024, 1, 31)
    for _ in range(4):
        end = next_period(utc(2024, 1, 31), MONTHLY, "UTC", end).period.end
        ends.append(end)
    assert ends == [utc(2024, 2, 29), utc(2024, 3, 31), utc(2024, 4, 30), utc(2024, 5, 31)]


def test_a_scheduled_end_inside_a_period_cuts_it_short():
    cut = next_period(utc(2024, 1, 1), YEARLY, "UTC", utc(2024, 1, 1), until=utc(2024, 7, 1))
    assert cut.period == Period(utc(2024, 1, 1), utc(2024, 7, 1))
    assert cut.whole == Period(utc(2024, 1, 1), utc(2025, 1, 1))
