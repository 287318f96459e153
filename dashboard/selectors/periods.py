"""What the subscription's page reads of its prices: what a period costs, what was used, what a schedule brings."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from catalog.selectors import prices_by_id
from engine.rules.schedules import phases_from_json
from subscriptions.facts import price_facts
from subscriptions.models import Subscription, SubscriptionSchedule
from subscriptions.rules.amounts import in_currency, line_amount
from usage.selectors import usage_totals
from usage.types import UsageWindow


def per_period(subscription: Subscription) -> int:
    """What the items cost per period before usage, discounts and tax; items carry their prices (prefetched)."""
    return sum(
        line_amount(in_currency(price_facts(item.price, item.price.product), subscription.currency), item.quantity)
        for item in subscription.items.all()
        if item.price.usage_type == "licensed"
    )


def usage_so_far(subscription: Subscription) -> dict[str, Decimal]:
    """What the meters have counted in the current period, by metered item. A query only where something is metered."""
    windows = {
        item.pk: UsageWindow(
            subscription.merchant_id,
            item.price.meter_id,
            subscription.customer_id,
            item.current_period_start,
            item.current_period_end,
        )
        for item in subscription.items.all()
        if item.price.meter_id
    }
    totals = usage_totals(list(windows.values()))
    return {item_id: totals[window] for item_id, window in windows.items()}


@dataclass(frozen=True, slots=True)
class ScheduleSteps:
    """Where a running schedule stands, and what its next phase brings; no names when there is none."""

    schedule: SubscriptionSchedule
    phase: int
    phases: int
    next_at: datetime | None
    next_names: tuple[str, ...]


def schedule_steps(subscription: Subscription) -> ScheduleSteps | None:
    """Two queries for a subscription that a schedule leads, none for another."""
    if not subscription.schedule_id:
        return None
    found = SubscriptionSchedule.objects.filter(
        merchant_id=subscription.merchant_id, id=subscription.schedule_id, status="active"
    ).first()
    if found is None or found.current_phase is None:
        return None
    phases = phases_from_json(found.phases)
    coming = phases[found.current_phase + 1 :][:1]
    ids = [item.price_id for phase in coming for item in phase.request.items]
    prices = prices_by_id(subscription.merchant_id, ids) if ids else {}
    names = [f"{price.product.name}{f' ({price.nickname})' if price.nickname else ''}" for price in prices.values()]
    return ScheduleSteps(found, found.current_phase + 1, len(phases), found.next_action_at, tuple(names))
