"""Service pauses and what becomes of invoices while collection is paused."""

import pytest

from engine.rules.pausing import SubscriptionIsNotPaused
from engine.types import PauseCollection
from subscriptions.rules.status import SubscriptionIsPaused
from tests.factories.books import Books
from tests.factories.facts import monthly_subscription, price, renewal
from tests.factories.times import utc

BASIC = price(1000, id="basic", product="Basic")
APRIL_1, APRIL_11, APRIL_16, MAY_1, MAY_16 = (
    utc(2026, 4, 1),
    utc(2026, 4, 11),
    utc(2026, 4, 16),
    utc(2026, 5, 1),
    utc(2026, 5, 16),
)


def books(**fields) -> Books:
    running = monthly_subscription(BASIC, start=utc(2026, 3, 1), end=APRIL_1, **fields)
    opened = Books(renewal(running), prices={BASIC.id: BASIC})
    opened.renew(APRIL_1)
    return opened


def billed(life):
    return [(line.amount, line.period_start, line.period_end) for line in life.invoices[-1].lines]


def test_nothing_is_billed_while_paused():
    life = books()
    plan = life.pause(APRIL_11)
    assert (plan.state.status, plan.state.next_action_at) == ("paused", None)
    life.renew(utc(2026, 9, 1))
    assert len(life.invoices) == 1


def test_resumed_with_a_new_anchor_what_was_left_is_credited():
    life = books()
    life.pause(APRIL_11)
    plan = life.resume(APRIL_16)
    assert billed(life) == [(1000, APRIL_16, MAY_16), (-500, APRIL_16, MAY_1)]  # 15 of 30 days
    assert (plan.state.status, plan.state.billing_cycle_anchor) == ("active", APRIL_16)


@pytest.mark.parametrize(
    ("behavior", "now", "waiting"),
    [
        ("always_invoice", [(500, utc(2026, 6, 16), utc(2026, 7, 1))], [500]),  # 15 of June's 30 days
        ("create_prorations", None, [500]),
        ("none", None, []),
    ],
)
def test_resumed_in_the_old_cycle_the_rest_of_the_period_is_prorated(behavior, now, waiting):
    life = books()
    life.pause(APRIL_11)
    plan = life.resume(utc(2026, 6, 16), billing_cycle_anchor="unchanged", proration_behavior=behavior)
    assert plan.state.next_action_at == utc(2026, 7, 1)
    assert (billed(life) if plan.invoices else None) == now
    assert [item.facts.amount for item in plan.pending_items] == waiting
    life.renew(utc(2026, 7, 1))
    rest = [(500, utc(2026, 6, 16), utc(2026, 7, 1))] if behavior == "create_prorations" else []
    assert billed(life) == [(1000, utc(2026, 7, 1), utc(2026, 8, 1)), *rest]


def test_resumed_within_the_period_that_was_paid_nothing_is_charged_again():
    life = books()
    life.pause(APRIL_11)
    plan = life.resume(APRIL_16, billing_cycle_anchor="unchanged")
    assert plan.invoices == ()
    assert plan.state.next_action_at == MAY_1


def test_a_pause_with_credit_and_its_invoice():
    life = books()
    life.pause(APRIL_16, prorate=True, invoice_now=True)
    assert life.invoices[-1].totals.total == -500


def test_a_pause_that_is_none_cannot_end_and_a_second_one_cannot_begin():
    life = books()
    with pytest.raises(SubscriptionIsNotPaused):
        life.resume(APRIL_16)
    life.pause(APRIL_16)
    with pytest.raises(SubscriptionIsPaused):
        life.pause(APRIL_16)


@pytest.mark.parametrize(
    ("behavior", "outcome", "finalize_now", "auto_advance"),
    [
        ("void", "void", True, True),
        ("mark_uncollectible", "uncollectible", True, True),
        ("keep_as_draft", "", False, False),
    ],
)
def test_invoices_of_paused_collection(behavior, outcome, finalize_now, auto_advance):
    life = books()
    life.change(APRIL_11, pause_collection=PauseCollection(behavior))
    life.renew(MAY_1)
    invoice = life.invoices[-1]
    assert (invoice.outcome, invoice.finalize_now, invoice.auto_advance) == (outcome, finalize_now, auto_advance)
    assert life.snapshot.subscription.status == "active"


def test_collection_goes_on_from_the_moment_that_was_named():
    life = books()
    life.change(APRIL_11, pause_collection=PauseCollection("void", utc(2026, 5, 20)))
    life.renew(utc(2026, 6, 1))
    assert [invoice.outcome for invoice in life.invoices] == ["", "void", ""]
