"""Usage that reaches a threshold is invoiced at once, and alerts of much use are told.

New usage is pulled by a cursor, never pushed by its reporter.

1. Read the usage events after the cursor, of transactions that no running one may still precede.
2. Alerts on these meters are told of these customers, once each (`usage.alerts`).
3. The subscriptions of these customers that bill these meters and have a threshold are looked at, one by one.
4. The cursor moves when all were looked at: a worker that dies looks at some of them twice, and finds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from core.context import Context
from engine.posting.batch import Batch
from engine.posting.refs import Refs
from engine.rules.changing import ItemNotFound
from engine.rules.checks import check_plan
from engine.rules.thresholds import ThresholdNotMetered, check_thresholds, plan_threshold
from engine.selectors import load_rows
from engine.services.changing import load_change, post_change
from engine.services.collect import collect_invoices
from engine.services.finalize import invoice_ids_to_collect, settle_paid
from engine.types import PlannedEvent
from events.copying import Row
from subscriptions.models import Subscription, SubscriptionItem
from subscriptions.rules.next_action import RENEWING_STATUSES
from subscriptions.selectors import SubscriptionNotFound
from subscriptions.writes import lock_subscriptions, set_thresholds
from usage.alerts import tell_alerts, tell_alerts_on
from usage.models import UsageCursor

READER = "thresholds"
EVENTS_AT_ONCE = 20_000
MAX_ROUNDS = 100

_NEW = """
SELECT e.merchant_id, e.customer_id, e.meter_id, e.xid::text, e.id FROM usage_usageevent e
WHERE (e.xid, e.id) > (%s::text::xid8, %s) AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.xid, e.id LIMIT %s
"""


def set_billing_thresholds(
    *,
    ctx: Context,
    merchant_id: str,
    subscription_id: str,
    amount_gte: int | None,
    usage_gte: Mapping[str, int | None] | None = None,
    resets_anchor: bool = False,
) -> None:
    """At how much usage an invoice comes early: `amount_gte` minor units in all, `usage_gte` units by item id.

    None takes a threshold away. `resets_anchor`: the invoice begins a new cycle.
    Raises `SubscriptionNotFound`, `ItemNotFound`, `ThresholdNotMetered`, `ThresholdInvalid`.
    """
    usages = dict(usage_gte or {})
    check_thresholds(amount_gte, list(usages.values()))
    with transaction.atomic():
        found = [row for row in lock_subscriptions([subscription_id]) if row.merchant_id == merchant_id]
        if not found:
            raise SubscriptionNotFound
        items = SubscriptionItem.objects.filter(subscription_id=subscription_id, deleted_at__isnull=True)
        metered = dict(items.values_list("id", "price__usage_type"))
        for item_id in usages:
            if item_id not in metered:
                raise ItemNotFound(item=item_id)
            if metered[item_id] != "metered":
                raise ThresholdNotMetered
        set_thresholds(subscription_id, amount_gte, usages, resets_anchor=resets_anchor)
        _tell(ctx, found[0], amount_gte, usages, resets_anchor=resets_anchor)


def _tell(
    ctx: Context, subscription: Row, amount: int | None, usages: Mapping[str, int | None], *, resets_anchor: bool
) -> None:
    """customer.subscription.updated, the subscription as it has become."""
    rows = load_rows(subscriptions=[subscription], lock=True)
    items = rows.items.get(subscription.id, [])
    before = subscription.billing_threshold_amount
    subscription["billing_threshold_amount"] = amount
    subscription["billing_threshold_resets_anchor"] = resets_anchor
    for item in items:
        item["billing_threshold_usage"] = usages.get(item.id, item.billing_threshold_usage)
    batch = Batch(ctx, rows)
    batch.touch(subscription, items)
    batch.bump(subscription)
    previous = {"billing_thresholds": None if before is None else {"amount_gte": before}}
    batch.tell([PlannedEvent("customer.subscription.updated", "subscription", subscription.id, previous)], Refs())
    batch.write()


def run_thresholds(*, ctx: Context, clock_id: str | None = None) -> int:
    """Invoice what has reached its threshold; on a clock its own subscriptions only. Returns how many invoices."""
    if clock_id is not None:
        tell_alerts_on(ctx, clock_id)
        waiting = _with_threshold().filter(test_clock_id=clock_id)
        return sum(_bill_early(ctx, *found) for found in waiting.values_list("merchant_id", "id"))
    made = 0
    for _ in range(MAX_ROUNDS):
        batch = _new_usage()
        if not batch:
            break
        tell_alerts(ctx, {row[:3] for row in batch})
        made += _look(ctx, {row[:3] for row in batch})
        _move_cursor(ctx, *batch[-1][3:])
    return made


def _look(ctx: Context, touched: set[tuple[str, str, str]]) -> int:
    """The subscriptions that this usage may have taken to a threshold; each in its customer's time."""
    candidates = _with_threshold().filter(customer_id__in={row[1] for row in touched})
    rows = candidates.filter(items__price__meter_id__in={row[2] for row in touched}).distinct()
    made = 0
    for merchant_id, subscription_id, frozen in rows.values_list(
        "merchant_id", "id", "customer__test_clock__frozen_time"
    ):
        made += _bill_early(replace(ctx, as_of=frozen) if frozen else ctx, merchant_id, subscription_id)
    return made


def _with_threshold() -> QuerySet[Subscription]:
    has_one = Q(billing_threshold_amount__isnull=False) | Q(
        items__billing_threshold_usage__isnull=False, items__deleted_at__isnull=True
    )
    return Subscription.objects.filter(has_one, status__in=RENEWING_STATUSES).order_by("id").distinct()


def _bill_early(ctx: Context, merchant_id: str, subscription_id: str) -> int:
    with transaction.atomic(durable=True):
        resets = Subscription.objects.values_list("billing_threshold_resets_anchor", flat=True).get(id=subscription_id)
        if resets:
            # A new cycle begins the second after, so that what reached the threshold this instant is on its invoice.
            ctx = replace(ctx, as_of=ctx.as_of + timedelta(seconds=1))
        rows, subscription, snapshot = load_change(ctx.as_of, merchant_id, subscription_id, lock=True)
        plan = plan_threshold(snapshot, ctx.as_of)
        if plan is None:
            return 0
        check_plan(plan, snapshot.debits)
        batch = post_change(ctx, rows, subscription, plan)
        settle_paid(batch)
    collect_invoices(ctx=ctx, invoice_ids=invoice_ids_to_collect(batch))
    return 1


def _new_usage() -> list[tuple[str, str, str, str, str]]:
    place = UsageCursor.objects.filter(reader=READER).values_list("xid", "event_id").first() or ("0", "")
    with connection.cursor() as cursor:
        cursor.execute(_NEW, [*place, EVENTS_AT_ONCE])
        return cursor.fetchall()


def _move_cursor(ctx: Context, xid: str, event_id: str) -> None:
    UsageCursor.objects.update_or_create(
        reader=READER, defaults={"xid": xid, "event_id": event_id, "recorded_at": ctx.recorded_at}
    )
