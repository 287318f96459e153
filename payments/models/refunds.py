"""Money that goes back."""

from functools import partial

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id
from payments.models.collecting import Charge


class RefundStatus(models.TextChoices):
    PLANNED = "planned", _("planned")
    PENDING = "pending", _("pending")
    UNKNOWN = "unknown", _("unknown")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")


class Refund(models.Model):
    """Money that goes back. Committed before the gateway is called, as a charge is."""

    id = models.TextField(primary_key=True, default=partial(new_id, "re"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer_id = models.TextField(blank=True, default="", db_collation="C")
    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, db_constraint=False, related_name="refunds")
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    status = models.CharField(max_length=10, choices=RefundStatus, default=RefundStatus.PLANNED)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=30, blank=True, default="")
    note = models.TextField(blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    gateway = models.CharField(max_length=20)
    gateway_refund_id = models.TextField(blank=True, default="")
    idempotency_key = models.TextField()
    failure_reason = models.CharField(max_length=60, blank=True, default="")
    called_at = models.DateTimeField(null=True, blank=True)  # wall time of the last call to the gateway
    resolve_after = models.DateTimeField(null=True, blank=True)  # wall time of the next look-up of an unknown outcome
    next_action_at = models.DateTimeField(null=True, blank=True)  # business time: a refund that settles later
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="refund_key_once", fields=["merchant", "idempotency_key"]),
            models.CheckConstraint(name="refund_is_positive", condition=Q(amount__gt=0)),
        ]
        indexes = [
            models.Index(name="refund_by_merchant", fields=["merchant", "-created", "-id"]),
            models.Index(
                name="refund_in_flight",
                fields=["recorded_at", "id"],
                condition=Q(status__in=["planned", "unknown"]),
            ),
            models.Index(
                name="refund_due",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(next_action_at__isnull=False),
            ),
        ]
