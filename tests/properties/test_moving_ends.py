"""An end that is scheduled, moved and taken back, however often, costs what one word would have, to the cent."""

from datetime import timedelta

from hypothesis import given, strategies as st

from tests.properties.test_planner import lives

# Days after the beginning, and hours so that the shares are no round ones.
moments = st.tuples(st.integers(6, 27), st.integers(0, 23)).map(lambda at: timedelta(days=at[0], hours=at[1]))


def waiting(life):
    """What waits to be billed, and the taxes that it brings."""
    items = life.snapshot.pending_items
    taxes = sum(tax.amount for item in items for tax in item.taxes or ())
    return sum(item.amount for item in items), taxes


@given(lives(), st.lists(moments, min_size=1, max_size=6))
def test_moved_and_taken_back_it_costs_nothing(life, ends):
    start = life.snapshot.subscription.items[0].current_period_start
    life.renew(start)
    for hour, end in enumerate(ends):
        life.schedule_cancel(start + timedelta(hours=hour), cancel_at=start + end)
    life.undo_cancel(start + timedelta(days=5))
    assert waiting(life) == (0, 0)


@given(lives(), st.lists(moments | st.none(), min_size=1, max_size=6), moments)
def test_moved_often_it_costs_what_moving_it_there_at_once_would(life, ends, last):
    start = life.snapshot.subscription.items[0].current_period_start
    life.renew(start)
    for hour, end in enumerate(ends):
        at = start + timedelta(hours=hour)
        if end is not None:
            life.schedule_cancel(at, cancel_at=start + end)
        elif life.snapshot.subscription.cancel_at is not None:
            life.undo_cancel(at)
    life.schedule_cancel(start + timedelta(days=5), cancel_at=start + last)
    often = waiting(life)
    if life.snapshot.subscription.cancel_at is not None:
        life.undo_cancel(start + timedelta(days=5))
    life.schedule_cancel(start + timedelta(days=5), cancel_at=start + last)
    assert waiting(life) == often
