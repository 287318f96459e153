"""A way to pay that is made ready to be charged later."""

from functools import partial

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class SetupIntentStatus(models.TextChoices):
    REQUIRES_PAYMENT_METHOD = "requires_payment_method", _("needs a payment method")
    REQUIRES_CONFIRMATION = "requires_confirmation", _("to be confirmed")
    SUCCEEDED = "succeeded", _("succeeded")
    CANCELED = "canceled", _("canceled")


class SetupIntent(models.Model):
    """Stripe's setup_intent: confirmed, its method is the customer's. Nothing is charged by it."""

    id = models.TextField(primary_key=True, default=partial(new_id, "seti"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(max_length=24, choices=SetupIntentStatus)
    payment_method_id = models.TextField(blank=True, default="", db_collation="C")
    payment_method_types = models.JSONField(default=list, blank=True)
    usage = models.CharField(max_length=12, default="off_session")
    description = models.TextField(blank=True, default="")
    last_setup_error = models.JSONField(null=True, blank=True)
    cancellation_reason = models.CharField(max_length=30, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="setup_intent_by_merchant", fields=["merchant", "-created", "-id"])]

    def __str__(self) -> str:
        return self.id
