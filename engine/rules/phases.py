"""A subscription's step from one phase of its schedule to the next: one invoice, by the same parts as any change.

1. Usage of periods that end here is billed at the old prices.
2. Items whose period ends here begin their next one at the phase's price; the phase's own additions do too.
3. Items in the middle of a period are credited and charged as by any change, by the phase's proration behaviour.
4. All of it goes on one invoice with what was pending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.periods import Period
from engine.rules.attributes import changed_attributes
from engine.rules.change import ImmediateInvoice, Work, close_usage, invoice_at_once, item_labels, plan_of, work_out
from engine.rules.changing import ItemTarget, item_targets, items_after, restack
from engine.rules.lines import period_line
from engine.rules.prorating import Prorations, meeting_stacks, whole_discounts
from engine.rules.restarting import ending_with_period
from engine.rules.subscribe import one_time_price
from engine.types import ChangePlan, ChangeRequest, ChangeSnapshot
from invoicing.types import PlannedLine
from subscriptions.rules.discounts import active_discounts
from subscriptions.rules.periods import next_period
from subscriptions.rules.status import check_can_change
from subscriptions.types import ItemFacts, SubscriptionFacts


def plan_phase(snapshot: ChangeSnapshot, request: ChangeRequest, moment: datetime) -> ChangePlan:
    """The rows of the step at `moment`, when no period before it is left to bill.

    Raises what `plan_change` does, but never that a renewal is due first.
    """
    before = snapshot.renewal.subscription
    if before.status != "paused":
        check_can_change(before.status)
    attributes = changed_attributes(before, request)
    relabelled = replace(before, **attributes)  # type: ignore[arg-type]
    if before.status == "trialing" and before.trial_end is not None and before.trial_end <= moment:
        relabelled = replace(relabelled, status="active")
    snapshot = replace(snapshot, renewal=replace(snapshot.renewal, subscription=relabelled))
    restarts = request.billing_cycle_anchor == "now" or request.trial_end is not None
    ended = {item.id for item in before.items if item.current_period_end <= moment}
    if before.status == "paused":
        work = _while_paused(snapshot, request, moment)
    elif restarts or not ended:
        work = work_out(snapshot, request, moment, at_boundary=True)
    else:
        work = _step(snapshot, request, moment, ended, usage_is_free=before.status == "trialing")
    return replace(plan_of(before, work, attributes, moment), item_metadata=item_labels(request))


def _while_paused(snapshot: ChangeSnapshot, request: ChangeRequest, moment: datetime) -> Work:
    """The phase's items and discounts, and nothing billed: a resumption charges what they are by then."""
    subscription = snapshot.renewal.subscription
    targets = item_targets(snapshot, request, moment)
    after = replace(subscription, items=items_after(subscription, targets))
    stack = restack(snapshot, request, after.items, moment)
    return Work(after, targets, stack, Prorations(snapshot), ImmediateInvoice())


def _step(
    snapshot: ChangeSnapshot, request: ChangeRequest, moment: datetime, ended: set[str], usage_is_free: bool
) -> Work:
    subscription, locale = snapshot.renewal.subscription, snapshot.renewal.customer.locale
    changed = item_targets(snapshot, request, moment)
    stack = restack(snapshot, request, items_after(subscription, changed), moment)
    prorations = Prorations(snapshot)
    if not usage_is_free:
        for item in subscription.items:
            if item.id in ended:
                prorations.usage(item, moment, ends_phase=True)
    targets, lines = _next_periods(subscription, changed, ended, moment, locale)
    after = replace(subscription, items=items_after(subscription, targets))
    running = [target for target in targets if target.old is not None and target.old.id not in ended]
    if not usage_is_free:
        close_usage(prorations, running, moment, request.proration_behavior)
    if request.proration_behavior != "none":
        customers = snapshot.renewal.customer_discounts
        discounts = whole_discounts(after.items, active_discounts(stack.discounts, customers, moment))
        for target in running:
            assert target.old is not None, "what is added begins its period here"
            if target.costs_the_same:
                continue
            prorations.credit([target.old.id], moment)
            if target.new is not None and target.new.price.usage_type == "licensed":
                prorations.debit(target.new, moment, discounts[target.new.id])
    for number, extra in enumerate(request.add_invoice_items):
        price = one_time_price(snapshot.prices, extra.price_id, subscription.currency, number)
        prorations.add_one_time(price, extra, moment, stack.extras[number])
    work = Work(ending_with_period(after), targets, stack, prorations, ImmediateInvoice())
    renewal = replace(snapshot.renewal, subscription=work.after, discounts=stack.discounts)
    began = min(item.current_period_start for item in subscription.items if item.id in ended)
    met = meeting_stacks(snapshot.renewal, stack.discounts, moment)
    work.at_once = invoice_at_once(
        renewal, prorations.items, "subscription_cycle", moment, lines, period=Period(began, moment), stack=met
    )
    return work


def _next_periods(
    subscription: SubscriptionFacts, changed: Sequence[ItemTarget], ended: set[str], moment: datetime, locale: str
) -> tuple[list[ItemTarget], list[PlannedLine]]:
    """Every item that is touched with what it becomes, and the lines of the periods that begin here."""
    becomes = {target.old.id: target.new for target in changed if target.old is not None}
    targets: list[ItemTarget] = []
    lines: list[PlannedLine] = []
    for item in subscription.items:
        new = becomes.get(item.id, item)
        if item.id in ended and new is not None:
            new = _begin(subscription, new, moment, lines, locale)
        if new != item:
            targets.append(ItemTarget(item, new))
    for target in changed:
        if target.old is None and target.new is not None:
            targets.append(ItemTarget(None, _begin(subscription, target.new, moment, lines, locale)))
    return targets, lines


def _begin(
    subscription: SubscriptionFacts, item: ItemFacts, moment: datetime, lines: list[PlannedLine], locale: str
) -> ItemFacts:
    """The item in the period that begins at `moment`; what that costs in advance is added to `lines`."""
    assert item.price.interval is not None, f"{item.id} has a price that does not recur"
    upcoming = next_period(
        subscription.billing_cycle_anchor,
        item.price.interval,
        subscription.timezone,
        moment,
        day_of_month=subscription.anchor_day_of_month,
        until=None if subscription.cancel_at_period_end else subscription.cancel_at,
    )
    begun = replace(
        item, current_period_start=upcoming.period.start, current_period_end=upcoming.period.end, prices_left=()
    )
    if item.price.usage_type == "licensed":
        rates = subscription.default_tax_rate_ids
        lines.append(period_line(subscription.id, begun, upcoming, default_tax_rate_ids=rates, locale=locale))
    return begun
