"""What the run does to one subscription: every due moment up to now, in order, each as if it ran on time.

1. Take the earliest due moment (`subscriptions.rules.next_action`).
2. There, one of: an unpaid signup expires; a scheduled end comes; a trial's end is announced; periods are over.
3. When periods are over, every item that ended there gets its next period and they share one invoice, with all that
   was pending. Metered items are billed for the period that is over (`engine.rules.arrears`), the others in advance.
4. Again, until nothing is due. Three missed periods give the same three invoices that three runs would have given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch
from core.periods import Period
from core.values import changed
from engine.rules.arrears import AN_INSTANT, as_billed, closing_dues, due_line
from engine.rules.drafting import Frame, draft_invoice, frame_of
from engine.rules.lines import pending_line, period_line
from engine.types import PlannedEvent, RefusedPlan, RenewalPlan, RenewalSnapshot
from invoicing.types import PendingItemFacts, PlannedInvoice, PlannedLine
from subscriptions.rules.discounts import active_discounts
from subscriptions.rules.next_action import cancel_instant, next_action_at
from subscriptions.rules.periods import next_period
from subscriptions.rules.status import status_after_trial
from subscriptions.types import (
    TERMINAL_STATUSES,
    BilledUsage,
    DiscountFacts,
    DiscountUse,
    ItemAdvance,
    ItemFacts,
    SubscriptionFacts,
    SubscriptionState,
    new_ref,
)

# A run that lags further than this many periods of an item has something wrong with it: a person decides.
MAX_PERIODS_PER_ITEM = 60


class TooManyMissedPeriods(OstinatoError):
    code = "too_many_missed_periods"
    message_id = gettext_noop("More than %(most)s periods of %(item)s were missed: look at it before it is billed.")


def plan_renewal(snapshot: RenewalSnapshot, as_of: datetime) -> RenewalPlan | RefusedPlan:
    """All that is due for the subscription up to and with `as_of`; a plan without invoices when nothing is.

    A refusal (too many missed periods, a tax rate that is gone, an amount beyond bounds) is a value: the run
    records it and goes on with the others.
    """
    walk = _Walk(
        snapshot,
        snapshot.subscription,
        frame_of(snapshot),
        list(snapshot.pending_items),
        list(snapshot.usage.billed),
    )
    try:
        while (moment := next_action_at(walk.subscription)) is not None and moment <= as_of:
            _step(walk, moment, as_of)
    except OstinatoError as refusal:
        subscription = snapshot.subscription
        return RefusedPlan.of(refusal, object_id=subscription.id, merchant_id=subscription.merchant_id)
    return _finished(walk)


def state_of(subscription: SubscriptionFacts) -> SubscriptionState:
    """The columns that planning may move, with the next due moment worked out anew."""
    return SubscriptionState(
        status=subscription.status,
        next_action_at=next_action_at(subscription),
        billing_cycle_anchor=subscription.billing_cycle_anchor,
        anchor_day_of_month=subscription.anchor_day_of_month,
        trial_start=subscription.trial_start,
        trial_end=subscription.trial_end,
        trial_will_end_sent_at=subscription.trial_will_end_sent_at,
        cancel_at_period_end=subscription.cancel_at_period_end,
        cancel_at=subscription.cancel_at,
        canceled_at=subscription.canceled_at,
        ended_at=subscription.ended_at,
        cancellation_reason=subscription.cancellation_reason,
        cancellation_feedback=subscription.cancellation_feedback,
        cancellation_comment=subscription.cancellation_comment,
        incomplete_expires_at=subscription.incomplete_expires_at,
        pause_behavior=subscription.pause_behavior,
        pause_resumes_at=subscription.pause_resumes_at,
        pending_update_expires_at=subscription.pending_update_expires_at,
    )


@dataclass(slots=True)
class _Walk:
    """A subscription on its way through its due moments: the facts as they become, and what is to be written."""

    snapshot: RenewalSnapshot
    subscription: SubscriptionFacts
    frame: Frame
    waiting: list[PendingItemFacts]
    billed_usage: list[BilledUsage]
    invoices: list[PlannedInvoice] = field(default_factory=list)
    used: dict[str, DiscountUse] = field(default_factory=dict)
    periods_taken: dict[str, int] = field(default_factory=dict)
    events: list[PlannedEvent] = field(default_factory=list)
    void_latest_invoice: bool = False
    void_pending_update: bool = False

    def tell(self, event_type: str) -> None:
        self.events.append(PlannedEvent(event_type, "subscription", self.subscription.id))


def _step(walk: _Walk, moment: datetime, as_of: datetime) -> None:
    """One due moment; changes the walk so that its next due moment is a later one."""
    subscription = walk.subscription
    ending = cancel_instant(
        cancel_at_period_end=subscription.cancel_at_period_end,
        cancel_at=subscription.cancel_at,
        period_ends=[item.current_period_end for item in subscription.items],
    )
    if subscription.status == "incomplete":
        walk.void_latest_invoice = True
        walk.subscription = changed(subscription, status="incomplete_expired", ended_at=moment, cancel_at=None)
    elif _passes(subscription, moment):
        _let_pass(walk, moment)
    elif ending is not None and moment >= ending:
        _end(walk, moment, as_of)
    elif _trial_is_over(subscription, moment) or any(item.current_period_end <= moment for item in subscription.items):
        _renew(walk, moment, ending, as_of)
    else:
        assert subscription.status == "trialing", f"{subscription.id} is due at {moment} for nothing"
        walk.subscription = changed(subscription, trial_will_end_sent_at=moment)
        walk.tell("customer.subscription.trial_will_end")


def _passes(subscription: SubscriptionFacts, moment: datetime) -> bool:
    """Whether a pause in collection is over or a change was not paid in its time."""
    waits = (subscription.pause_resumes_at, subscription.pending_update_expires_at)
    return any(until is not None and moment >= until for until in waits)


def _let_pass(walk: _Walk, moment: datetime) -> None:
    subscription = walk.subscription
    if subscription.pause_resumes_at is not None and moment >= subscription.pause_resumes_at:
        walk.subscription = changed(subscription, pause_behavior="", pause_resumes_at=None)
        walk.frame = changed(walk.frame, pause_behavior="")
    else:
        walk.subscription = changed(subscription, pending_update_expires_at=None)
        walk.void_pending_update = True
        # What lapses while paused is a resumption: the subscription stays as it was.
        lapsed = "updated" if subscription.status == "paused" else "pending_update_expired"
        walk.tell(f"customer.subscription.{lapsed}")


def _trial_is_over(subscription: SubscriptionFacts, moment: datetime) -> bool:
    return subscription.status == "trialing" and subscription.trial_end is not None and moment >= subscription.trial_end


def _end(walk: _Walk, moment: datetime, as_of: datetime) -> None:
    """A scheduled end: what is pending and the last usage are billed, and nothing more ever.

    What is used in the very instant of the end has no later period to count for.
    """
    lines, began = [], moment
    for item in walk.subscription.items:
        if item.current_period_start < moment:
            lines += _usage_lines(walk, item, Period(item.current_period_start, moment + AN_INSTANT))
    if lines:
        began = min(line.period_start for line in lines)
    _invoice(walk, lines, began, moment, as_of)
    walk.subscription = changed(
        walk.subscription,
        status="canceled",
        ended_at=moment,
        canceled_at=walk.subscription.canceled_at or moment,
    )


def _renew(walk: _Walk, moment: datetime, ending: datetime | None, as_of: datetime) -> None:
    """The next period of every item whose period is over, on one invoice; a trial ends with its period."""
    subscription = walk.subscription
    usage_is_free = subscription.status == "trialing"
    if usage_is_free:
        status = status_after_trial(
            subscription.trial_missing_payment_method,
            has_payment_method=bool(
                subscription.default_payment_method_id or walk.snapshot.customer.default_payment_method_id
            ),
            collection_method=subscription.collection_method,
        )
        walk.subscription = subscription = changed(subscription, status=status)
        if status == "canceled":
            _end(walk, moment, as_of)
            return
        if status == "paused":
            walk.tell("customer.subscription.paused")
            return
    lines: list[PlannedLine] = []
    items, began = [], moment
    for item in subscription.items:
        if item.current_period_end > moment:
            items.append(item)
            continue
        began = min(began, item.current_period_start)
        if not usage_is_free:
            lines += _usage_lines(walk, item, Period(item.current_period_start, item.current_period_end))
        advanced, line = _advance(walk, item, ending)
        items.append(advanced)
        lines += line
    walk.subscription = changed(subscription, items=tuple(items))
    _invoice(walk, lines, began, moment, as_of)


def _usage_lines(walk: _Walk, item: ItemFacts, period: Period) -> list[PlannedLine]:
    """What was used in a period that is over, and what came late for those before it."""
    subscription = walk.subscription
    dues = closing_dues(subscription, item, period, walk.snapshot.usage, walk.billed_usage)
    walk.billed_usage += [as_billed(due) for due in dues]
    locale = walk.snapshot.customer.locale
    return [due_line(due, subscription, locale, subscription.default_tax_rate_ids) for due in dues]


def _advance(walk: _Walk, item: ItemFacts, ending: datetime | None) -> tuple[ItemFacts, list[PlannedLine]]:
    """The item in its next period, and the line that bills it in advance: none for a metered one."""
    subscription = walk.subscription
    taken = walk.periods_taken.get(item.id, 0) + 1
    if taken > MAX_PERIODS_PER_ITEM:
        raise TooManyMissedPeriods(most=MAX_PERIODS_PER_ITEM, item=item.price.product_name or item.id)
    walk.periods_taken[item.id] = taken
    assert item.price.interval is not None, f"{item.id} has a price that does not recur"
    until = None if subscription.cancel_at_period_end else ending
    upcoming = next_period(
        subscription.billing_cycle_anchor,
        item.price.interval,
        subscription.timezone,
        item.current_period_end,
        day_of_month=subscription.anchor_day_of_month,
        until=until,
    )
    advanced = changed(item, current_period_start=upcoming.period.start, current_period_end=upcoming.period.end)
    if item.price.is_metered:
        return advanced, []
    line = period_line(
        subscription.id,
        item,
        upcoming,
        default_tax_rate_ids=subscription.default_tax_rate_ids,
        locale=walk.snapshot.customer.locale,
    )
    return advanced, [line]


def _invoice(walk: _Walk, lines: list[PlannedLine], began: datetime, moment: datetime, as_of: datetime) -> None:
    """The invoice of one due moment, with all that is pending; none when it would be empty."""
    subscription = walk.subscription
    swept = [pending_line(item, subscription.default_tax_rate_ids) for item in walk.waiting]
    if not lines and not swept:
        return
    draft = draft_invoice(
        walk.frame,
        [*lines, *swept],
        active_discounts(_unused(walk, True), _unused(walk, False), moment),
        billing_reason="subscription_cycle",
        period=Period(began, moment),
        as_of=as_of,
        # Nobody would pay the bills of an unpaid subscription: they stay drafts until a person decides.
        auto_advance=subscription.status != "unpaid",
    )
    number = len(walk.invoices)
    walk.waiting = []
    walk.invoices.append(draft.invoice)
    walk.events.append(PlannedEvent("invoice.created", "invoice", new_ref(number)))
    for discount_id in draft.used_discount_ids:
        walk.used[discount_id] = DiscountUse(discount_id, moment, number)


def _unused(walk: _Walk, own: bool) -> list[DiscountFacts]:
    discounts = walk.snapshot.discounts if own else walk.snapshot.customer_discounts
    return [discount for discount in discounts if discount.id not in walk.used]


def _finished(walk: _Walk) -> RenewalPlan:
    before, after = walk.snapshot.subscription, walk.subscription
    advances = tuple(
        ItemAdvance(item.id, item.current_period_start, item.current_period_end, item.price.is_metered)
        for item, old in zip(after.items, before.items, strict=True)
        if item.current_period_end != old.current_period_end
    )
    return RenewalPlan(
        subscription_id=after.id,
        merchant_id=after.merchant_id,
        customer_id=after.customer_id,
        version=before.version,
        invoices=tuple(walk.invoices),
        item_advances=advances,
        discounts_used=tuple(walk.used.values()),
        state=state_of(after),
        events=(*_what_became_of(before, after, advances), *walk.events),
        void_latest_invoice=walk.void_latest_invoice,
        void_pending_update=walk.void_pending_update,
    )


def _what_became_of(
    before: SubscriptionFacts, after: SubscriptionFacts, advances: tuple[ItemAdvance, ...]
) -> list[PlannedEvent]:
    """One event for all that changed on the subscription, with what it was before."""
    previous: dict[str, object] = {}
    if after.status != before.status:
        previous["status"] = before.status
    if advances:
        advanced = {advance.item_id for advance in advances}
        previous["items"] = [_item_period(item) for item in before.items if item.id in advanced]
    if after.pause_behavior != before.pause_behavior:
        previous["pause_collection"] = {"behavior": before.pause_behavior, "resumes_at": epoch(before.pause_resumes_at)}
    if not previous:
        return []
    ended = after.status in TERMINAL_STATUSES and after.status != "incomplete_expired"
    event_type = "customer.subscription.deleted" if ended else "customer.subscription.updated"
    return [PlannedEvent(event_type, "subscription", after.id, previous)]


def _item_period(item: ItemFacts) -> dict[str, object]:
    return {
        "id": item.id,
        "current_period_start": epoch(item.current_period_start),
        "current_period_end": epoch(item.current_period_end),
    }
