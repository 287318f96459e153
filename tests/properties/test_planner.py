"""What always holds of a subscription's life, whatever it is and whenever things happen to it."""

from datetime import UTC, timedelta
from itertools import pairwise

from hypothesis import given, strategies as st

from core.periods import Interval, period_at
from engine.types import BillingSettings, ItemChange
from invoicing.types import TaxRateFacts
from tests.factories.books import Books
from tests.factories.facts import (
    GST,
    QST,
    RATES,
    amount_off,
    discount,
    item,
    percent_off,
    price,
    renewal,
    subscription,
)
from tests.factories.times import utc

instants = st.datetimes(utc(2020, 1, 1).replace(tzinfo=None), utc(2030, 1, 1).replace(tzinfo=None)).map(
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0)
)
intervals = st.sampled_from(
    [Interval("month"), Interval("month", 3), Interval("year"), Interval("week"), Interval("day", 10)]
)
zones = st.sampled_from(["UTC", "America/Toronto", "Europe/Paris", "Pacific/Apia", "Australia/Lord_Howe"])
stacks = st.lists(
    st.one_of(
        st.builds(percent_off, st.integers(1, 100), st.sampled_from(["forever", "once"])),
        st.builds(amount_off, st.integers(1, 3000), st.sampled_from(["forever", "once"])),
    ),
    max_size=2,
).map(
    lambda found: tuple(discount(coupon, utc(2019, 1, 1), id=f"di_{n}", position=n) for n, coupon in enumerate(found))
)
lasting = stacks.map(lambda stack: tuple(one for one in stack if one.coupon.duration == "forever"))
taxes = st.sampled_from([(), (GST.id,), (GST.id, QST.id), ("txr_in",)])
settings_ = st.builds(
    BillingSettings,
    tax_rounding=st.sampled_from(["per_line", "per_invoice"]),
    proration_discounts=st.sampled_from(["itemized", "included"]),
)
TABLE = RATES | {"txr_in": TaxRateFacts("txr_in", "VAT", QST.percentage, inclusive=True)}


@st.composite
def lives(draw, discounts=lasting):
    """A subscription of one or two items, anchored anywhere, in some zone, its current periods billed."""
    anchor, interval, tz = draw(instants), draw(intervals), draw(zones)
    now = anchor + timedelta(seconds=draw(st.integers(0, 60 * 86400)))
    whole = period_at(anchor, interval, tz, now)
    unit_amounts = draw(st.lists(st.integers(0, 99_999), min_size=1, max_size=2))
    items = [
        item(
            price(amount, interval, id=f"p{n}"),
            whole.start - timedelta(days=1),
            whole.start,
            id=f"si_{n}",
            quantity=draw(st.integers(0, 5)),
        )
        for n, amount in enumerate(unit_amounts)
    ]
    running = subscription(items, billing_cycle_anchor=anchor, timezone=tz, default_tax_rate_ids=draw(taxes))
    prices = {"other": price(draw(st.integers(0, 99_999)), interval, id="other")}
    prices |= {one.price.id: one.price for one in items}
    life = Books(renewal(running, discounts=draw(discounts), settings=draw(settings_), tax_rates=TABLE), prices=prices)
    life.renew(whole.start)
    return life


def inside(life, fraction: int):
    """An instant in the current period, `fraction` thousandths into it."""
    current = life.snapshot.subscription.items[0]
    seconds = (current.current_period_end - current.current_period_start) // timedelta(seconds=1)
    return current.current_period_start + timedelta(seconds=seconds * fraction // 1000)


thousandths = st.integers(0, 999)


@given(lives(stacks), st.integers(1, 4))
def test_single_steps_and_one_catch_up_write_the_same(life, steps):
    together = Books(life.snapshot, list(life.debits), prices=life.prices)
    alone = Books(life.snapshot, list(life.debits), prices=life.prices)
    for _ in range(steps):
        moment = alone.snapshot.subscription.next_action_at
        alone.renew(moment)
    together.renew(moment)
    assert together.snapshot == alone.snapshot
    assert [(one.lines, one.totals, one.period_end) for one in together.invoices] == [
        (one.lines, one.totals, one.period_end) for one in alone.invoices
    ]


@given(lives(stacks))
def test_planned_again_at_the_same_instant_nothing_is_due(life):
    moment = life.snapshot.subscription.next_action_at
    life.renew(moment)
    again = life.renew(moment)
    assert (again.invoices, again.item_advances, again.discounts_used, again.events) == ((), (), (), ())
    assert again.state.next_action_at > moment


@given(lives(stacks), st.integers(1, 5))
def test_billed_periods_tile_time(life, steps):
    for _ in range(steps):
        life.renew(life.snapshot.subscription.next_action_at)
    for one in life.snapshot.subscription.items:
        billed = [debit for debit in life.debits if debit.subscription_item_id == one.id]
        assert all(earlier.end == later.start for earlier, later in pairwise(billed))
        assert billed[-1].end == one.current_period_end


@given(lives(), thousandths, st.sampled_from(["create_prorations", "always_invoice"]), st.integers(0, 9))
def test_upgrade_and_back_at_the_same_instant_nets_0(life, fraction, mode, quantity):
    untouched = Books(life.snapshot, list(life.debits), list(life.invoices), prices=life.prices)
    at, (first, *_) = inside(life, fraction), life.snapshot.subscription.items
    life.change(at, ItemChange(first.id, "other", quantity), proration_behavior=mode)
    life.change(at, ItemChange(first.id, first.price.id, first.quantity), proration_behavior=mode)
    boundary = untouched.snapshot.subscription.next_action_at
    life.renew(boundary)
    untouched.renew(boundary)
    assert life.total == untouched.total


@given(lives(), st.lists(st.tuples(thousandths, st.integers(0, 9), st.sampled_from(["p0", "other"])), max_size=5))
def test_whatever_changes_come_no_second_is_billed_twice_and_none_is_left_out(life, changes):
    for fraction, quantity, price_id in sorted(changes):
        (first, *_) = life.snapshot.subscription.items
        if (first.price.id, first.quantity) != (price_id, quantity):
            life.change(inside(life, fraction), ItemChange(first.id, price_id, quantity))
    for one in life.snapshot.subscription.items:
        standing = sorted(
            (debit.start, debit.credited_from or debit.end)
            for debit in life.standing
            if debit.subscription_item_id == one.id
        )
        assert standing[0][0] == one.current_period_start
        assert standing[-1][1] == one.current_period_end
        assert all(earlier[1] == later[0] for earlier, later in pairwise(standing))


@given(lives(), thousandths)
def test_a_prorated_end_gives_back_all_that_is_left_and_never_more_than_was_paid(life, fraction):
    paid = life.total
    at = inside(life, fraction)
    life.cancel(at, prorate=True, invoice_now=True)
    assert 0 <= life.total <= paid
    if fraction == 0:
        assert life.total == 0


@given(lives(), st.lists(st.tuples(thousandths, thousandths), min_size=1, max_size=3))
def test_an_end_scheduled_and_taken_back_costs_nothing(life, ends):
    untouched = Books(life.snapshot, list(life.debits), list(life.invoices), prices=life.prices)
    start = inside(life, 0)
    for _, fraction in ends:
        if (end := inside(life, fraction)) > start:
            life.schedule_cancel(start, cancel_at=end)
            life.undo_cancel(start)
    boundary = untouched.snapshot.subscription.next_action_at
    life.renew(boundary)
    untouched.renew(boundary)
    assert life.total == untouched.total
