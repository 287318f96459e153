"""A service pause and its end. While paused nothing is billed; a pause in collection alone is another thing.

A subscription pauses by itself when its trial ends without a way to pay (`trial_settings`), or by request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from engine.rules.change import (
    ImmediateInvoice,
    ProrationDateOutsidePeriod,
    change_events,
    created_events,
    invoice_at_once,
    items_plan,
)
from engine.rules.prorating import Prorations, whole_discounts
from engine.rules.renewal import state_of
from engine.rules.restarting import Restart, cycle_lines, restart_targets, restarted
from engine.rules.subscribe import check_option
from engine.types import ChangePlan, ChangeSnapshot, PlannedEvent, ResumeRequest
from invoicing.types import PlannedLine
from subscriptions.rules.discounts import active_discounts
from subscriptions.rules.periods import current_period
from subscriptions.rules.status import check_alive, check_can_change
from subscriptions.types import ItemFacts, SubscriptionFacts


class SubscriptionIsNotPaused(OstinatoError):
    code = "subscription_not_paused"
    param = "subscription"
    message_id = gettext_noop("The subscription is not paused (%(status)s): there is nothing to resume.")


def plan_pause(snapshot: ChangeSnapshot, as_of: datetime, *, prorate: bool, invoice_now: bool) -> ChangePlan:
    """The pause, now. `prorate` credits what was charged for the time left; without, it is lost.

    Raises `SubscriptionIsTerminal`, `SubscriptionIsIncomplete`, `SubscriptionIsPaused`.
    """
    subscription = snapshot.renewal.subscription
    check_can_change(subscription.status)
    prorations, at_once = Prorations(snapshot), ImmediateInvoice()
    if prorate:
        prorations.credit((item.id for item in subscription.items), as_of)
    if invoice_now:
        at_once = invoice_at_once(snapshot.renewal, prorations.items, "subscription_update", as_of)
    after = replace(subscription, status="paused")
    previous = {"status": subscription.status}
    events = [
        PlannedEvent("customer.subscription.updated", "subscription", subscription.id, previous),
        PlannedEvent("customer.subscription.paused", "subscription", subscription.id, previous),
        *created_events(prorations.items, at_once),
    ]
    return ChangePlan(
        subscription_id=after.id,
        merchant_id=after.merchant_id,
        customer_id=after.customer_id,
        version=after.version,
        as_of=as_of,
        state=state_of(after),
        debit_closings=tuple(prorations.closings),
        pending_items=tuple(prorations.items),
        invoices=at_once.invoices,
        discounts_used=at_once.discounts_used,
        events=tuple(events),
    )


def plan_resume(snapshot: ChangeSnapshot, request: ResumeRequest, as_of: datetime) -> ChangePlan:
    """The service goes on, active. Who writes it keeps it paused until its invoice, if there is one, is paid.

    With the anchor now, whole periods begin now and are invoiced at once; what was left of a charged one is credited.
    With the anchor unchanged, the rest of the period that is running is prorated as by any change: pending by
    default, invoiced at once under always_invoice, free under none. One that was charged before the pause is not
    charged again.
    Raises `SubscriptionIsTerminal`, `SubscriptionIsNotPaused`, `UnknownOption`.
    """
    check_option("billing_cycle_anchor", request.billing_cycle_anchor, ("now", "unchanged"))
    check_option("proration_behavior", request.proration_behavior, ("create_prorations", "always_invoice", "none"))
    before = snapshot.renewal.subscription
    check_alive(before.status)
    if before.status != "paused":
        raise SubscriptionIsNotPaused(status=before.status)
    running = replace(before, status="active")
    prorations = Prorations(snapshot)
    prorated = request.proration_behavior != "none"
    lines: list[PlannedLine] = []
    if request.billing_cycle_anchor == "now":
        restart = Restart(as_of)
        close = prorations.credit if prorated else prorations.close
        close([item.id for item in before.items], as_of)
        after = restarted(running, restart, before.items)
        lines = cycle_lines(after, restart, snapshot.renewal.customer.locale)
    else:
        at = _proration_instant(request, as_of)
        after, begun = _in_the_old_cycle(running, at)
        if prorated:
            _charge_the_rest(prorations, after, begun, at)
    at_once = ImmediateInvoice()
    if lines or (request.proration_behavior == "always_invoice" and prorations.items):
        renewal = replace(snapshot.renewal, subscription=after)
        at_once = invoice_at_once(renewal, prorations.items, "subscription_update", as_of, lines)
    resumed = PlannedEvent("customer.subscription.resumed", "subscription", before.id, {"status": "paused"})
    events = (*change_events(before, after), resumed, *created_events(prorations.items, at_once))
    targets = restart_targets(before, after)
    return items_plan(before, after, targets, prorations, at_once, events, as_of)


def _proration_instant(request: ResumeRequest, as_of: datetime) -> datetime:
    """Stripe's `proration_date`: as if it were resumed then. Raises `ProrationDateOutsidePeriod` for one to come."""
    if request.proration_date is not None and request.proration_date > as_of:
        raise ProrationDateOutsidePeriod
    return request.proration_date or as_of


def _in_the_old_cycle(subscription: SubscriptionFacts, at: datetime) -> tuple[SubscriptionFacts, list[ItemFacts]]:
    """Items in the periods that `at` lies in, counted from the old anchor; and those of them that are in a new one."""
    items: list[ItemFacts] = []
    begun: list[ItemFacts] = []
    for item in subscription.items:
        if item.current_period_end > at:
            items.append(item)
            continue
        whole = current_period(
            subscription.billing_cycle_anchor,
            item.price.interval,
            subscription.timezone,
            at,
            day_of_month=subscription.anchor_day_of_month,
        )
        # What a meter counts before the service goes on is not billed.
        start = at if item.price.is_metered else whole.start
        item = replace(item, current_period_start=start, current_period_end=whole.end, sequence=item.sequence + 1)
        items.append(item)
        begun.append(item)
    return replace(subscription, items=tuple(items)), begun


def _charge_the_rest(
    prorations: Prorations, after: SubscriptionFacts, begun: Sequence[ItemFacts], at: datetime
) -> None:
    renewal = prorations.snapshot.renewal
    discounts = whole_discounts(after.items, active_discounts(renewal.discounts, renewal.customer_discounts, at))
    for item in begun:
        if item.price.usage_type == "licensed":
            prorations.debit(item, at, discounts[item.id])
