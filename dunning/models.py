"""How failed payments are chased: policies, and one case per invoice that failed."""

from functools import partial

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class EndBehavior(models.TextChoices):
    CANCEL = "cancel", _("cancel the subscription")
    UNPAID = "unpaid", _("mark the subscription unpaid")
    PAST_DUE = "past_due", _("leave the subscription past due")


def default_retry_delays() -> list[int]:
    """Hours after the failure before, for each retry: eight tries in two weeks."""
    return [24, 24, 48, 48, 48, 48, 96]


class RecoveryPolicy(models.Model):
    """When a failed payment is tried again and what happens when tries end."""

    id = models.TextField(primary_key=True, default=partial(new_id, "rpol"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    is_default = models.BooleanField(default=True)
    retry_delays_hours = ArrayField(models.PositiveIntegerField(), default=default_retry_delays)
    end_behavior = models.CharField(max_length=10, choices=EndBehavior, default=EndBehavior.CANCEL)
    visa_attempts_per_30_days = models.PositiveSmallIntegerField(default=15)  # what the acquirer allows, 20 at most
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "recovery policies"
        constraints = [
            models.UniqueConstraint(
                name="one_default_recovery_policy", fields=["merchant"], condition=Q(is_default=True)
            ),
            models.CheckConstraint(
                name="visa_attempts_within_the_network_rule",
                condition=Q(visa_attempts_per_30_days__gte=1, visa_attempts_per_30_days__lte=20),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CaseStatus(models.TextChoices):
    OPEN = "open", _("open")
    RECOVERED = "recovered", _("recovered")
    EXHAUSTED = "exhausted", _("exhausted")
    CLOSED = "closed", _("closed")


class RecoveryCase(models.Model):
    """One invoice whose payment failed, from the first failure to its end."""

    id = models.TextField(primary_key=True, default=partial(new_id, "rcas"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(RecoveryPolicy, on_delete=models.PROTECT, related_name="+")
    invoice = models.ForeignKey("invoicing.Invoice", on_delete=models.PROTECT, related_name="recovery_cases")
    customer_id = models.TextField(db_collation="C")
    subscription_id = models.TextField(blank=True, default="", db_collation="C")
    status = models.CharField(max_length=10, choices=CaseStatus, default=CaseStatus.OPEN)
    failures = models.PositiveSmallIntegerField(default=0)
    last_charge_id = models.TextField(blank=True, default="", db_collation="C")
    last_decline_code = models.CharField(max_length=60, blank=True, default="")
    decision = models.CharField(max_length=20, blank=True, default="")  # retry, ask_customer, give_up
    reason = models.CharField(max_length=60, blank=True, default="")
    first_failed_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    gives_up_at = models.DateTimeField(null=True, blank=True)  # when nothing was tried or paid until then, it ends
    closed_at = models.DateTimeField(null=True, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_open_case_per_invoice", fields=["merchant", "invoice"], condition=Q(status="open")
            )
        ]
        indexes = [
            models.Index(name="open_case_by_customer", fields=["customer_id"], condition=Q(status="open")),
        ]
