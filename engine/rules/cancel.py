"""The end of a subscription: now, later, and taking it back (SEMANTICS, Subscription states)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.json_values import epoch
from engine.rules.change import ImmediateInvoice, created_events, invoice_at_once
from engine.rules.ending import CancelAtInPast, ending_instant
from engine.rules.prorating import Prorations
from engine.rules.renewal import state_of
from engine.rules.subscribe import check_option
from engine.types import CancelRequest, ChangePlan, ChangeSnapshot, PlannedEvent, ScheduleCancelRequest
from subscriptions.rules.status import check_alive
from subscriptions.types import DebitFacts, SubscriptionFacts


class NotScheduledToCancel(OstinatoError):
    code = "not_scheduled_to_cancel"
    param = "subscription"
    message_id = gettext_noop("The subscription is not about to end: there is nothing to take back.")


def plan_cancel(snapshot: ChangeSnapshot, request: CancelRequest, as_of: datetime) -> ChangePlan:
    """The end, now. `prorate` credits what was charged for the time left; `invoice_now` bills all that is pending.

    Without them, as Stripe: no proration, pending items stay pending. Draft and open invoices stop advancing.
    Raises `SubscriptionIsTerminal`.
    """
    subscription = snapshot.renewal.subscription
    check_alive(subscription.status)
    prorations = Prorations(snapshot)
    if request.prorate:
        prorations.credit((item.id for item in subscription.items), as_of)
    at_once = ImmediateInvoice()
    if request.invoice_now:
        for item in subscription.items:
            prorations.usage(item, as_of, goes=True)
        at_once = invoice_at_once(snapshot.renewal, prorations.items, "subscription_update", as_of)
    after = replace(
        subscription,
        status="canceled",
        canceled_at=as_of,
        ended_at=as_of,
        pending_update_expires_at=None,
        cancellation_reason=request.reason,
        cancellation_feedback=request.feedback,
        cancellation_comment=request.comment,
    )
    previous = {"status": subscription.status}
    ended = PlannedEvent("customer.subscription.deleted", "subscription", subscription.id, previous)
    if not request.invoice_now:
        for item in subscription.items:
            prorations.give_up(item, as_of)
    return _plan(after, prorations, at_once, ended, as_of, stop_invoices=True)


def plan_schedule_cancel(snapshot: ChangeSnapshot, request: ScheduleCancelRequest, as_of: datetime) -> ChangePlan:
    """The end, later: at the earliest item's period end, or at an instant. A scheduled end may be moved.

    What is already charged beyond the instant is credited at once, as a pending item, unless
    `proration_behavior` is none; later periods are then billed only up to it. What an earlier schedule had
    credited is charged again as far as the end moves away.
    Raises `SubscriptionIsTerminal`, `CancelAtInPast`, `CancelAtUnknown`.
    """
    check_option("proration_behavior", request.proration_behavior, ("create_prorations", "always_invoice", "none"))
    subscription = snapshot.renewal.subscription
    check_alive(subscription.status)
    ends, at_period_end = _ending(subscription, request, as_of)
    prorations, at_once = Prorations(snapshot), ImmediateInvoice()
    if request.proration_behavior != "none":
        for debit in _credited_by_schedule(snapshot):
            if subscription.cancel_at is not None and ends > subscription.cancel_at:
                prorations.undo_credit(debit, until=ends)
        if not at_period_end:
            prorations.credit((item.id for item in subscription.items), ends)
        if request.proration_behavior == "always_invoice" and prorations.items:
            at_once = invoice_at_once(snapshot.renewal, prorations.items, "subscription_update", as_of)
    after = replace(
        subscription,
        cancel_at_period_end=at_period_end,
        cancel_at=ends,
        canceled_at=as_of,
        cancellation_reason=request.reason,
        cancellation_feedback=request.feedback,
        cancellation_comment=request.comment,
    )
    return _plan(after, prorations, at_once, _updated(subscription), as_of)


def _ending(subscription: SubscriptionFacts, request: ScheduleCancelRequest, as_of: datetime) -> tuple[datetime, bool]:
    """The instant, and whether it is the end of the period whatever becomes of that."""
    period_ends = [item.current_period_end for item in subscription.items]
    if request.cancel_at is not None:
        return ending_instant(request.cancel_at, period_ends, as_of), False
    if not request.at_period_end:
        raise CancelAtInPast
    return min(period_ends), True


def plan_undo_cancel(snapshot: ChangeSnapshot, as_of: datetime) -> ChangePlan:
    """The subscription goes on; what scheduling its end had credited is charged again, as pending items.

    Raises `SubscriptionIsTerminal`, `NotScheduledToCancel`.
    """
    subscription = snapshot.renewal.subscription
    check_alive(subscription.status)
    if subscription.cancel_at is None and not subscription.cancel_at_period_end:
        raise NotScheduledToCancel
    prorations = Prorations(snapshot)
    for debit in _credited_by_schedule(snapshot):
        prorations.undo_credit(debit)
    after = replace(
        subscription,
        cancel_at_period_end=False,
        cancel_at=None,
        canceled_at=None,
        cancellation_reason="",
        cancellation_feedback="",
        cancellation_comment="",
    )
    return _plan(after, prorations, ImmediateInvoice(), _updated(subscription), as_of)


def _credited_by_schedule(snapshot: ChangeSnapshot) -> list[DebitFacts]:
    """The debits whose last part was given back when the end was scheduled."""
    ends = snapshot.renewal.subscription.cancel_at
    closed = [debit for debit in snapshot.debits if debit.credited_from is not None]
    return [debit for debit in closed if debit.credited_from == ends and debit.credited_from != debit.start]


def _updated(before: SubscriptionFacts) -> PlannedEvent:
    previous: dict[str, object] = {
        "cancel_at_period_end": before.cancel_at_period_end,
        "cancel_at": epoch(before.cancel_at),
        "canceled_at": epoch(before.canceled_at),
    }
    return PlannedEvent("customer.subscription.updated", "subscription", before.id, previous)


def _plan(
    after: SubscriptionFacts,
    prorations: Prorations,
    at_once: ImmediateInvoice,
    told: PlannedEvent,
    as_of: datetime,
    *,
    stop_invoices: bool = False,
) -> ChangePlan:
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
        stop_invoices=stop_invoices,
        events=(told, *created_events(prorations.items, at_once), *prorations.discarded()),
    )
