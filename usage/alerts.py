"""Alerts of much use: made, switched and looked at. Each is told once for a customer, however often it is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from catalog.models import Meter
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.models import Customer
from events.types import EventRow
from events.writes import record_events
from usage.models import AlertStatus, AlertTrigger, UsageAlert
from usage.selectors import usage_totals
from usage.snapshots import trigger_snapshot
from usage.types import UsageWindow

# Use may be reported from 35 days back to five minutes ahead, on the customer's clock.
_BEFORE, _AHEAD = timedelta(days=36), timedelta(hours=1)


class AlertNotFound(OstinatoError):
    code = "resource_missing"
    param = "id"
    message_id = gettext_noop("There is no such alert.")


class AlertStands(OstinatoError):
    code = "parameter_invalid"
    param = "id"
    message_id = gettext_noop("The alert is %(status)s already.")


def alerts(merchant_id: str) -> QuerySet[UsageAlert]:
    """The merchant's alerts that are not archived, the latest first."""
    rows = UsageAlert.objects.filter(merchant_id=merchant_id).exclude(status=AlertStatus.ARCHIVED)
    return rows.order_by("-created", "-id")


def create_alert(*, ctx: Context, meter: Meter, title: str, gte: int, customer_id: str | None = None) -> UsageAlert:
    """An active alert on the meter, for everybody or for one customer. `gte` is above 0."""
    return UsageAlert.objects.create(
        merchant_id=meter.merchant_id,
        meter=meter,
        customer_id=customer_id,
        title=title,
        gte=gte,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def switch_alert(*, merchant_id: str, alert_id: str, status: str) -> UsageAlert:
    """Active (told anew of everybody), inactive or archived. Raises `AlertNotFound`, `AlertStands`."""
    with transaction.atomic():
        row = alerts(merchant_id).select_for_update(no_key=True).filter(id=alert_id).first()
        if row is None:
            raise AlertNotFound
        if row.status == status:
            raise AlertStands(status=status)
        row.round += status == AlertStatus.ACTIVE
        row.status = status
        row.save(update_fields=["status", "round"])
    return row


def tell_alerts(ctx: Context, touched: Iterable[tuple[str, str, str]]) -> int:
    """Tell what the use of these (merchant, customer, meter) has brought to its threshold. Returns how many.

    One query where no alert looks at any of these meters.
    """
    asked = set(touched)
    rows = UsageAlert.objects.filter(
        merchant_id__in={one[0] for one in asked}, meter_id__in={one[2] for one in asked}, status=AlertStatus.ACTIVE
    )
    found = list(rows.select_related("merchant"))
    pairs = [
        (alert, customer_id)
        for alert in found
        for merchant_id, customer_id, meter_id in sorted(asked)
        if (alert.merchant_id, alert.meter_id) == (merchant_id, meter_id) and alert.customer_id in (None, customer_id)
    ]
    return _tell(ctx, pairs) if pairs else 0


def tell_alerts_on(ctx: Context, clock_id: str) -> int:
    """The same of all customers on a test clock."""
    on_clock = Customer.objects.filter(test_clock_id=clock_id, deleted_at__isnull=True)
    merchants = set(on_clock.values_list("merchant_id", flat=True))
    watched = UsageAlert.objects.filter(merchant_id__in=merchants, status=AlertStatus.ACTIVE)
    meters = set(watched.values_list("merchant_id", "meter_id"))
    if not meters:
        return 0
    owners = on_clock.values_list("merchant_id", "id")
    touched = [(merchant, owner, meter) for merchant, owner in owners for of, meter in meters if of == merchant]
    return tell_alerts(ctx, touched)


def _tell(ctx: Context, pairs: list[tuple[UsageAlert, str]]) -> int:
    with transaction.atomic():
        ids = sorted({alert.id for alert, _ in pairs})
        standing = UsageAlert.objects.select_for_update(no_key=True).filter(id__in=ids).order_by("id")
        rounds = {row.id: row.round for row in standing if row.status == AlertStatus.ACTIVE}
        known = set(_known(rounds).values_list("alert_id", "customer_id", "round"))
        waiting = [
            (alert, customer_id)
            for alert, customer_id in pairs
            if alert.id in rounds and (alert.id, customer_id, rounds[alert.id]) not in known
        ]
        triggers = _reached(ctx, waiting, rounds)
        AlertTrigger.objects.bulk_create([trigger for trigger, _, _ in triggers])
        record_events(ctx, [_event(*one) for one in triggers])
    return len(triggers)


def _known(rounds: dict[str, int]) -> QuerySet[AlertTrigger]:
    return AlertTrigger.objects.filter(alert_id__in=list(rounds))


def _reached(
    ctx: Context, waiting: list[tuple[UsageAlert, str]], rounds: dict[str, int]
) -> list[tuple[AlertTrigger, UsageAlert, Customer]]:
    """What has come to its threshold: two queries, whatever their number."""
    customers = Customer.objects.select_related("test_clock").in_bulk({customer_id for _, customer_id in waiting})
    windows = {
        (alert.id, customer_id): _lifetime(ctx, alert, customers[customer_id])
        for alert, customer_id in waiting
        if customer_id in customers
    }
    totals = usage_totals(list(windows.values()))
    found = []
    for alert, customer_id in waiting:
        window = windows.get((alert.id, customer_id))
        if window is None or totals[window] < alert.gte:
            continue
        trigger = AlertTrigger(
            id=new_id("alrtt"),
            merchant_id=alert.merchant_id,
            alert=alert,
            customer_id=customer_id,
            round=rounds[alert.id],
            value=totals[window],
            created=_now_of(ctx, customers[customer_id]),
            recorded_at=ctx.recorded_at,
        )
        found.append((trigger, alert, customers[customer_id]))
    return found


def _lifetime(ctx: Context, alert: UsageAlert, customer: Customer) -> UsageWindow:
    """All that the customer ever used, whatever period it was billed in."""
    until = _now_of(ctx, customer) + _AHEAD
    return UsageWindow(alert.merchant_id, alert.meter_id, customer.id, customer.created - _BEFORE, until)


def _now_of(ctx: Context, customer: Customer) -> datetime:
    return customer.test_clock.frozen_time if customer.test_clock else ctx.as_of


def _event(trigger: AlertTrigger, alert: UsageAlert, customer: Customer) -> EventRow:
    merchant = alert.merchant
    return EventRow(
        merchant_id=alert.merchant_id,
        type="billing.alert.triggered",
        object_type="billing.alert_triggered",
        object_id=trigger.id,
        object_version=1,
        customer_id=customer.id,
        body=trigger_snapshot(trigger, alert, livemode=merchant.livemode) if merchant.keep_event_bodies else None,
        test_clock_id=customer.test_clock_id,
    )
