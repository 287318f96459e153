"""What the processor's account held, took in fees and paid out: mirrored, so that the books can be closed."""

from functools import partial

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class BalanceTransaction(models.Model):
    """One movement of the merchant's balance at a processor. `source_id` is ours, if it is of ours."""

    id = models.TextField(primary_key=True, default=partial(new_id, "txn"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    gateway = models.CharField(max_length=20)
    gateway_balance_transaction_id = models.TextField(db_collation="C")
    type = models.CharField(max_length=50)  # charge, refund, adjustment, payout, stripe_fee, …
    reporting_category = models.CharField(max_length=50, blank=True, default="")
    amount = models.BigIntegerField()
    fee = models.BigIntegerField(default=0)
    net = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    exchange_rate = models.DecimalField(max_digits=20, decimal_places=12, null=True, blank=True)
    status = models.CharField(max_length=12)  # pending, available
    description = models.TextField(blank=True, default="")
    gateway_source_id = models.TextField(blank=True, default="", db_collation="C")
    source_id = models.TextField(blank=True, default="", db_collation="C")
    available_on = models.DateTimeField()
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="balance_transaction_once", fields=["merchant", "gateway", "gateway_balance_transaction_id"]
            ),
            models.CheckConstraint(name="balance_transaction_adds_up", condition=Q(net=F("amount") - F("fee"))),
        ]
        indexes = [
            models.Index(name="balance_by_merchant", fields=["merchant", "-created", "-id"]),
            models.Index(name="balance_by_source", fields=["merchant", "source_id"]),
        ]


class PayoutStatus(models.TextChoices):
    PENDING = "pending", _("pending")
    IN_TRANSIT = "in_transit", _("in transit")
    PAID = "paid", _("paid")
    FAILED = "failed", _("failed")
    CANCELED = "canceled", _("canceled")


class Payout(models.Model):
    """What the processor sent to the merchant's bank."""

    id = models.TextField(primary_key=True, default=partial(new_id, "po"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    gateway = models.CharField(max_length=20)
    gateway_payout_id = models.TextField(db_collation="C")
    status = models.CharField(max_length=10, choices=PayoutStatus)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    automatic = models.BooleanField(default=True)
    failure_code = models.CharField(max_length=60, blank=True, default="")
    arrival_date = models.DateTimeField()
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="payout_once", fields=["merchant", "gateway", "gateway_payout_id"]),
        ]
        indexes = [models.Index(name="payout_by_merchant", fields=["merchant", "-created", "-id"])]
