"""Anchors set to now, trials added, extended and ended: each makes its invoice at once and bills nothing twice."""

import pytest

from engine.rules.attributes import DescriptionTooLong, ResumesInPast
from engine.rules.change import NothingToChange
from engine.rules.restarting import AnchorDuringTrial
from engine.rules.subscribe import DaysUntilDueMisplaced, UnknownOption
from engine.types import ItemChange, ItemRequest, PauseCollection
from subscriptions.rules.periods import TrialEndInPast, TrialTooLong
from subscriptions.rules.prices import PriceNotOneTime
from subscriptions.rules.status import SubscriptionIsTerminal
from tests.factories.books import Books
from tests.factories.facts import YEARLY, monthly_subscription, price, renewal
from tests.factories.times import utc

BASIC, PRO = price(1000, id="basic", product="Basic"), price(2000, id="pro")
YEAR = price(24000, YEARLY, id="yearly")
SETUP = price(500, None, id="setup", product="Set-up")
APRIL_1, APRIL_16, MAY_1, MAY_16 = utc(2026, 4, 1), utc(2026, 4, 16), utc(2026, 5, 1), utc(2026, 5, 16)


def books(**fields) -> Books:
    """A customer on Basic whose April is billed."""
    running = monthly_subscription(BASIC, start=utc(2026, 3, 1), end=APRIL_1, **fields)
    opened = Books(renewal(running), prices={one.id: one for one in (BASIC, PRO, YEAR, SETUP)})
    opened.renew(APRIL_1)
    return opened


def on_trial(until=MAY_1) -> Books:
    running = monthly_subscription(
        BASIC,
        start=APRIL_1,
        end=until,
        status="trialing",
        trial_start=APRIL_1,
        trial_end=until,
        billing_cycle_anchor=until,
    )
    return Books(renewal(running), prices={BASIC.id: BASIC, PRO.id: PRO})


def billed(life):
    return [(line.amount, line.period_start, line.period_end) for line in life.invoices[-1].lines]


def item(life):
    return life.snapshot.subscription.items[0]


def test_a_new_anchor_bills_a_whole_period_and_credits_what_was_left():
    life = books()
    plan = life.change(APRIL_16, billing_cycle_anchor="now")
    assert billed(life) == [(1000, APRIL_16, MAY_16), (-500, APRIL_16, MAY_1)]  # 15 of April's 30 days
    assert life.invoices[-1].finalize_now
    assert plan.state.billing_cycle_anchor == APRIL_16
    assert plan.state.next_action_at == MAY_16
    life.renew(MAY_16)
    assert billed(life) == [(1000, MAY_16, utc(2026, 6, 16))]


def test_an_upgrade_with_a_new_anchor_is_one_invoice():
    life = books()
    life.change(APRIL_16, ItemChange("si_1", "pro"), billing_cycle_anchor="now")
    assert billed(life) == [(2000, APRIL_16, MAY_16), (-500, APRIL_16, MAY_1)]
    assert item(life).price.id == "pro"


def test_without_prorations_the_time_left_is_given_up():
    life = books()
    life.change(APRIL_16, billing_cycle_anchor="now", proration_behavior="none")
    assert billed(life) == [(1000, APRIL_16, MAY_16)]


def test_another_interval_keeps_the_anchor():
    life = books()
    plan = life.change(APRIL_16, ItemChange("si_1", "yearly"))
    assert plan.state.billing_cycle_anchor == utc(2026, 3, 1)
    assert item(life).current_period_end == utc(2027, 3, 1)


def test_a_trial_added_to_a_running_subscription_moves_the_anchor():
    life = books()
    plan = life.change(APRIL_16, trial_end=utc(2026, 4, 26))
    assert billed(life) == [(0, APRIL_16, utc(2026, 4, 26)), (-500, APRIL_16, MAY_1)]
    assert (plan.state.status, plan.state.billing_cycle_anchor) == ("trialing", utc(2026, 4, 26))
    assert plan.state.next_action_at == utc(2026, 4, 23)  # the notice
    life.renew(utc(2026, 4, 26))
    assert life.snapshot.subscription.status == "active"
    assert billed(life) == [(1000, utc(2026, 4, 26), utc(2026, 5, 26))]


def test_a_trial_ended_now_bills_from_now():
    life = on_trial()
    plan = life.change(APRIL_16, trial_end="now")
    assert billed(life) == [(1000, APRIL_16, MAY_16)]
    assert (plan.state.status, plan.state.trial_end, plan.state.billing_cycle_anchor) == (
        "active",
        APRIL_16,
        APRIL_16,
    )


@pytest.mark.parametrize("ends", [utc(2026, 5, 20), utc(2026, 4, 20)], ids=["later", "earlier"])
def test_a_trial_moved_to_another_end_is_free_until_then(ends):
    life = on_trial()
    began = life.snapshot.subscription.trial_start
    plan = life.change(APRIL_16, trial_end=ends)
    [free] = plan.invoices  # Stripe's 0 invoice for the trial as it is now
    assert [(line.amount, line.period_start, line.period_end) for line in free.lines] == [(0, APRIL_16, ends)]
    assert (item(life).current_period_end, plan.state.billing_cycle_anchor) == (ends, ends)
    assert (plan.state.status, plan.state.trial_start) == ("trialing", began)
    life.renew(ends)
    assert life.invoices[-1].lines[0].period_start == ends
    assert life.total == 1000


def test_a_trial_cut_to_two_days_is_announced_at_once():
    plan = on_trial().change(APRIL_16, trial_end=utc(2026, 4, 18))
    assert "customer.subscription.trial_will_end" in [event.type for event in plan.events]
    assert plan.state.trial_will_end_sent_at == APRIL_16


def test_a_one_time_price_waits_for_the_next_invoice_or_goes_on_one_at_once():
    life = books()
    life.change(APRIL_16, add_invoice_items=(ItemRequest("setup"),))
    life.renew(MAY_1)
    assert [amount for amount, *_ in billed(life)] == [1000, 500]
    life.change(MAY_16, add_invoice_items=(ItemRequest("setup", 2),), proration_behavior="always_invoice")
    assert [amount for amount, *_ in billed(life)] == [1000]


def test_attributes_alone_bill_nothing_and_tell_what_was():
    life = books(metadata={"seat": "a", "team": "x"})
    plan = life.change(APRIL_16, description="Best", metadata={"seat": "b", "team": "", "new": "1"})
    assert plan.attributes == {"description": "Best", "metadata": {"seat": "b", "new": "1"}}
    assert plan.events[0].previous_attributes == {"description": None, "metadata": {"seat": "a", "team": "x"}}
    assert (plan.invoices, plan.pending_items) == ((), ())


def test_charging_instead_of_sending_drops_the_days():
    plan = books(collection_method="send_invoice", days_until_due=30).change(
        APRIL_16, collection_method="charge_automatically"
    )
    assert plan.attributes == {"collection_method": "charge_automatically", "days_until_due": None}


def test_a_pause_in_collection_is_waited_for():
    life = books()
    plan = life.change(APRIL_16, pause_collection=PauseCollection("void", utc(2026, 4, 20)))
    assert plan.state.next_action_at == utc(2026, 4, 20)
    assert plan.events[0].previous_attributes == {"pause_collection": None}
    life.renew(utc(2026, 4, 20))
    assert life.snapshot.subscription.pause_behavior == ""


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, NothingToChange),
        ({"trial_end": APRIL_16}, TrialEndInPast),
        ({"trial_end": utc(2028, 4, 20)}, TrialTooLong),
        ({"billing_cycle_anchor": "yesterday"}, UnknownOption),
        ({"description": "x" * 501}, DescriptionTooLong),
        ({"days_until_due": 5}, DaysUntilDueMisplaced),
        ({"collection_method": "barter"}, UnknownOption),
        ({"pause_collection": PauseCollection("sleep")}, UnknownOption),
        ({"pause_collection": PauseCollection("void", APRIL_16)}, ResumesInPast),
        ({"add_invoice_items": (ItemRequest("pro"),)}, PriceNotOneTime),
    ],
)
def test_what_makes_no_sense_is_named(fields, error):
    with pytest.raises(error):
        books().change(APRIL_16, **fields)


def test_a_trial_has_no_anchor_to_reset():
    with pytest.raises(AnchorDuringTrial):
        on_trial().change(APRIL_16, billing_cycle_anchor="now")


def test_a_canceled_subscription_changes_no_more():
    life = books()
    life.cancel(APRIL_16)
    with pytest.raises(SubscriptionIsTerminal):
        life.change(APRIL_16, description="Too late")
