"""Reads of subscriptions and what hangs on them. Always within one merchant, but for what the runs read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from core.errors import OstinatoError, gettext_noop
from events.copying import Row
from events.statements import Statement
from subscriptions.models import BilledPeriod, Discount, Quote, Subscription, SubscriptionItem, SubscriptionSchedule


class SubscriptionNotFound(OstinatoError):
    code = "resource_missing"
    param = "subscription"
    message_id = gettext_noop("There is no such subscription.")


class ScheduleNotFound(OstinatoError):
    code = "resource_missing"
    param = "schedule"
    message_id = gettext_noop("There is no such subscription schedule.")


class QuoteNotFound(OstinatoError):
    code = "resource_missing"
    param = "quote"
    message_id = gettext_noop("There is no such quote.")


def quotes(merchant_id: str) -> QuerySet[Quote]:
    """The merchant's quotes, the latest first."""
    return Quote.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def quote_by_id(merchant_id: str, quote_id: str) -> Quote:
    """With its customer. Raises `QuoteNotFound`."""
    found = quotes(merchant_id).select_related("customer", "merchant").filter(id=quote_id).first()
    if found is None:
        raise QuoteNotFound
    return found


def schedules(merchant_id: str) -> QuerySet[SubscriptionSchedule]:
    """The merchant's subscription schedules, the latest first."""
    return SubscriptionSchedule.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def schedule_by_id(merchant_id: str, schedule_id: str) -> SubscriptionSchedule:
    """Raises `ScheduleNotFound`."""
    found = schedules(merchant_id).filter(id=schedule_id).first()
    if found is None:
        raise ScheduleNotFound
    return found


def due_schedule_ids(as_of: datetime, clock_id: str | None, limit: int) -> list[str]:
    """Schedules whose moment has come, on the clock or, without one, on none; the earliest first."""
    due = SubscriptionSchedule.objects.filter(
        test_clock_id=clock_id, next_action_at__isnull=False, next_action_at__lte=as_of
    )
    return list(due.order_by("next_action_at", "id").values_list("id", flat=True)[:limit])


def live_items() -> QuerySet[SubscriptionItem]:
    """Items that are not deleted, with price and product, in the order they were added."""
    return (
        SubscriptionItem.objects.filter(deleted_at__isnull=True)
        .select_related("price__product")
        .order_by("subscription_id", "created", "id")
    )


def live_item_rows(subscription_ids: Iterable[str]) -> list[Row]:
    """Items that are not deleted, as rows, in the order they were added. One query."""
    return _live_items.rows(ids=subscription_ids)


_live_items = Statement(
    lambda ids: SubscriptionItem.objects.filter(subscription_id__any=ids, deleted_at__isnull=True).order_by(
        "created", "id"
    )
)


def subscriptions(merchant_id: str) -> QuerySet[Subscription]:
    """The merchant's subscriptions, the latest first."""
    return Subscription.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def subscription_by_id(merchant_id: str, subscription_id: str) -> Subscription:
    """One subscription with its customer and live items (`subscription.items.all()`). Raises `SubscriptionNotFound`."""
    found = (
        subscriptions(merchant_id)
        .select_related("customer__test_clock", "merchant")
        .prefetch_related(Prefetch("items", live_items()))
        .filter(id=subscription_id)
        .first()
    )
    if found is None:
        raise SubscriptionNotFound
    return found


def items_of(subscription_ids: Sequence[str]) -> dict[str, list[SubscriptionItem]]:
    """The live items of many subscriptions with price and product, by subscription. One query."""
    found: dict[str, list[SubscriptionItem]] = {subscription_id: [] for subscription_id in subscription_ids}
    for item in live_items().filter(subscription_id__in=subscription_ids):
        found[item.subscription_id].append(item)
    return found


def item_rows_of(subscription_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The live items of many subscriptions as rows, by subscription, in the order they were added. One query."""
    found: dict[str, list[Row]] = {subscription_id: [] for subscription_id in subscription_ids}
    for row in live_item_rows(subscription_ids):
        found[row.subscription_id].append(row)
    return found


def discounts_of(
    subscription_ids: Iterable[str], customer_ids: Iterable[str]
) -> tuple[dict[str, list[Discount]], dict[str, list[Discount]]]:
    """Discounts that are not deleted or consumed: (by subscription, by customer for those of the customer alone).

    One query, in stacking order.
    """
    on_subscription: dict[str, list[Discount]] = defaultdict(list)
    on_customer: dict[str, list[Discount]] = defaultdict(list)
    rows = (
        Discount.objects.filter(deleted_at__isnull=True)
        .filter(
            Q(subscription_id__in=list(subscription_ids))
            | Q(subscription__isnull=True, customer_id__in=list(customer_ids), invoice_id="", invoice_item_id="")
        )
        .select_related("coupon")
        .order_by("position", "created", "id")
    )
    for discount in rows:
        if discount.subscription_id:
            on_subscription[discount.subscription_id].append(discount)
        else:
            on_customer[discount.customer_id].append(discount)
    return on_subscription, on_customer


def discounts_of_customers(merchant_id: str, customer_ids: Iterable[str]) -> dict[str, Discount]:
    """The discount that each of these customers has now, where it has one: the newest. One query."""
    live = Discount.objects.filter(
        merchant_id=merchant_id, customer_id__in=list(customer_ids), deleted_at__isnull=True, consumed_at__isnull=True
    ).of_customers()
    return {row.customer_id: row for row in live.order_by("created", "id")}


def discount_ids_of(subscription_ids: Iterable[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Ids of discounts that still count, in stacking order: (each subscription's own, each item's). One query."""
    own: dict[str, list[str]] = defaultdict(list)
    of_items: dict[str, list[str]] = defaultdict(list)
    for subscription_id, item_id, discount_id in _live_discounts.tuples(ids=subscription_ids):
        (of_items[item_id] if item_id else own[subscription_id]).append(discount_id)
    return own, of_items


_live_discounts = Statement(
    lambda ids: (
        Discount.objects.filter(subscription_id__any=ids, deleted_at__isnull=True, consumed_at__isnull=True)
        .order_by("position", "created", "id")
        .values_list("subscription_id", "subscription_item_id", "id")
    )
)


def open_debits(merchant_id: str, subscription_id: str) -> list[BilledPeriod]:
    """What was billed in advance and neither reversed nor credited: what a change would credit."""
    return list(
        BilledPeriod.objects.filter(
            merchant_id=merchant_id,
            subscription_id=subscription_id,
            kind="advance",
            reversed_at__isnull=True,
            credited_from__isnull=True,
        ).order_by("start", "sequence", "id")
    )
