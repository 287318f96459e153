"""Usage that is invoiced early because there is much of it (Stripe's billing_thresholds)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.periods import Period
from engine.rules.arrears import UsageDue, closing_dues, due_line, running_dues
from engine.rules.change import plan_change
from engine.rules.drafting import draft_invoice, frame_of
from engine.rules.lines import pending_line
from engine.rules.renewal import state_of
from engine.types import ChangePlan, ChangeRequest, ChangeSnapshot, PlannedEvent
from subscriptions.rules.discounts import active_discounts
from subscriptions.types import DiscountUse, ItemFacts, ItemUpdate, SubscriptionFacts, new_ref


class ThresholdInvalid(OstinatoError):
    code = "parameter_invalid_integer"
    param = "billing_thresholds"
    message_id = gettext_noop("A threshold is a whole number above 0.")


class ThresholdNotMetered(OstinatoError):
    code = "parameter_invalid"
    param = "billing_thresholds[usage_gte]"
    message_id = gettext_noop("Only an item with a metered price has a threshold of usage.")


def check_thresholds(amount: int | None, usages: Sequence[int | None]) -> None:
    """Raises `ThresholdInvalid`."""
    if any(value is not None and not 0 < value < 10**15 for value in (amount, *usages)):
        raise ThresholdInvalid


def plan_threshold(change: ChangeSnapshot, as_of: datetime) -> ChangePlan | None:
    """An invoice of all usage so far, and of all that is pending, when a threshold is reached; None when none is.

    Each item that is billed gets another `sequence`, so that the rest of its period can be billed after it. With
    `billing_threshold_resets_anchor` it is a change to a new anchor instead: every item begins anew.
    """
    snapshot = change.renewal
    subscription = snapshot.subscription
    if any(item.current_period_end <= as_of for item in subscription.items):
        return None  # the renewal that is due bills it all
    if subscription.billing_threshold_resets_anchor:
        return _begun_anew(change, as_of)
    dues = {
        item.id: running_dues(subscription, item, snapshot.usage, snapshot.usage.billed, as_of)
        for item in subscription.items
    }
    if not _is_reached(subscription, dues):
        return None
    billed = [due for found in dues.values() for due in found]
    locale = snapshot.customer.locale
    lines = [due_line(due, subscription, locale, subscription.default_tax_rate_ids) for due in billed]
    waiting = [pending_line(item, subscription.default_tax_rate_ids) for item in snapshot.pending_items]
    draft = draft_invoice(
        frame_of(snapshot),
        [*lines, *waiting],
        active_discounts(snapshot.discounts, snapshot.customer_discounts, as_of),
        billing_reason="subscription_threshold",
        period=Period(min(due.period.start for due in billed), as_of),
        as_of=as_of,
        finalize_now=True,
    )
    return ChangePlan(
        subscription_id=subscription.id,
        merchant_id=subscription.merchant_id,
        customer_id=subscription.customer_id,
        version=subscription.version,
        as_of=as_of,
        state=state_of(subscription),
        items_updated=tuple(_bumped(item) for item in subscription.items if dues[item.id]),
        invoices=(draft.invoice,),
        discounts_used=tuple(DiscountUse(discount_id, as_of, 0) for discount_id in draft.used_discount_ids),
        events=(PlannedEvent("invoice.created", "invoice", new_ref(0)),),
    )


def _begun_anew(change: ChangeSnapshot, as_of: datetime) -> ChangePlan | None:
    """A change to a new anchor, once what was used before this instant reaches a threshold."""
    snapshot, subscription = change.renewal, change.renewal.subscription
    dues = {
        item.id: closing_dues(
            subscription, item, Period(item.current_period_start, as_of), snapshot.usage, snapshot.usage.billed
        )
        for item in subscription.items
        if item.current_period_start < as_of
    }
    if not _is_reached(subscription, dues):
        return None
    request = ChangeRequest(subscription.merchant_id, subscription.id, billing_cycle_anchor="now")
    plan = plan_change(change, request, as_of)
    invoices = tuple(replace(one, billing_reason="subscription_threshold") for one in plan.invoices)
    return replace(plan, invoices=invoices)


def _is_reached(subscription: SubscriptionFacts, dues: Mapping[str, Sequence[UsageDue]]) -> bool:
    owed = sum(due.amount for found in dues.values() for due in found)
    amount = subscription.billing_threshold_amount
    if amount is not None and owed >= amount:
        return True
    return any(
        item.billing_threshold_usage is not None
        and sum(due.quantity for due in dues.get(item.id, ())) >= item.billing_threshold_usage
        for item in subscription.items
    )


def _bumped(item: ItemFacts) -> ItemUpdate:
    return ItemUpdate(
        item_id=item.id,
        price_id=item.price.id,
        quantity=item.quantity,
        current_period_start=item.current_period_start,
        current_period_end=item.current_period_end,
        sequence=item.sequence + 1,
        tax_rate_ids=item.tax_rate_ids,
        prices_left=item.prices_left,
    )
