"""Usage as the planner needs it: what was counted, and what was billed of it. Reads only, two queries a chunk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from catalog.models import Price
from engine.rules.arrears import LATE_FOR, spans_to_read
from engine.types.usage import UsageFacts
from events.reading import read_rows
from subscriptions.facts import billed_usage, price_facts
from subscriptions.models import BilledPeriod
from subscriptions.rules.amounts import in_currency
from subscriptions.types import BilledUsage, PriceFacts, SubscriptionFacts, UsageSpan
from usage.selectors import usage_totals
from usage.types import UsageWindow

_A_DAY = timedelta(days=1)


def usage_of(
    subscriptions: Sequence[SubscriptionFacts], prices: Mapping[str, PriceFacts], as_of: datetime
) -> dict[str, UsageFacts]:
    """By subscription, for those with metered prices. The totals of all their spans are summed in one query."""
    metered = [one for one in subscriptions if _is_metered(one)]
    if not metered:
        return {}
    billed = billed_of(metered, prices)
    spans = {one.id: list(spans_to_read(one, billed[one.id], as_of)) for one in metered}
    windows = {(one.id, span): _window(one, span) for one in metered for span in spans[one.id]}
    totals = usage_totals(list(windows.values()))
    return {
        one.id: UsageFacts({span: totals[windows[one.id, span]] for span in spans[one.id]}, tuple(billed[one.id]))
        for one in metered
    }


def billed_of(
    subscriptions: Sequence[SubscriptionFacts], prices: Mapping[str, PriceFacts]
) -> dict[str, list[BilledUsage]]:
    """What was billed in arrears and may still be looked at again, reversed or not, the oldest first."""
    since = min(item.current_period_start for one in subscriptions for item in one.items) - LATE_FOR - _A_DAY
    found = BilledPeriod.objects.filter(
        merchant_id__in={one.merchant_id for one in subscriptions},
        subscription_id__in=[one.id for one in subscriptions],
        kind__in=["arrears", "late"],
        end__gte=since,
    )
    rows = read_rows(found.order_by("start", "sequence", "id"))
    known = dict(prices) | prices_of({row.price_id for row in rows} - prices.keys())
    billed: dict[str, list[BilledUsage]] = defaultdict(list)
    for row in rows:
        billed[row.subscription_id].append(billed_usage(row, in_currency(known[row.price_id], row.currency)))
    return billed


def counted_again(subscription: SubscriptionFacts, billed: Sequence[BilledUsage]) -> UsageFacts:
    """What the spans of these billings come to now. One query."""
    windows = {one.span: _window(subscription, one.span) for one in billed}
    totals = usage_totals(list(windows.values()))
    return UsageFacts({span: totals[window] for span, window in windows.items()}, tuple(billed))


def _window(subscription: SubscriptionFacts, span: UsageSpan) -> UsageWindow:
    return UsageWindow(
        subscription.merchant_id,
        span.meter_id,
        subscription.customer_id,
        span.start,
        span.end,
        span.reported_from,
        span.reported_until,
        span.recorded_from,
        span.recorded_until,
    )


def prices_of(ids: set[str]) -> dict[str, PriceFacts]:
    """Prices by id, also those that no item has any more."""
    if not ids:
        return {}
    rows = Price.objects.filter(id__in=ids).select_related("product")
    return {row.id: price_facts(row, row.product) for row in rows}


def _is_metered(subscription: SubscriptionFacts) -> bool:
    return any(
        item.price.is_metered or any(left.price.is_metered for left in item.prices_left) for item in subscription.items
    )
