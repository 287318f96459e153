"""What meters counted: usage events by month, and the identifiers that let each count once."""

from functools import partial

from django.db import models

from core.ids import new_id
from events.models import XidField


class UsageEvent(models.Model):
    """One reported use. The table is partitioned by the month of `timestamp` (see the migration).

    `timestamp` is when it was used and `reported_at` when it was accepted, both on the customer's clock. `value` is
    what sum, last and max take; `label` what `unique` counts. One that was canceled stays and counts nothing.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "mevt"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    meter_id = models.TextField(db_collation="C")
    customer_id = models.TextField(db_collation="C")
    identifier = models.TextField()
    timestamp = models.DateTimeField()
    reported_at = models.DateTimeField()
    value = models.DecimalField(max_digits=30, decimal_places=12)
    label = models.TextField(blank=True, default="")
    canceled_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    xid = XidField(db_default=models.Func(function="pg_current_xact_id"), editable=False)

    class Meta:
        indexes = [
            models.Index(name="usage_by_window", fields=["merchant_id", "meter_id", "customer_id", "timestamp"]),
            models.Index(name="usage_in_order", fields=["xid", "id"]),
        ]


class UsageIdentifier(models.Model):
    """An identifier that was accepted, with the event's id: it is accepted once, whatever its timestamp.

    Apart from the events, whose unique keys would have to hold the timestamp. Kept for 36 days of wall time.
    """

    id = models.TextField(primary_key=True, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    identifier = models.TextField(db_collation="C")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="usage_identifier_once", fields=["merchant_id", "identifier"])]
        indexes = [models.Index(name="usage_identifier_by_age", fields=["recorded_at"])]


class UsageCursor(models.Model):
    """How far a reader of usage events has come: (xid, id) of the last one it saw."""

    reader = models.TextField(primary_key=True)
    xid = models.TextField(default="0")
    event_id = models.TextField(db_collation="C", default="")
    recorded_at = models.DateTimeField()
