from datetime import timedelta

import pytest

from subscriptions.rules import status
from subscriptions.rules.next_action import next_action, next_action_at
from tests.factories.facts import item, monthly_subscription, price, subscription
from tests.factories.times import utc

APRIL_1, APRIL_10, MAY_1 = utc(2026, 4, 1), utc(2026, 4, 10), utc(2026, 5, 1)


@pytest.mark.parametrize(
    ("on_trial", "due", "method", "first"),
    [
        (False, 1000, "charge_automatically", "incomplete"),
        (False, 0, "charge_automatically", "active"),
        (False, 1000, "send_invoice", "active"),
        (True, 0, "charge_automatically", "trialing"),
    ],
)
def test_a_subscription_begins_incomplete_only_while_a_charge_is_awaited(on_trial, due, method, first):
    assert status.first_status(on_trial=on_trial, amount_due=due, collection_method=method) == first


def test_an_incomplete_subscription_expires_after_23_hours():
    assert status.incomplete_expires_at("incomplete", APRIL_1) == APRIL_1 + timedelta(hours=23)
    assert status.incomplete_expires_at("active", APRIL_1) is None


@pytest.mark.parametrize(
    ("before", "latest", "after"),
    [
        ("incomplete", True, "active"),
        ("past_due", True, "active"),
        ("past_due", False, "past_due"),
        ("unpaid", True, "active"),
        ("trialing", True, "trialing"),
        ("canceled", True, "canceled"),
    ],
)
def test_a_payment_brings_a_subscription_back_when_it_is_for_the_latest_invoice(before, latest, after):
    assert status.status_after_payment(before, is_latest_invoice=latest) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [("active", "past_due"), ("incomplete", "incomplete"), ("trialing", "trialing"), ("canceled", "canceled")],
)
def test_a_failure_makes_an_active_subscription_past_due(before, after):
    assert status.status_after_failure(before) == after


@pytest.mark.parametrize(("policy", "after"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")])
def test_when_retries_end_the_policy_decides(policy, after):
    assert status.status_after_retries("past_due", policy) == after


@pytest.mark.parametrize(
    ("invoices", "after"),
    [
        pytest.param(["paid"], "active", id="the latest is paid"),
        pytest.param(["uncollectible", "open"], "active", id="the latest is given up"),
        pytest.param(["void", "open"], "past_due", id="voided: the one before is open"),
        pytest.param(["void", "void", "paid"], "active", id="voided twice: the one before is paid"),
        pytest.param(["void"], "active", id="nothing but voided ones"),
        pytest.param(["open", "paid"], "past_due", id="the latest is still open"),
    ],
)
def test_a_past_due_subscription_walks_back_over_voided_invoices(invoices, after):
    assert status.status_from_invoices("past_due", invoices) == after


@pytest.mark.parametrize(
    ("behavior", "has_method", "after"),
    [
        ("create_invoice", False, "active"),
        ("cancel", False, "canceled"),
        ("pause", False, "paused"),
        ("cancel", True, "active"),
        ("pause", True, "active"),
    ],
)
def test_a_trial_without_a_payment_method_ends_as_its_settings_say(behavior, has_method, after):
    ended = status.status_after_trial(behavior, has_payment_method=has_method, collection_method="charge_automatically")
    assert ended == after


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        pytest.param({}, MAY_1, id="active: the renewal"),
        pytest.param({"status": "past_due"}, MAY_1, id="past due still renews"),
        pytest.param({"cancel_at": APRIL_10}, APRIL_10, id="a scheduled end before it"),
        pytest.param({"cancel_at": utc(2027, 1, 1)}, MAY_1, id="a scheduled end after it"),
        pytest.param({"cancel_at_period_end": True}, MAY_1, id="the end of the period"),
        pytest.param({"status": "trialing", "trial_end": MAY_1}, utc(2026, 4, 28), id="notice 3 days before"),
        pytest.param(
            {"status": "trialing", "trial_end": MAY_1, "trial_will_end_sent_at": APRIL_10}, MAY_1, id="notice is sent"
        ),
        pytest.param(
            {"status": "incomplete", "incomplete_expires_at": APRIL_1 + timedelta(hours=23)},
            APRIL_1 + timedelta(hours=23),
            id="incomplete: its expiry",
        ),
        pytest.param({"status": "paused"}, None, id="paused waits for somebody"),
        pytest.param({"status": "canceled"}, None, id="canceled"),
        pytest.param({"status": "incomplete_expired"}, None, id="expired"),
    ],
)
def test_the_run_looks_at_a_subscription_at_the_earliest_of_what_is_to_come(facts, due):
    assert next_action_at(monthly_subscription(start=APRIL_1, end=MAY_1, **facts)) == due


def test_the_earliest_item_decides():
    both = subscription([item(price(), APRIL_1, MAY_1), item(price(id="other"), APRIL_1, APRIL_10, id="si_2")])
    assert next_action_at(both) == APRIL_10
    assert next_action(status="active", period_ends=[MAY_1, APRIL_10]) == APRIL_10


@pytest.mark.parametrize("ended", ["canceled", "incomplete_expired"])
def test_an_ended_subscription_cannot_be_changed(ended):
    with pytest.raises(status.SubscriptionIsTerminal):
        status.check_can_change(ended)


def test_an_incomplete_or_paused_subscription_cannot_be_changed_yet():
    with pytest.raises(status.SubscriptionIsIncomplete):
        status.check_can_change("incomplete")
    with pytest.raises(status.SubscriptionIsPaused):
        status.check_can_change("paused")
