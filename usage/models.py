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


class BucketState(models.TextChoices):
    OPEN = "open"  # not to be read: its events are
    CLOSING = "closing"  # from here on whoever writes an event of this hour opens it again
    READY = "ready"  # what it says is what its events say


class UsageBucket(models.Model):
    """What a meter counted for a customer in the hour that begins at `hour`, so that a long bill need not read it all.

    A bucket only repeats what the events say (`usage.buckets` tells how it never says anything else); an hour without
    one that is ready is read event by event. Canceled events count nothing. `seen` is how many events were noticed,
    `touched_at` when, by the wall: what is small or still busy gets no bucket.
    """

    id = models.BigAutoField(primary_key=True)
    merchant_id = models.TextField(db_collation="C")
    meter_id = models.TextField(db_collation="C")
    customer_id = models.TextField(db_collation="C")
    hour = models.DateTimeField()
    state = models.CharField(max_length=10, choices=BucketState, default=BucketState.OPEN)
    seen = models.BigIntegerField(default=0)
    touched_at = models.DateTimeField()
    events = models.BigIntegerField(default=0)
    total = models.DecimalField(max_digits=50, decimal_places=12, default=0)
    largest = models.DecimalField(max_digits=30, decimal_places=12, null=True, blank=True)
    latest = models.DecimalField(max_digits=30, decimal_places=12, null=True, blank=True)
    latest_at = models.DateTimeField(null=True, blank=True)
    first_reported_at = models.DateTimeField(null=True, blank=True)
    last_reported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_bucket_per_hour", fields=["merchant_id", "meter_id", "customer_id", "hour"]
            )
        ]
        indexes = [
            models.Index(name="bucket_not_ready", fields=["touched_at"], condition=~models.Q(state=BucketState.READY))
        ]


class AlertStatus(models.TextChoices):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ARCHIVED = "archived"


class UsageAlert(models.Model):
    """Told once for each customer whose use of the meter comes to `gte`; activating it again begins another round."""

    id = models.TextField(primary_key=True, default=partial(new_id, "alrt"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    meter = models.ForeignKey("catalog.Meter", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("customers.Customer", null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=256)
    gte = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=AlertStatus, default=AlertStatus.ACTIVE)
    round = models.PositiveIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="alert_at_something", condition=models.Q(gte__gt=0))]
        indexes = [
            models.Index(
                name="alert_by_meter", fields=["merchant", "meter"], condition=models.Q(status=AlertStatus.ACTIVE)
            )
        ]

    def __str__(self) -> str:
        return self.title


class AlertTrigger(models.Model):
    """An alert that was told of a customer, and at which use."""

    id = models.TextField(primary_key=True, default=partial(new_id, "alrtt"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    alert = models.ForeignKey(UsageAlert, on_delete=models.PROTECT, related_name="triggers")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    round = models.PositiveIntegerField()
    value = models.DecimalField(max_digits=50, decimal_places=12)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="alert_once_per_round", fields=["merchant", "alert", "customer", "round"])
        ]
