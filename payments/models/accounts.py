"""A merchant's account at a processor, who and what it knows of ours, and what it told us."""

from functools import partial

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class AccountStatus(models.TextChoices):
    ACTIVE = "active", _("connected")
    REFUSED = "refused", _("key refused")
    DISCONNECTED = "disconnected", _("disconnected")


class GatewayAccount(models.Model):
    """The merchant's own account at a processor. Both secrets are sealed (payments/sealing.py), bound to this row."""

    id = models.TextField(primary_key=True, default=partial(new_id, "gwa"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="gateway_accounts")
    gateway = models.CharField(max_length=20)
    gateway_account_id = models.TextField(blank=True, default="", db_collation="C")
    status = models.CharField(max_length=12, choices=AccountStatus, default=AccountStatus.ACTIVE)
    livemode = models.BooleanField(default=False)
    name = models.CharField(max_length=200, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    api_key_sealed = models.TextField(blank=True, default="")
    api_key_hint = models.CharField(max_length=20, blank=True, default="")  # "sk_test_…4242", for people
    webhook_endpoint_id = models.TextField(blank=True, default="", db_collation="C")
    webhook_secret_sealed = models.TextField(blank=True, default="")
    # For a day after a rotation the processor signs with both secrets.
    webhook_secret_before_sealed = models.TextField(blank=True, default="")
    events_seen_until = models.DateTimeField(null=True, blank=True)  # wall: how far the sweep over its events came
    balance_seen_until = models.DateTimeField(null=True, blank=True)  # wall: the same of its balance transactions
    refused_at = models.DateTimeField(null=True, blank=True)  # wall
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_connected_account_per_gateway",
                fields=["merchant", "gateway"],
                condition=~Q(status="disconnected"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.gateway_account_id}"


class GatewayCustomer(models.Model):
    """The processor's id of our customer, in one account of the processor."""

    id = models.TextField(primary_key=True, default=partial(new_id, "gwc"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    gateway_account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, related_name="+")
    customer_id = models.TextField(db_collation="C")
    gateway_customer_id = models.TextField(db_collation="C")
    deleted_at = models.DateTimeField(null=True, blank=True)  # deleted over there: it is made anew when needed
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="gateway_customer_once",
                fields=["merchant_id", "gateway_account", "customer_id"],
                condition=Q(deleted_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="gateway_customer_is_one_of_ours",
                fields=["merchant_id", "gateway_account", "gateway_customer_id"],
            ),
        ]


class GatewaySetupStatus(models.TextChoices):
    OPEN = "open", _("open")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    EXPIRED = "expired", _("expired")


class GatewaySetup(models.Model):
    """A way to pay that is being set up on the processor's own page: no number of it ever passes through here."""

    id = models.TextField(primary_key=True, default=partial(new_id, "gws"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    gateway = models.CharField(max_length=20)
    gateway_setup_id = models.TextField(blank=True, default="", db_collation="C")
    status = models.CharField(max_length=10, choices=GatewaySetupStatus, default=GatewaySetupStatus.OPEN)
    make_default = models.BooleanField(default=True)
    payment_method_id = models.TextField(blank=True, default="", db_collation="C")
    failure_code = models.CharField(max_length=60, blank=True, default="")
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="gateway_setup_once",
                fields=["merchant", "gateway", "gateway_setup_id"],
                condition=~Q(gateway_setup_id=""),
            ),
        ]


class GatewayEventStatus(models.TextChoices):
    RECEIVED = "received", _("received")
    APPLIED = "applied", _("applied")
    IGNORED = "ignored", _("not ours")
    FAILED = "failed", _("given up")


class GatewayEvent(models.Model):
    """The inbox: that the processor said something of an object. What it said is not kept: the object is read anew."""

    id = models.TextField(primary_key=True, default=partial(new_id, "gwe"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    gateway_account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    gateway_event_id = models.TextField(db_collation="C")
    type = models.CharField(max_length=100)
    object_type = models.CharField(max_length=60, blank=True, default="")
    object_id = models.TextField(blank=True, default="", db_collation="C")
    status = models.CharField(max_length=10, choices=GatewayEventStatus, default=GatewayEventStatus.RECEIVED)
    source = models.CharField(max_length=10, default="webhook")  # webhook, sweep
    attempts = models.PositiveSmallIntegerField(default=0)
    apply_after = models.DateTimeField(null=True, blank=True)  # wall; null: there is nothing left to do
    error = models.TextField(blank=True, default="")
    created = models.DateTimeField()  # when it happened, by the processor's clock
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="gateway_event_once", fields=["merchant_id", "gateway_account", "gateway_event_id"]
            ),
        ]
        indexes = [
            models.Index(
                name="gateway_event_to_apply", fields=["apply_after", "id"], condition=Q(apply_after__isnull=False)
            ),
            models.Index(name="gateway_event_by_age", fields=["recorded_at"]),
        ]
