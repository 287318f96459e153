"""Batch writers of subscriptions. They never open a transaction: their caller's holds what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from django.db import connection

from core.context import Context
from events.copying import Row, insert_rows, update_rows
from events.statements import Statement
from subscriptions.models import (
    BilledPeriod,
    Discount,
    EntitlementSummary,
    Subscription,
    SubscriptionItem,
    SubscriptionSchedule,
)
from subscriptions.types import SubscriptionState

# What planning may move, with what every writing bumps.
STATE_FIELDS = (*(field.name for field in fields(SubscriptionState)), "latest_invoice_id", "version")


def lock_subscriptions(subscription_ids: Iterable[str]) -> list[Row]:
    """The rows, locked in id order so that two workers never wait for each other in a circle."""
    return _held.rows(ids=subscription_ids)


_held = Statement(lambda ids: Subscription.objects.filter(id__any=ids).order_by("id").select_for_update(no_key=True))


def insert_subscriptions(rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(Subscription, rows)


def insert_items(rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(SubscriptionItem, rows)


def insert_discounts(rows: Sequence[Mapping[str, Any]]) -> None:
    insert_rows(Discount, rows)


def insert_billed_periods(rows: Sequence[Mapping[str, Any]]) -> None:
    """What is billed. Raises `psycopg.errors.UniqueViolation` when a period was billed before: `billed_once`."""
    insert_rows(BilledPeriod, rows)


def update_states(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the columns that planning moved; the rows are locked by the caller and carry their new version."""
    names = ("id", *STATE_FIELDS)
    update_rows(Subscription, names, [[row[name] for name in names] for row in rows])


def update_attributes(row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Columns that a change may alter beside the planned state: description, metadata, how it is collected, …"""
    Subscription.objects.filter(id=row["id"]).update(**{name: row[name] for name in columns})


def retax_items(rates_by_item: Mapping[str, Sequence[str]]) -> None:
    """The tax rates of items whose rates change: few, and arrays do not go through `unnest`."""
    for item_id, rates in rates_by_item.items():
        SubscriptionItem.objects.filter(id=item_id).update(tax_rate_ids=list(rates))


def relabel_items(metadata_by_item: Mapping[str, Mapping[str, str]]) -> None:
    """Metadata of items, a few at a time."""
    for item_id, metadata in metadata_by_item.items():
        SubscriptionItem.objects.filter(id=item_id).update(metadata=dict(metadata))


def advance_periods(advances: Sequence[tuple[str, Any, Any]]) -> None:
    """(item id, current_period_start, current_period_end) of each item that begins a new period."""
    update_rows(SubscriptionItem, ("id", "current_period_start", "current_period_end"), advances)


def update_items(rows: Sequence[Mapping[str, Any]]) -> None:
    """What a change alters on existing items."""
    columns = ("price_id", "quantity", "current_period_start", "current_period_end", "sequence")
    names = ("id", *columns, "prices_left")
    update_rows(SubscriptionItem, names, [[row[name] for name in names] for row in rows])


def set_thresholds(
    subscription_id: str, amount: int | None, usage: Mapping[str, int | None], *, resets_anchor: bool
) -> None:
    """At how much usage an invoice is made early: for the subscription in minor units, by item in units."""
    Subscription.objects.filter(id=subscription_id).update(
        billing_threshold_amount=amount, billing_threshold_resets_anchor=resets_anchor
    )
    update_rows(SubscriptionItem, ("id", "billing_threshold_usage"), list(usage.items()))


def delete_items(item_ids: Sequence[str], at: Any) -> None:
    """Items leave the subscription; their rows stay for the paper that names them."""
    update_rows(SubscriptionItem, ("id", "deleted_at"), [(item_id, at) for item_id in item_ids])


def consume_discounts(uses: Sequence[tuple[str, Any, str]]) -> None:
    """(discount id, consumed_at, invoice id) of each `once` discount that an invoice used up."""
    update_rows(Discount, ("id", "consumed_at", "consumed_invoice_id"), uses)


def give_uses_back(invoice_id: str) -> None:
    """The `once` discounts that a draft had used count again: the draft is gone."""
    Discount.objects.filter(consumed_invoice_id=invoice_id).update(consumed_at=None, consumed_invoice_id="")


def remove_discounts(discount_ids: Sequence[str], at: Any) -> None:
    update_rows(Discount, ("id", "deleted_at"), [(discount_id, at) for discount_id in discount_ids])


def move_discounts(moves: Sequence[tuple[str, int]]) -> None:
    """(discount id, position) of each that has another place in its stack."""
    update_rows(Discount, ("id", "position"), moves)


def close_debits(closings: Sequence[tuple[str, Any, Any]]) -> None:
    """(billed period id, credited_from, reversed_at or None) of each debit that is credited."""
    update_rows(BilledPeriod, ("id", "credited_from", "reversed_at"), closings)


def give_debits_to_invoice(debits: Sequence[tuple[str, str, list[dict[str, Any]]]]) -> None:
    """(billed period id, invoice id, taxes): an invoice swept the pending item that held the debit."""
    update_rows(BilledPeriod, ("id", "invoice_id", "taxes"), debits)


def rewrite_billed_periods(periods: Sequence[tuple[str, int, int, int, list[dict[str, Any]]]]) -> None:
    """(id, quantity, gross_amount, amount, taxes) of periods whose draft was reckoned anew."""
    update_rows(BilledPeriod, ("id", "quantity", "gross_amount", "amount", "taxes"), periods)


def reverse_debits_of_invoice(merchant_id: str, invoice_id: str, at: Any) -> int:
    """A voided invoice bills nothing: its periods are reversed. Returns how many. Voiding never re-bills."""
    return BilledPeriod.objects.filter(merchant_id=merchant_id, invoice_id=invoice_id, reversed_at__isnull=True).update(
        reversed_at=at
    )


def reverse_debits(debit_ids: Sequence[str], at: Any) -> int:
    """Debits that will not be billed after all (their pending item was deleted). Returns how many."""
    return BilledPeriod.objects.filter(id__in=debit_ids, reversed_at__isnull=True).update(reversed_at=at)


def insert_schedule(**columns: Any) -> SubscriptionSchedule:
    return SubscriptionSchedule.objects.create(**columns)


def lock_schedule(schedule_id: str) -> SubscriptionSchedule | None:
    return SubscriptionSchedule.objects.select_for_update(no_key=True).filter(id=schedule_id).first()


def lock_schedule_of(subscription_id: str) -> None:
    """The schedule that leads the subscription, if one does."""
    led = SubscriptionSchedule.objects.select_for_update(no_key=True).filter(subscription_id=subscription_id)
    list(led.filter(status="active").values_list("id"))


_WAKE = """
UPDATE subscriptions_subscriptionschedule SET next_action_at = %s WHERE id IN (
    SELECT id FROM subscriptions_subscriptionschedule WHERE id = ANY(%s) AND status = 'active'
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
"""


def wake_schedules(schedule_ids: Sequence[str], at: datetime) -> None:
    """Their subscriptions have ended: the run looks at once, and ends them too.

    One that is locked takes its step just now and sees for itself: locks go from schedules to subscriptions, not back.
    """
    if schedule_ids:
        with connection.cursor() as cursor:
            cursor.execute(_WAKE, [at, list(schedule_ids)])


def save_schedule(schedule: SubscriptionSchedule) -> None:
    schedule.save()


def give_schedule(subscription_id: str, schedule_id: str) -> None:
    """The schedule that the subscription follows; blank for none."""
    Subscription.objects.filter(id=subscription_id).update(schedule_id=schedule_id)


def lock_summaries(ctx: Context, customers: Sequence[tuple[str, str]]) -> list[EntitlementSummary]:
    """What each (merchant id, customer id) was last told to hold, locked in order; made where there is none yet."""
    fresh = [
        EntitlementSummary(merchant_id=merchant_id, customer_id=customer_id, recorded_at=ctx.recorded_at)
        for merchant_id, customer_id in customers
    ]
    EntitlementSummary.objects.bulk_create(fresh, ignore_conflicts=True)
    rows = EntitlementSummary.objects.filter(customer_id__in=[customer_id for _, customer_id in customers])
    return list(rows.select_for_update(no_key=True).order_by("customer_id"))


def save_summaries(ctx: Context, rows: Sequence[EntitlementSummary]) -> None:
    columns = [(row.id, row.held, row.version, ctx.recorded_at) for row in rows]
    update_rows(EntitlementSummary, ("id", "held", "version", "recorded_at"), columns)
