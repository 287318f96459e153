"""Quotes: what a customer is offered, until it is taken up, withdrawn or over."""

from functools import partial

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class QuoteStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    OPEN = "open", _("open")
    ACCEPTED = "accepted", _("accepted")
    CANCELED = "canceled", _("canceled")


class Quote(models.Model):
    """An offer. `lines` are what is asked for, `computed` what the planners make of it (`engine.rules.quotes`).

    `next_action_at` is the moment at which a draft or open one lapses.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "qt"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.PROTECT, related_name="quotes"
    )
    status = models.CharField(max_length=10, choices=QuoteStatus, default=QuoteStatus.DRAFT)
    number = models.CharField(max_length=40, blank=True, default="")
    sequence = models.PositiveIntegerField(null=True, blank=True)  # of the customer's quotes; revisions share one
    revision = models.PositiveIntegerField(default=1)
    currency = models.CharField(max_length=3)
    lines = models.JSONField(default=list, blank=True)
    discounts = models.JSONField(default=list, blank=True)  # {id, coupon, promotion_code, discount} each
    default_tax_rate_ids = ArrayField(models.TextField(), default=list, blank=True)
    computed = models.JSONField(default=dict, blank=True)
    collection_method = models.CharField(max_length=20, default="charge_automatically")
    days_until_due = models.PositiveSmallIntegerField(null=True, blank=True)
    invoice_description = models.CharField(max_length=1500, blank=True, default="")
    invoice_footer = models.TextField(blank=True, default="")
    invoice_custom_fields = models.JSONField(default=list, blank=True)
    header = models.CharField(max_length=50, blank=True, default="")
    description = models.CharField(max_length=500, blank=True, default="")
    footer = models.CharField(max_length=500, blank=True, default="")
    subscription_description = models.CharField(max_length=500, blank=True, default="")
    subscription_metadata = models.JSONField(default=dict, blank=True)
    effective_date = models.DateTimeField(null=True, blank=True)
    trial_period_days = models.PositiveSmallIntegerField(null=True, blank=True)
    from_quote_id = models.TextField(blank=True, default="", db_collation="C")
    is_revision = models.BooleanField(default=False)
    expires_at = models.DateTimeField()
    next_action_at = models.DateTimeField(null=True, blank=True)
    finalized_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    seller_snapshot = models.JSONField(default=dict, blank=True)  # as on an invoice, from the moment it is finalized
    customer_snapshot = models.JSONField(default=dict, blank=True)
    locale = models.CharField(max_length=10, blank=True, default="")
    # What came of it, by id: its rooms are above this one.
    subscription_id = models.TextField(blank=True, default="", db_collation="C")
    subscription_schedule_id = models.TextField(blank=True, default="", db_collation="C")
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="quote_number_once", fields=["merchant", "number"], condition=~Q(number="")),
            models.CheckConstraint(
                name="quote_offered_is_numbered", condition=~Q(status__in=["open", "accepted"]) | ~Q(number="")
            ),
        ]
        indexes = [
            models.Index(
                name="quote_due",
                fields=["next_action_at", "id"],
                condition=Q(test_clock_id__isnull=True, next_action_at__isnull=False),
            ),
            models.Index(
                name="quote_due_on_clock",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(test_clock_id__isnull=False, next_action_at__isnull=False),
            ),
            models.Index(name="quote_by_merchant", fields=["merchant", "-created", "-id"]),
            models.Index(name="quote_by_customer", fields=["customer"]),
        ]

    def __str__(self) -> str:
        return self.number or self.id
