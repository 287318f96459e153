"""What would be billed, for those who ask before they do it: the planners that bill, over facts that nobody locks.

Nothing is written here. A caller that wants things to count which are not there yet (an item, an inline price, a
customer of whom only the address is known) makes them in a transaction that it takes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.context import Context
from engine.rules import previews
from engine.rules.cancel import plan_cancel, plan_schedule_cancel, plan_undo_cancel
from engine.rules.change import NothingToChange, plan_change
from engine.rules.drafting import NothingToInvoice, plan_manual_invoice
from engine.rules.pausing import plan_resume
from engine.rules.phases import plan_phase
from engine.rules.schedules import first_request, phase_request, phases_from_json
from engine.rules.subscribe import subscribed
from engine.selectors import load_rows, renewal_snapshot, subscription_rows
from engine.services.change_posting import wanted, with_coupons
from engine.services.changing import load_change
from engine.services.ending import schedule_of, speaks_of_ending, without_ending
from engine.services.line_discounts import stack_asked_for
from engine.services.phases import ours, tax_rates_of
from engine.services.signing import load_subscribe, subscribe_snapshot
from engine.types import (
    CancelRequest,
    ChangePlan,
    ChangeRequest,
    ChangeSnapshot,
    DiscountRequest,
    InvoicePreview,
    ManualInvoiceSnapshot,
    RenewalSnapshot,
    ResumeRequest,
    SubscribeRequest,
)
from engine.types.schedules import Phase
from subscriptions.models import SubscriptionSchedule
from subscriptions.rules.discounts import active_discounts
from subscriptions.selectors import SubscriptionNotFound


def preview_new(*, ctx: Context, request: SubscribeRequest, recurring: bool = False) -> InvoicePreview | None:
    """The first invoice of a subscription; `recurring`: what it will cost each time. Raises what `subscribe` does."""
    request, snapshot = subscribe_snapshot(load_subscribe(request, lock=False), request)
    if recurring:
        return _next(subscribed(snapshot, request, ctx.as_of), recurring=True)
    shown = previews.preview_subscribe(snapshot, request, ctx.as_of)
    return shown if shown.planned else None


def preview_update(*, ctx: Context, request: ChangeRequest, recurring: bool = False) -> InvoicePreview | None:
    """What the change, and the end it may schedule, would invoice at once; else the next invoice as it will be then.

    Raises what `update_subscription` refuses.
    """
    request = with_coupons(request)
    _, _, snapshot = load_change(ctx.as_of, lock=False, **wanted(request))
    shown: InvoicePreview | None = None
    try:
        plan = plan_change(snapshot, without_ending(request), ctx.as_of)
    except NothingToChange:
        pass
    else:
        shown = previews.preview_plan(snapshot, plan).invoice_now
        snapshot = previews.continued(snapshot, plan)
    ending = _ending(snapshot, request, ctx.as_of)
    if ending is not None:
        shown = shown or previews.preview_plan(snapshot, ending).invoice_now
        snapshot = previews.continued(snapshot, ending)
    return shown if shown is not None and not recurring else _next(snapshot.renewal, recurring=recurring)


def preview_cancel(*, ctx: Context, request: CancelRequest) -> InvoicePreview | None:
    """The last invoice of a subscription that ended now."""
    _, _, snapshot = load_change(ctx.as_of, request.merchant_id, request.subscription_id, lock=False)
    return previews.preview_plan(snapshot, plan_cancel(snapshot, request, ctx.as_of)).invoice_now


def preview_resume(*, ctx: Context, request: ResumeRequest, recurring: bool = False) -> InvoicePreview | None:
    """What the end of a pause would bill at once, else the next invoice after it."""
    _, _, snapshot = load_change(ctx.as_of, request.merchant_id, request.subscription_id, lock=False)
    return _shown(snapshot, plan_resume(snapshot, request, ctx.as_of), recurring)


def preview_next(*, merchant_id: str, subscription_id: str, recurring: bool = False) -> InvoicePreview | None:
    """The next invoice of a subscription as it stands; `recurring`: without what is billed but once."""
    row = subscription_rows([subscription_id]).get(subscription_id)
    if row is None or row.merchant_id != merchant_id:
        raise SubscriptionNotFound
    rows = load_rows(subscriptions=[row], usage_until=row.start_date, lock=False)
    return _next(renewal_snapshot(rows, row), recurring=recurring)


def preview_one_off(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    currency: str = "",
    discounts: Sequence[DiscountRequest] | None = None,
) -> InvoicePreview | None:
    """What the customer has pending beside any subscription, on an invoice of its own; None when that is nothing.

    Without `discounts` of its own it takes the customer's.
    """
    rows = load_rows(customer_ids=[customer_id], merchant_ids=[merchant_id], lock=False)
    owner = rows.customers[customer_id]
    sold_in = currency or owner.currency or rows.merchants[merchant_id].default_currency
    items = tuple(rows.pending_for(customer_id, "", sold_in))
    if discounts is None:
        stack = active_discounts((), rows.discounts_of_customer(customer_id), ctx.as_of)
    else:
        stack = stack_asked_for(ctx, owner, sold_in, sum(item.amount for item in items), discounts)
    snapshot = ManualInvoiceSnapshot(
        merchant_id=merchant_id,
        billing_entity_id=rows.default_entity_id(merchant_id),
        customer=rows.customer(customer_id),
        settings=rows.settings[merchant_id],
        currency=sold_in,
        pending_items=items,
        discounts=stack,
        tax_rates=rows.tax_rates,
        test_clock_id=owner.test_clock_id,
    )
    try:
        planned = plan_manual_invoice(snapshot, ctx.as_of).invoice
    except NothingToInvoice:
        return None
    return previews.preview_invoice(planned, snapshot.customer, snapshot.settings)


def preview_schedule(*, ctx: Context, schedule: SubscriptionSchedule, recurring: bool = False) -> InvoicePreview | None:
    """The next invoice that comes of a schedule: its first, its next phase's, or a renewal before that."""
    phases = phases_from_json(schedule.phases)
    if schedule.status == "not_started":
        request = first_request(phases[0], schedule.merchant_id, schedule.customer_id, schedule.default_settings)
        return preview_new(ctx=replace(ctx, as_of=phases[0].start), request=request, recurring=recurring)
    if schedule.subscription_id is None or schedule.current_phase is None:
        return None
    following = phases[schedule.current_phase + 1 :]
    row = subscription_rows([schedule.subscription_id])[schedule.subscription_id]
    over_at = phases[schedule.current_phase].end
    rows = load_rows(subscriptions=[row], usage_until=row.start_date, lock=False)
    standing = renewal_snapshot(rows, row)
    renews_at = min(item.current_period_end for item in standing.subscription.items)
    if following and over_at <= renews_at:
        return _of_phase(ctx, schedule, following[0], recurring)
    if not following and schedule.end_behavior == "cancel" and over_at <= renews_at:
        ended = replace(standing.subscription, cancel_at=over_at, cancel_at_period_end=False)
        standing = replace(standing, subscription=ended)
    return _next(standing, recurring=recurring)


def _of_phase(ctx: Context, schedule: SubscriptionSchedule, phase: Phase, recurring: bool) -> InvoicePreview | None:
    asked = ours(schedule.merchant_id, phase.request)
    phase = replace(phase, request=asked)
    _, _, snapshot = load_change(
        phase.start,
        schedule.merchant_id,
        str(schedule.subscription_id),
        price_ids=[item.price_id for item in (*asked.items, *asked.add_invoice_items)],
        tax_rate_ids=tax_rates_of(asked),
        discounts=asked.discounts_asked,
        lock=False,
    )
    subscription = snapshot.renewal.subscription
    request = phase_request(phase, schedule.merchant_id, subscription.id, subscription.items, schedule.default_settings)
    return _shown(snapshot, plan_phase(snapshot, request, phase.start), recurring)


def _ending(snapshot: ChangeSnapshot, request: ChangeRequest, as_of: datetime) -> ChangePlan | None:
    """The plan of the end that the request schedules or takes back, if it speaks of one."""
    if not speaks_of_ending(request):
        return None
    if request.cancel_at or request.cancel_at_period_end:
        return plan_schedule_cancel(snapshot, schedule_of(request, request.cancel_at or None), as_of)
    current = snapshot.renewal.subscription
    if current.cancel_at is None and not current.cancel_at_period_end:
        return None
    return plan_undo_cancel(snapshot, as_of)


def _shown(snapshot: ChangeSnapshot, plan: ChangePlan, recurring: bool) -> InvoicePreview | None:
    shown = previews.preview_plan(snapshot, plan)
    if shown.invoice_now is not None and not recurring:
        return shown.invoice_now
    return _next(previews.changed(snapshot, plan), recurring=recurring)


def _next(renewal: RenewalSnapshot, *, recurring: bool) -> InvoicePreview | None:
    """`recurring` leaves out what is billed but once: prorations and other pending items (Stripe's preview_mode)."""
    upcoming = previews.preview_next_invoice(replace(renewal, pending_items=()) if recurring else renewal)
    return upcoming[1] if upcoming else None
