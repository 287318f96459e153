"""What is collected, each attempt, and how it was allocated."""

from functools import partial

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class PaymentIntentStatus(models.TextChoices):
    REQUIRES_PAYMENT_METHOD = "requires_payment_method", _("needs a payment method")
    REQUIRES_CONFIRMATION = "requires_confirmation", _("to be confirmed")
    REQUIRES_ACTION = "requires_action", _("needs authentication")
    PROCESSING = "processing", _("processing")
    REQUIRES_CAPTURE = "requires_capture", _("authorized, to be captured")
    SUCCEEDED = "succeeded", _("succeeded")
    CANCELED = "canceled", _("canceled")


# What still collects an invoice; an invoice's payment is captured at once.
OPEN_INTENT_STATUSES = ["requires_payment_method", "requires_confirmation", "requires_action", "processing"]


class PaymentIntent(models.Model):
    """What is to be collected: for an invoice, of which at most one is open, or for itself (/v1/payment_intents)."""

    id = models.TextField(primary_key=True, default=partial(new_id, "pi"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.PROTECT, related_name="payment_intents"
    )  # an invoice's always has one
    invoice = models.ForeignKey(
        "invoicing.Invoice", null=True, blank=True, on_delete=models.PROTECT, related_name="payment_intents"
    )
    status = models.CharField(max_length=30, choices=PaymentIntentStatus)
    amount = models.BigIntegerField()
    amount_received = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    gateway = models.CharField(max_length=20)
    gateway_intent_id = models.TextField(blank=True, default="")
    capture_method = models.CharField(max_length=20, default="automatic")
    # What else was asked of a payment for itself, by Stripe's names: payments.types.IntentTerms.
    terms = models.JSONField(default=dict, blank=True)
    payment_method_id = models.TextField(blank=True, default="", db_collation="C")
    latest_charge_id = models.TextField(blank=True, default="", db_collation="C")
    last_payment_error = models.JSONField(null=True, blank=True)
    next_action = models.JSONField(null=True, blank=True)
    statement_descriptor = models.CharField(max_length=22, blank=True, default="")
    description = models.TextField(blank=True, default="")
    canceled_at = models.DateTimeField(null=True, blank=True)
    cancellation_reason = models.CharField(max_length=30, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_open_intent_per_invoice",
                fields=["merchant", "invoice"],
                condition=Q(invoice__isnull=False, status__in=OPEN_INTENT_STATUSES),
            ),
            models.CheckConstraint(name="intent_collects_something", condition=Q(amount__gt=0)),
        ]
        indexes = [models.Index(name="intent_by_merchant", fields=["merchant", "-created", "-id"])]


class ChargeStatus(models.TextChoices):
    PLANNED = "planned", _("planned")
    PROCESSING = "processing", _("processing")
    REQUIRES_ACTION = "requires_action", _("needs authentication")
    AUTHORIZED = "authorized", _("authorized, to be captured")
    UNKNOWN = "unknown", _("unknown")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELED = "canceled", _("canceled")


IN_FLIGHT_CHARGE_STATUSES = ["planned", "processing", "requires_action", "authorized", "unknown"]


class Charge(models.Model):
    """One attempt. It is committed, with its idempotency key, before the gateway is called."""

    id = models.TextField(primary_key=True, default=partial(new_id, "ch"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    customer_id = models.TextField(db_collation="C")
    payment_intent = models.ForeignKey(
        PaymentIntent, on_delete=models.PROTECT, db_constraint=False, related_name="charges"
    )
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    status = models.CharField(max_length=16, choices=ChargeStatus, default=ChargeStatus.PLANNED)
    attempt = models.PositiveSmallIntegerField(default=1)
    with_backups = models.BooleanField(default=False)  # declined, the customer's backups are tried at once
    backup_of = models.TextField(blank=True, default="", db_collation="C")  # the declined charge that began this try
    off_session = models.BooleanField(default=True)
    amount = models.BigIntegerField()
    amount_captured = models.BigIntegerField(null=True, blank=True)  # where it was authorized first; null: all of it
    amount_to_capture = models.BigIntegerField(null=True, blank=True)  # promised before the gateway is asked; 0: let go
    authorized_at = models.DateTimeField(null=True, blank=True)
    amount_refunded = models.BigIntegerField(default=0)
    disputed = models.BooleanField(default=False)  # ever, as Stripe's
    currency = models.CharField(max_length=3)
    gateway = models.CharField(max_length=20)
    gateway_charge_id = models.TextField(blank=True, default="")
    idempotency_key = models.TextField()
    payment_method_id = models.TextField(blank=True, default="", db_collation="C")
    failure_code = models.CharField(max_length=60, blank=True, default="")
    decline_code = models.CharField(max_length=60, blank=True, default="")
    failure_message = models.TextField(blank=True, default="")
    network_decline_code = models.CharField(max_length=10, blank=True, default="")
    network_advice_code = models.CharField(max_length=10, blank=True, default="")
    statement_descriptor = models.CharField(max_length=22, blank=True, default="")
    called_at = models.DateTimeField(null=True, blank=True)  # wall time of the last call to the gateway
    resolve_after = models.DateTimeField(null=True, blank=True)  # wall time of the next look-up of an unknown outcome
    next_action_at = models.DateTimeField(null=True, blank=True)  # business time: a debit that settles later
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    succeeded_at = models.DateTimeField(null=True, blank=True)
    description = models.TextField(blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="charge_key_once", fields=["merchant_id", "idempotency_key"]),
            models.UniqueConstraint(
                name="one_charge_in_flight_per_intent",
                fields=["merchant_id", "payment_intent"],
                condition=Q(status__in=IN_FLIGHT_CHARGE_STATUSES),
            ),
            models.CheckConstraint(
                name="charge_refunds_at_most_itself",
                condition=Q(amount_refunded__gte=0, amount_refunded__lte=F("amount")),
            ),
        ]
        indexes = [
            models.Index(name="charge_by_merchant", fields=["merchant_id", "-created", "-id"]),
            models.Index(name="charge_by_invoice", fields=["merchant_id", "invoice_id"]),
            models.Index(name="charge_by_method", fields=["payment_method_id", "created"]),
            models.Index(
                name="charge_look_up",
                fields=["resolve_after", "id"],
                condition=Q(resolve_after__isnull=False),
            ),
            models.Index(
                name="charge_in_flight",
                fields=["recorded_at", "id"],
                condition=Q(status__in=["planned", "unknown"]),
            ),
            models.Index(
                name="charge_due",
                fields=["next_action_at", "id"],
                condition=Q(test_clock_id__isnull=True, next_action_at__isnull=False),
            ),
            models.Index(
                name="charge_due_on_clock",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(test_clock_id__isnull=False, next_action_at__isnull=False),
            ),
        ]


class InvoicePayment(models.Model):
    """How money was allocated to an invoice."""

    id = models.TextField(primary_key=True, default=partial(new_id, "inpay"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    invoice = models.ForeignKey("invoicing.Invoice", on_delete=models.PROTECT, related_name="payments")
    type = models.CharField(max_length=20)  # payment_intent, out_of_band
    charge_id = models.TextField(blank=True, default="", db_collation="C")
    payment_intent_id = models.TextField(blank=True, default="", db_collation="C")
    amount_paid = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    note = models.TextField(blank=True, default="")
    reference = models.CharField(max_length=100, blank=True, default="")  # of a transfer, as the bank shows it
    received_at = models.DateTimeField(null=True, blank=True)  # out of band: the day that the bank shows
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="charge_allocated_once", fields=["merchant", "charge_id"], condition=~Q(charge_id="")
            ),
            models.CheckConstraint(name="invoice_payment_is_positive", condition=Q(amount_paid__gt=0)),
        ]
