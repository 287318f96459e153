import pytest

from engine.rules import cancel
from engine.types import ItemChange
from subscriptions.rules.status import SubscriptionIsTerminal
from tests.factories.books import Books
from tests.factories.facts import GST, RATES, YEARLY, item, monthly_subscription, price, renewal, subscription
from tests.factories.times import utc

APRIL_1, APRIL_11, APRIL_21, MAY_1 = utc(2026, 4, 1), utc(2026, 4, 11), utc(2026, 4, 21), utc(2026, 5, 1)


def books(**fields) -> Books:
    """A customer whose 1000 (and 50 of GST) for April are billed and paid."""
    running = monthly_subscription(start=utc(2026, 3, 1), end=APRIL_1, default_tax_rate_ids=(GST.id,), **fields)
    opened = Books(renewal(running, tax_rates=RATES))
    opened.renew(APRIL_1)
    return opened


def amounts(plan):
    return [planned.facts.amount for planned in plan.pending_items]


def test_without_more_words_an_end_credits_and_bills_nothing():
    plan = books().cancel(APRIL_11, reason="cancellation_requested", feedback="too_expensive", comment="Adieu")
    assert (plan.pending_items, plan.invoices, plan.stop_invoices) == ((), (), True)
    state = plan.state
    assert (state.status, state.ended_at, state.canceled_at, state.next_action_at) == (
        "canceled",
        APRIL_11,
        APRIL_11,
        None,
    )
    assert (state.cancellation_feedback, state.cancellation_comment) == ("too_expensive", "Adieu")
    assert [event.type for event in plan.events] == ["customer.subscription.deleted"]


def test_a_prorated_end_leaves_its_credit_pending():
    plan = books().cancel(APRIL_11, prorate=True)
    assert amounts(plan) == [-667]
    assert plan.invoices == ()


def test_a_prorated_end_that_is_invoiced_now_gives_the_credit_back_with_its_tax():
    plan = books().cancel(APRIL_11, prorate=True, invoice_now=True)
    (invoice,) = plan.invoices
    # -667 and 2/3 of 50.
    assert (invoice.totals.total, invoice.finalize_now) == (-700, True)


def test_an_end_that_is_invoiced_now_without_anything_to_bill_makes_no_invoice():
    assert books().cancel(APRIL_11, invoice_now=True).invoices == ()


def test_nobody_ends_twice():
    life = books()
    life.cancel(APRIL_11)
    for again in (life.cancel, life.schedule_cancel, life.undo_cancel):
        with pytest.raises(SubscriptionIsTerminal):
            again(APRIL_21)


def test_at_period_end_nothing_is_credited_and_the_end_comes_with_the_boundary():
    life = books()
    plan = life.schedule_cancel(APRIL_11)
    assert (plan.pending_items, plan.state.cancel_at_period_end, plan.state.cancel_at) == ((), True, MAY_1)
    assert (plan.state.canceled_at, plan.state.status) == (APRIL_11, "active")
    assert life.renew(MAY_1).invoices == ()
    assert life.snapshot.subscription.status == "canceled"


def test_of_mixed_intervals_the_earliest_period_end_counts():
    yearly = item(price(9000, YEARLY, id="support", product="Support"), APRIL_1, utc(2027, 4, 1), id="si_2")
    life = Books(renewal(subscription([item(price(), APRIL_1, MAY_1), yearly])))
    assert life.schedule_cancel(APRIL_11).state.cancel_at == MAY_1


def test_the_end_can_be_taken_back_until_it_comes():
    life = books()
    life.schedule_cancel(APRIL_11, reason="cancellation_requested", comment="Adieu")
    plan = life.undo_cancel(APRIL_21)
    assert (plan.state.cancel_at_period_end, plan.state.cancel_at, plan.state.canceled_at) == (False, None, None)
    assert (plan.state.cancellation_reason, plan.state.cancellation_comment) == ("", "")
    assert life.renew(MAY_1).invoices[0].lines[0].amount == 1000


def test_there_must_be_something_to_take_back():
    with pytest.raises(cancel.NotScheduledToCancel):
        books().undo_cancel(APRIL_11)


def test_an_end_inside_the_period_credits_the_time_after_it_at_once():
    yearly = subscription([item(price(12000, YEARLY), utc(2023, 1, 1), utc(2024, 1, 1))])
    life = Books(renewal(yearly))
    life.renew(utc(2024, 1, 1))
    # 184 of 366 days: 6032.79 -> 6033 back, 5967 kept.
    assert amounts(life.schedule_cancel(utc(2024, 2, 1), cancel_at=utc(2024, 7, 1))) == [-6033]
    assert life.renew(utc(2024, 7, 1)).invoices[0].totals.total == -6033
    assert life.total == 5967


def test_an_end_inside_the_period_can_keep_what_is_billed():
    plan = books().schedule_cancel(APRIL_11, cancel_at=APRIL_21, proration_behavior="none")
    assert (plan.pending_items, plan.debit_closings) == ((), ())
    assert plan.state.next_action_at == APRIL_21


def test_taking_an_end_inside_the_period_back_charges_again_what_was_credited():
    life = books()
    assert amounts(life.schedule_cancel(APRIL_11, cancel_at=APRIL_21)) == [-333]
    assert amounts(life.undo_cancel(APRIL_11)) == [333]
    life.renew(MAY_1)
    assert [invoice.totals.total for invoice in life.invoices] == [1050, 1050]


def test_an_end_may_be_scheduled_and_taken_back_again_and_again():
    life = books()
    for _ in range(3):
        life.schedule_cancel(APRIL_11, cancel_at=APRIL_21)
        life.undo_cancel(APRIL_11)
    life.renew(MAY_1)
    assert life.total == 2100


def test_a_change_before_a_scheduled_end_charges_only_up_to_it():
    life = books()
    life.prices = {"pro": price(3000, id="pro")}
    assert amounts(life.schedule_cancel(APRIL_1, cancel_at=APRIL_21)) == [-333]
    # Of the 667 that are kept, the ten days from the 11th are given back; 3000 x 10/30 are charged.
    assert amounts(life.change(APRIL_11, ItemChange("si_1", "pro"))) == [-334, 1000]


def test_an_end_moved_further_away_charges_what_lies_between():
    life = books()
    assert amounts(life.schedule_cancel(APRIL_1, cancel_at=APRIL_11)) == [-667]  # 20 of 30 days
    assert amounts(life.schedule_cancel(APRIL_1, cancel_at=APRIL_21)) == [667, -333]
    # Two charges of their own: five of the first one's 333 days' worth, and all that the second has left, 667 - 333.
    assert amounts(life.schedule_cancel(APRIL_1, cancel_at=utc(2026, 4, 6))) == [-166, -334]
    assert amounts(life.undo_cancel(APRIL_1)) == [833]
    life.renew(MAY_1)
    assert life.total == 2100  # the moves cancel out, their tax of 5 % too


def test_an_end_in_the_past_is_refused():
    with pytest.raises(cancel.CancelAtInPast):
        books().schedule_cancel(APRIL_11, cancel_at=APRIL_11)
