"""Only facts about runs: what ran, what it refused, and signups that must pay before they exist."""

from functools import partial

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class BillingRun(models.Model):
    """One waking of the run: how much of each kind it did. Crosses merchants."""

    id = models.TextField(primary_key=True, default=partial(new_id, "run"), editable=False, db_collation="C")
    kind = models.CharField(max_length=20)  # renewal, finalization, collection, settlement
    worker = models.CharField(max_length=100, blank=True, default="")
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    as_of = models.DateTimeField()
    chunks = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()  # wall time
    ended_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="run_by_start", fields=["-started_at"])]


class RefusalStatus(models.TextChoices):
    OPEN = "open", _("open")
    RESOLVED = "resolved", _("resolved")


class Refusal(models.Model):
    """One object the run would not touch, why, and when it looks again. Nothing is skipped silently."""

    id = models.TextField(primary_key=True, default=partial(new_id, "rfu"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    object_id = models.TextField(db_collation="C")
    kind = models.CharField(max_length=20)
    code = models.CharField(max_length=60)
    message = models.TextField()
    params = models.JSONField(default=dict, blank=True)
    times = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10, choices=RefusalStatus, default=RefusalStatus.OPEN)
    retry_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_open_refusal_per_object", fields=["merchant", "object_id", "kind"], condition=Q(status="open")
            )
        ]


class PendingSubscribe(models.Model):
    """A signup, or a change, under error_if_incomplete: nothing visible exists until its payment succeeded.

    A change has its `subscription_id` from the beginning, a signup once it is complete.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "psub"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer_id = models.TextField(db_collation="C")
    request = models.JSONField()
    status = models.CharField(max_length=10, default="open")
    subscription_id = models.TextField(blank=True, default="", db_collation="C")
    payment_intent_id = models.TextField(blank=True, default="", db_collation="C")
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
