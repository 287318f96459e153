"""Where cycles begin: fixed anchors, configured ones, backdated starts, and an end that is known from the start."""

import pytest

from core.periods import AnchorConfig, AnchorConfigMismatch, Interval
from engine.rules.checks import check_plan
from engine.rules.ending import CancelAtInPast, CancelAtUnknown, CancelTwice
from engine.rules.subscribe import plan_subscribe
from engine.types import ItemRequest, SubscribeRequest
from subscriptions.rules.periods import AnchorTwice, BackdatedIntoFuture, BackdatedTooFar
from tests.factories.facts import YEARLY, price, signup
from tests.factories.times import utc

MONTHLY_1000 = price(1000, id="monthly")
YEARLY_12000 = price(12000, YEARLY, id="yearly")
DAILY = price(100, Interval("day"), id="daily")
WEEKLY = price(700, Interval("week"), id="weekly")


def plan(as_of, *of, **fields):
    request = SubscribeRequest("acct_1", "cus_1", tuple(ItemRequest(one.id) for one in of), **fields)
    planned = plan_subscribe(signup(of), request, as_of)
    check_plan(planned)
    return planned


def lines(planned):
    return [(line.amount, line.period_start, line.period_end) for invoice in planned.invoices for line in invoice.lines]


@pytest.mark.parametrize(
    ("config", "anchor", "day", "amount"),
    [
        pytest.param(AnchorConfig(day_of_month=20), utc(2026, 4, 20), 20, 323, id="10 of the 31 days from 20 March"),
        pytest.param(AnchorConfig(day_of_month=31), utc(2026, 4, 30), 31, 667, id="20 of 30 days: the 31st is meant"),
        pytest.param(AnchorConfig(day_of_month=10), utc(2026, 4, 10), 10, 1000, id="today: a whole month"),
    ],
)
def test_a_configured_day_prorates_the_stub_and_is_remembered(config, anchor, day, amount):
    planned = plan(utc(2026, 4, 10), MONTHLY_1000, billing_cycle_anchor_config=config)
    assert (planned.state.billing_cycle_anchor, planned.state.anchor_day_of_month) == (anchor, day)
    assert [billed for billed, *_ in lines(planned)] == [amount]


@pytest.mark.parametrize(
    ("config", "of", "anchor"),
    [
        (AnchorConfig(month=1, day_of_month=1), YEARLY_12000, utc(2027, 1, 1)),
        (AnchorConfig(day_of_month=1, hour=9, minute=30, second=0), MONTHLY_1000, utc(2026, 5, 1, 9, 30)),
        (AnchorConfig(weekday=1), WEEKLY, utc(2026, 4, 13)),  # a Monday
        (AnchorConfig(hour=6), DAILY, utc(2026, 4, 10, 6)),
    ],
)
def test_month_time_and_weekday(config, of, anchor):
    planned = plan(utc(2026, 4, 10), of, billing_cycle_anchor_config=config)
    assert planned.state.billing_cycle_anchor == anchor
    assert planned.subscription.billing_cycle_anchor_config["day_of_month"] == config.day_of_month


def test_a_month_of_the_year_is_meant_for_the_yearly_price_beside_a_monthly_one():
    config = AnchorConfig(month=7, day_of_month=1)
    planned = plan(utc(2026, 4, 16), MONTHLY_1000, YEARLY_12000, billing_cycle_anchor_config=config)
    monthly, yearly = planned.items
    assert (monthly.current_period_end, yearly.current_period_end) == (utc(2026, 5, 1), utc(2026, 7, 1))


def test_without_prorations_the_stub_is_free_and_makes_no_invoice():
    config = AnchorConfig(day_of_month=20)
    planned = plan(utc(2026, 4, 10), MONTHLY_1000, billing_cycle_anchor_config=config, proration_behavior="none")
    assert planned.invoices == ()
    assert planned.state.status == "active"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"billing_cycle_anchor_config": AnchorConfig(weekday=1)}, AnchorConfigMismatch),
        (
            {
                "billing_cycle_anchor_config": AnchorConfig(day_of_month=1),
                "billing_cycle_anchor": utc(2026, 5, 1),
            },
            AnchorTwice,
        ),
        ({"backdate_start_date": utc(2026, 4, 11)}, BackdatedIntoFuture),
        ({"cancel_at": utc(2026, 4, 10)}, CancelAtInPast),
        ({"cancel_at": "some day"}, CancelAtUnknown),
        ({"cancel_at": utc(2026, 5, 10), "cancel_at_period_end": True}, CancelTwice),
    ],
)
def test_what_makes_no_sense_is_named(fields, error):
    with pytest.raises(error):
        plan(utc(2026, 4, 10), MONTHLY_1000, **fields)


def test_a_backdated_start_bills_one_line_for_each_past_period_and_is_the_anchor():
    planned = plan(utc(2026, 4, 10), MONTHLY_1000, backdate_start_date=utc(2026, 1, 31))
    assert lines(planned) == [
        (1000, utc(2026, 1, 31), utc(2026, 2, 28)),
        (1000, utc(2026, 2, 28), utc(2026, 3, 31)),
        (1000, utc(2026, 3, 31), utc(2026, 4, 30)),
    ]
    assert (planned.subscription.start_date, planned.state.billing_cycle_anchor) == (utc(2026, 1, 31),) * 2
    assert planned.items[0].current_period_end == utc(2026, 4, 30)


def test_a_backdated_start_with_an_anchor_ahead_begins_with_a_stub():
    planned = plan(
        utc(2026, 4, 10), MONTHLY_1000, backdate_start_date=utc(2026, 2, 15), billing_cycle_anchor=utc(2026, 5, 1)
    )
    assert [amount for amount, *_ in lines(planned)] == [500, 1000, 1000]  # 14 of February's 28 days


def test_without_prorations_the_past_is_not_charged():
    planned = plan(utc(2026, 4, 10), MONTHLY_1000, backdate_start_date=utc(2026, 1, 1), proration_behavior="none")
    assert lines(planned) == [(1000, utc(2026, 4, 1), utc(2026, 5, 1))]


def test_250_lines_are_billed_for_the_past_and_no_more():
    assert len(lines(plan(utc(2026, 9, 7), DAILY, backdate_start_date=utc(2026, 1, 1)))) == 250
    with pytest.raises(BackdatedTooFar):
        plan(utc(2026, 9, 8), DAILY, backdate_start_date=utc(2026, 1, 1))


def test_a_year_with_a_known_end_is_charged_up_to_it():
    planned = plan(utc(2024, 1, 1), YEARLY_12000, cancel_at=utc(2024, 7, 1))
    assert lines(planned) == [(5967, utc(2024, 1, 1), utc(2024, 7, 1))]  # 12000 * 182 / 366
    assert planned.state.cancel_at == utc(2024, 7, 1)


def test_a_year_with_a_known_end_is_charged_whole_without_prorations():
    planned = plan(utc(2024, 1, 1), YEARLY_12000, cancel_at=utc(2024, 7, 1), proration_behavior="none")
    assert [amount for amount, *_ in lines(planned)] == [12000]


@pytest.mark.parametrize(("word", "ends"), [("min_period_end", utc(2026, 5, 10)), ("max_period_end", utc(2027, 4, 10))])
def test_an_end_named_by_the_items_periods(word, ends):
    planned = plan(utc(2026, 4, 10), MONTHLY_1000, YEARLY_12000, cancel_at=word)
    assert planned.state.cancel_at == ends
    assert [amount for amount, *_ in lines(planned)] == [1000, 12000] if word == "max_period_end" else [1000, 986]


def test_an_end_with_the_period():
    planned = plan(utc(2026, 4, 10), MONTHLY_1000, cancel_at_period_end=True)
    assert (planned.state.cancel_at, planned.state.cancel_at_period_end) == (utc(2026, 5, 10), True)
    assert planned.state.canceled_at == utc(2026, 4, 10)


@pytest.mark.parametrize(
    "anchor",
    [
        {"billing_cycle_anchor": utc(2026, 5, 1)},
        {"billing_cycle_anchor_config": AnchorConfig(day_of_month=1)},
    ],
    ids=["at an instant", "by a config"],
)
def test_who_moves_in_without_proration_pays_from_the_anchor_on(anchor):
    """Backdated to 15 February and anchored on 1 May: nothing before 1 May, the natural month of April included."""
    planned = plan(
        utc(2026, 4, 10), MONTHLY_1000, backdate_start_date=utc(2026, 2, 15), proration_behavior="none", **anchor
    )
    assert lines(planned) == []
    assert planned.state.billing_cycle_anchor == utc(2026, 5, 1)
