"""Usage is reported; what comes after its item or subscription has ended is billed or told of, never just dropped.

1. Record the events, each by itself.
2. Find the items that counted them once and are gone. One query; for most reports there are none.
3. Whose subscription runs on and was billed for that usage: what the usage adds waits for its next invoice.
4. Whose last invoice is still a draft: its usage is counted again before it is finalized, so nothing is to be done.
5. Else nobody is billed, and customer.subscription.usage_discarded says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models.functions import Coalesce

from core.context import Context
from core.json_values import plain_decimal
from engine.rules.arrears import USAGE_DISCARDED, gone_dues
from engine.rules.change import ImmediateInvoice, created_events
from engine.rules.prorating import Prorations
from engine.rules.renewal import state_of
from engine.services.changing import load_change, post_change
from engine.types import ChangePlan
from engine.usage import billed_of, counted_again
from events.types import EventRow
from events.writes import record_events
from invoicing.models import Invoice
from subscriptions.models import Subscription, SubscriptionItem
from subscriptions.types import TERMINAL_STATUSES
from usage.services import record_meter_events
from usage.types import AcceptedUsage, EventOutcome, MeterEvent


@dataclass(frozen=True, slots=True)
class _Gone:
    """An item that counts no more, and since when."""

    item_id: str
    subscription_id: str
    price_id: str
    start: datetime
    ended_at: datetime
    runs_on: bool  # its subscription does


def report_usage(*, ctx: Context, merchant_id: str, events: Sequence[MeterEvent]) -> list[EventOutcome]:
    """What became of each event, as `usage.services.record_meter_events`; with what late ones add to be billed."""
    with transaction.atomic():
        outcomes = record_meter_events(ctx=ctx, merchant_id=merchant_id, events=events)
        _look_after(ctx, merchant_id, [one.usage for one in outcomes if one.usage is not None])
    return outcomes


def _look_after(ctx: Context, merchant_id: str, accepted: Sequence[AcceptedUsage]) -> None:
    gone = _gone_items(merchant_id, accepted)
    late: dict[_Gone, list[AcceptedUsage]] = defaultdict(list)
    for used in accepted:
        for item in gone.get((used.customer_id, used.meter_id), ()):
            if item.start <= used.timestamp <= item.ended_at:
                late[item].append(used)
    for item, uses in late.items():
        ctx_then = replace(ctx, as_of=uses[0].reported_at)
        if item.runs_on and _adjust(ctx_then, merchant_id, item):
            continue
        if not _is_counted_again(merchant_id, item):
            _tell(ctx_then, item, uses)


def _gone_items(merchant_id: str, accepted: Iterable[AcceptedUsage]) -> dict[tuple[str, str], list[_Gone]]:
    """By customer and meter, where no item counts that meter now."""
    customers = {used.customer_id for used in accepted}
    meters = {used.meter_id for used in accepted}
    if not customers:
        return {}
    items = SubscriptionItem.objects.filter(
        merchant_id=merchant_id, subscription__customer_id__in=customers, price__meter_id__in=meters
    ).annotate(ended_at=Coalesce("deleted_at", "subscription__ended_at"))
    found: dict[tuple[str, str], list[_Gone]] = defaultdict(list)
    living: set[tuple[str, str]] = set()
    for row in items.select_related("subscription", "price").order_by("id"):
        key = (row.subscription.customer_id, str(row.price.meter_id))
        if row.ended_at is None:
            living.add(key)
            continue
        runs_on = row.subscription.status not in TERMINAL_STATUSES
        start = min(row.created, row.subscription.start_date)
        found[key].append(_Gone(row.id, row.subscription_id, row.price_id, start, row.ended_at, runs_on))
    return {key: items for key, items in found.items() if key not in living}


def _adjust(ctx: Context, merchant_id: str, item: _Gone) -> bool:
    """What the item's billed usage comes to beyond what was billed, as pending items; False when none was billed."""
    rows, subscription, snapshot = load_change(ctx.as_of, merchant_id, item.subscription_id, lock=True)
    facts = snapshot.renewal.subscription
    billed = [one for one in billed_of([facts], rows.prices)[facts.id] if one.subscription_item_id == item.item_id]
    if not billed:
        return False
    prorations = Prorations(snapshot)
    prorations.usage_dues(gone_dues(item.item_id, counted_again(facts, billed), billed))
    if prorations.items:
        plan = ChangePlan(
            subscription_id=facts.id,
            merchant_id=merchant_id,
            customer_id=facts.customer_id,
            version=facts.version,
            as_of=ctx.as_of,
            state=state_of(facts),
            pending_items=tuple(prorations.items),
            events=created_events(prorations.items, ImmediateInvoice()),
        )
        post_change(ctx, rows, subscription, plan)
    return True


def _is_counted_again(merchant_id: str, item: _Gone) -> bool:
    drafts = Invoice.objects.filter(merchant_id=merchant_id, subscription_id=item.subscription_id, status="draft")
    return not item.runs_on and drafts.filter(auto_advance=True).exists()


def _tell(ctx: Context, item: _Gone, uses: Sequence[AcceptedUsage]) -> None:
    """The subscription is as it was: the event stands beside its last version."""
    row = Subscription.objects.get(id=item.subscription_id)
    usage = [
        {
            "subscription_item": item.item_id,
            "price": item.price_id,
            "meter": uses[0].meter_id,
            "usage": plain_decimal(sum((used.value for used in uses), Decimal(0))),
            "identifiers": [used.identifier for used in uses[:100]],
        }
    ]
    event = EventRow(
        merchant_id=row.merchant_id,
        type=USAGE_DISCARDED,
        object_type="subscription",
        object_id=row.id,
        object_version=row.version,
        customer_id=row.customer_id,
        previous_attributes={"usage": usage},
        test_clock_id=row.test_clock_id,
    )
    record_events(ctx, [event])
