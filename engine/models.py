"""Only facts about runs: what ran, what it refused, what it would bill, and signups that must pay before they exist."""

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
    noted_at = models.DateTimeField(null=True, blank=True)  # wall time: its last chunk; one that died moves no more
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
    message = models.TextField()  # as the translators know it; its %(named)s holes are filled from `params`
    params = models.JSONField(default=dict, blank=True)
    times = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10, choices=RefusalStatus, default=RefusalStatus.OPEN)
    retry_at = models.DateTimeField()
    retried_at = models.DateTimeField(null=True, blank=True)  # wall time: when a person last asked for it, and who
    retried_by = models.TextField(blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_open_refusal_per_object", fields=["merchant", "object_id", "kind"], condition=Q(status="open")
            )
        ]


class DryRunStatus(models.TextChoices):
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    STOPPED = "stopped", _("stopped")  # another one was asked for
    FAILED = "failed", _("failed")


class DryRun(models.Model):
    """What would be billed by `as_of`, as far as it was planned. `figures` is `engine.rules.tally.Tally` as JSON."""

    id = models.TextField(primary_key=True, default=partial(new_id, "dry"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    as_of = models.DateTimeField()
    status = models.CharField(max_length=10, choices=DryRunStatus, default=DryRunStatus.RUNNING)
    after_customer_id = models.TextField(blank=True, default="", db_collation="C")  # planned up to and with this one
    figures = models.JSONField(default=dict)
    actor = models.TextField(blank=True, default="")
    created = models.DateTimeField()  # wall time, as `recorded_at`: nothing happened in business
    finished_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="dry_run_by_merchant", fields=["merchant", "-created", "-id"])]


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
