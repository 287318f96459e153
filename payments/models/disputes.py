"""Charges that a cardholder disputes, as the processor tells of them."""

from functools import partial

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id
from payments.models.collecting import Charge


class DisputeStatus(models.TextChoices):
    WARNING_NEEDS_RESPONSE = "warning_needs_response", _("inquiry: needs a response")
    WARNING_UNDER_REVIEW = "warning_under_review", _("inquiry: under review")
    WARNING_CLOSED = "warning_closed", _("inquiry closed")
    NEEDS_RESPONSE = "needs_response", _("needs a response")
    UNDER_REVIEW = "under_review", _("under review")
    WON = "won", _("won")
    LOST = "lost", _("lost")
    PREVENTED = "prevented", _("prevented")


OPEN_DISPUTE_STATUSES = ["warning_needs_response", "warning_under_review", "needs_response", "under_review"]


class Dispute(models.Model):
    """A dispute of one of our charges. Moved by the processor alone; evidence is sent there and read back."""

    id = models.TextField(primary_key=True, default=partial(new_id, "du"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, db_constraint=False, related_name="disputes")
    customer_id = models.TextField(blank=True, default="", db_collation="C")
    payment_intent_id = models.TextField(blank=True, default="", db_collation="C")
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    gateway = models.CharField(max_length=20)
    gateway_dispute_id = models.TextField(db_collation="C")
    status = models.CharField(max_length=24, choices=DisputeStatus)
    reason = models.CharField(max_length=40, blank=True, default="")
    network_reason_code = models.CharField(max_length=20, blank=True, default="")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    is_charge_refundable = models.BooleanField(default=False)
    evidence = models.JSONField(default=dict, blank=True)  # what was sent: Stripe's names; files by their ids
    evidence_due_by = models.DateTimeField(null=True, blank=True)
    evidence_submitted_at = models.DateTimeField(null=True, blank=True)
    evidence_past_due = models.BooleanField(default=False)  # what was handed in last came too late
    submission_count = models.PositiveSmallIntegerField(default=0)
    metadata = models.JSONField(default=dict, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    next_action_at = models.DateTimeField(null=True, blank=True)  # business time: when its processor is asked again
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="dispute_once", fields=["merchant", "gateway", "gateway_dispute_id"]),
            models.CheckConstraint(name="dispute_is_positive", condition=Q(amount__gte=0)),
        ]
        indexes = [
            models.Index(name="dispute_by_merchant", fields=["merchant", "-created", "-id"]),
            models.Index(
                name="dispute_to_answer",
                fields=["merchant", "evidence_due_by"],
                condition=Q(status__in=["warning_needs_response", "needs_response"]),
            ),
            models.Index(
                name="dispute_due",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(next_action_at__isnull=False),
            ),
        ]


class EvidenceFile(models.Model):
    """A file of ours that was handed to a processor, and what it is called there. Uploaded once, named as often."""

    id = models.TextField(primary_key=True, default=partial(new_id, "evf"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey("merchants.File", on_delete=models.PROTECT, related_name="+")
    gateway = models.CharField(max_length=20)
    gateway_file_id = models.TextField(db_collation="C")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="evidence_file_once", fields=["merchant", "gateway", "file"]),
            models.UniqueConstraint(name="evidence_file_there_once", fields=["merchant", "gateway", "gateway_file_id"]),
        ]
