"""The outbox: every business fact, with its object as of that version."""

from functools import partial

from django.db import models

from core.ids import new_id


class XidField(models.Field):
    """PostgreSQL's xid8: the writing transaction's id, filled by a column default and never sent by us."""

    def db_type(self, connection) -> str:
        return "xid8"


class Event(models.Model):
    """One business fact. `created` is business time, `recorded_at` wall time, `xid` the writing transaction."""

    id = models.TextField(primary_key=True, default=partial(new_id, "evt"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    type = models.TextField()
    object_type = models.TextField()
    object_id = models.TextField(db_collation="C")
    object_version = models.BigIntegerField()
    customer_id = models.TextField(blank=True, default="", db_collation="C")  # for timelines
    previous_attributes = models.JSONField(null=True, blank=True)
    actor = models.TextField(blank=True, default="")
    request_id = models.TextField(blank=True, default="")
    idempotency_key = models.TextField(blank=True, default="")
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    xid = XidField(db_default=models.Func(function="pg_current_xact_id"), editable=False)  # left out of the COPY

    class Meta:
        indexes = [
            models.Index(name="event_relay_order", fields=["xid", "id"]),
            models.Index(name="event_by_merchant", fields=["merchant_id", "-created", "-id"]),
            models.Index(name="event_by_object", fields=["merchant_id", "object_id", "object_version"]),
            models.Index(name="event_by_customer", fields=["merchant_id", "customer_id", "-created"]),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.object_id}"


class ObjectVersion(models.Model):
    """An object's JSON as of one version, stored once however many events tell of it."""

    id = models.TextField(primary_key=True, default=partial(new_id, "ov"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    object_id = models.TextField(db_collation="C")
    version = models.BigIntegerField()
    body = models.JSONField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_body_per_version", fields=["merchant_id", "object_id", "version"])
        ]


class ConsumerCursor(models.Model):
    """How far a consumer has read, in (xid, id) order."""

    consumer = models.TextField(primary_key=True)
    xid = models.TextField(default="0")
    event_id = models.TextField(default="", db_collation="C")
    recorded_at = models.DateTimeField()


class ConsumedAhead(models.Model):
    """An event that was handed over before its turn because a later version waited for it."""

    id = models.BigAutoField(primary_key=True)
    merchant_id = models.TextField(db_collation="C")
    consumer = models.TextField()
    event_id = models.TextField(db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="consumed_ahead_once", fields=["merchant_id", "consumer", "event_id"])
        ]


class HeldEvent(models.Model):
    """An event that a consumer could not take, or that waits behind one of its own object. Nothing else waits for it.

    `attempts` is 0 while it only waits behind another; `retry_at` is then empty.
    """

    id = models.BigAutoField(primary_key=True)
    merchant_id = models.TextField(db_collation="C")
    consumer = models.TextField()
    event_id = models.TextField(db_collation="C")
    object_id = models.TextField(db_collation="C")
    object_version = models.BigIntegerField()
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    retry_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="event_held_once", fields=["merchant_id", "consumer", "event_id"])]
        indexes = [
            models.Index(name="held_by_object", fields=["consumer", "merchant_id", "object_id"]),
            models.Index(name="held_due", fields=["consumer", "retry_at"], condition=models.Q(retry_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.event_id}"
