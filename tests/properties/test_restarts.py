"""What always holds however often a cycle begins anew, a trial is moved, an end is moved or the service is paused."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given, strategies as st

from engine.types import ItemChange
from tests.factories.books import Books
from tests.properties.test_planner import lives

_ACTS = ("anchor", "trial", "end_trial", "move_trial", "price", "end", "undo", "pause", "resume", "renew")
acts = st.lists(
    st.tuples(st.sampled_from(_ACTS), st.integers(1, 40), st.sampled_from(["create_prorations", "always_invoice"])),
    max_size=8,
)


@given(lives(), acts)
def test_no_second_is_ever_billed_twice_and_the_money_is_what_the_debits_say(life, story):
    now = life.snapshot.subscription.items[0].current_period_start
    for act, days, behavior in story:
        now += timedelta(days=days, hours=days)
        life.renew(now)
        _do(life, act, now, days, behavior)
        _check_tiles(life)
    _check_money(life)


@given(lives(), st.integers(1, 20), st.integers(1, 60))
def test_a_new_anchor_costs_one_period_less_what_was_left(life, first, second):
    start = life.snapshot.subscription.items[0].current_period_start
    for days in (first, first + second):
        at = start + timedelta(days=days)
        life.renew(at)
        life.change(at, billing_cycle_anchor="now")
        current = {item.current_period_start for item in life.snapshot.subscription.items}
        assert current == {at}
        assert life.snapshot.subscription.billing_cycle_anchor == at
    _check_tiles(life)
    _check_money(life)


def _do(life: Books, act: str, now, days: int, behavior: str) -> None:
    """The act, where it makes sense."""
    subscription = life.snapshot.subscription
    status, scheduled = subscription.status, subscription.cancel_at is not None
    if status == "canceled" or act == "renew":
        return
    if status == "paused":
        if act in ("resume", "price"):
            life.resume(now, billing_cycle_anchor="now" if act == "resume" else "unchanged")
        return
    if act == "pause":
        life.pause(now, prorate=behavior == "always_invoice", invoice_now=False)
    elif act == "end" and status == "active":
        life.schedule_cancel(now, cancel_at=now + timedelta(days=days), proration_behavior=behavior)
    elif act == "undo" and scheduled:
        life.undo_cancel(now)
    elif act == "price":
        first = subscription.items[0]
        price_id = "other" if first.price.id == "p0" else "p0"
        life.change(now, ItemChange(first.id, price_id, days % 4), proration_behavior=behavior)
    elif status == "trialing" and act in ("end_trial", "move_trial"):
        life.change(now, trial_end="now" if act == "end_trial" else now + timedelta(days=days))
    elif status == "active" and act in ("anchor", "trial"):
        fields = {"billing_cycle_anchor": "now"} if act == "anchor" else {"trial_end": now + timedelta(days=days)}
        life.change(now, proration_behavior=behavior, **fields)


def _check_tiles(life: Books) -> None:
    for item_id in {debit.subscription_item_id for debit in life.debits}:
        standing = sorted(
            (debit.start, debit.credited_from or debit.end)
            for debit in life.standing
            if debit.subscription_item_id == item_id
        )
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(standing))


def _check_money(life: Books) -> None:
    """What was billed and waits to be is, net of discounts, what the debits charged less what was credited of them."""
    billed = sum(line.net_of_discounts for invoice in life.invoices for line in invoice.lines)
    waiting = sum(item.amount for item in life.snapshot.pending_items)
    charged = sum(debit.amount for debit in life.debits)
    credited = sum(
        line.net_of_discounts for invoice in life.invoices for line in invoice.lines if line.credited_billed_period_id
    )
    credited += sum(item.amount for item in life.snapshot.pending_items if item.credited_billed_period_id)
    assert billed + waiting == charged + credited
    assert credited <= 0 <= charged
