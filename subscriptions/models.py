"""What recurs: subscriptions, their items and discounts, what was billed, and the sessions that sell them."""

from functools import partial

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import new_id
from subscriptions.portal_models import PortalConfiguration as PortalConfiguration
from subscriptions.quote_models import Quote as Quote, QuoteStatus as QuoteStatus


class SubscriptionStatus(models.TextChoices):
    INCOMPLETE = "incomplete", _("incomplete")
    INCOMPLETE_EXPIRED = "incomplete_expired", _("incomplete, expired")
    TRIALING = "trialing", _("trialing")
    ACTIVE = "active", _("active")
    PAST_DUE = "past_due", _("past due")
    UNPAID = "unpaid", _("unpaid")
    PAUSED = "paused", _("paused")
    CANCELED = "canceled", _("canceled")


class CollectionMethod(models.TextChoices):
    CHARGE_AUTOMATICALLY = "charge_automatically", _("charge automatically")
    SEND_INVOICE = "send_invoice", _("send an invoice")


class PauseBehavior(models.TextChoices):
    """What becomes of the invoices of a subscription whose collection is paused."""

    VOID = "void", _("void")
    KEEP_AS_DRAFT = "keep_as_draft", _("keep as draft")
    MARK_UNCOLLECTIBLE = "mark_uncollectible", _("mark uncollectible")


class Subscription(models.Model):
    """A customer's running agreement. `next_action_at` is the one column that says when the run must look at it."""

    id = models.TextField(primary_key=True, default=partial(new_id, "sub"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="subscriptions")
    billing_entity = models.ForeignKey("merchants.BillingEntity", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=20, choices=SubscriptionStatus)
    collection_method = models.CharField(
        max_length=20, choices=CollectionMethod, default=CollectionMethod.CHARGE_AUTOMATICALLY
    )
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=500, blank=True, default="")
    billing_cycle_anchor = models.DateTimeField()
    # The day that was meant when the anchor itself was clamped to a short month (31 meant, 28 February anchored).
    anchor_day_of_month = models.PositiveSmallIntegerField(null=True, blank=True)
    billing_cycle_anchor_config = models.JSONField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    start_date = models.DateTimeField()
    trial_start = models.DateTimeField(null=True, blank=True)
    trial_end = models.DateTimeField(null=True, blank=True)
    trial_missing_payment_method = models.CharField(max_length=16, default="create_invoice")
    trial_will_end_sent_at = models.DateTimeField(null=True, blank=True)
    cancel_at_period_end = models.BooleanField(default=False)
    cancel_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cancellation_reason = models.CharField(max_length=30, blank=True, default="")
    cancellation_feedback = models.CharField(max_length=30, blank=True, default="")
    cancellation_comment = models.TextField(blank=True, default="")
    days_until_due = models.PositiveSmallIntegerField(null=True, blank=True)
    billing_threshold_amount = models.BigIntegerField(null=True, blank=True)  # amount_gte: usage is invoiced early
    billing_threshold_resets_anchor = models.BooleanField(default=False)
    default_payment_method_id = models.TextField(blank=True, default="", db_collation="C")
    pending_setup_intent_id = models.TextField(blank=True, default="", db_collation="C")  # begun without a method
    # on_subscription: what pays an invoice of it becomes its default method.
    save_default_payment_method = models.CharField(max_length=16, default="off")
    default_tax_rate_ids = ArrayField(models.TextField(), default=list, blank=True)
    latest_invoice_id = models.TextField(blank=True, default="", db_collation="C")
    incomplete_expires_at = models.DateTimeField(null=True, blank=True)
    pause_behavior = models.CharField(max_length=20, choices=PauseBehavior, blank=True, default="")
    pause_resumes_at = models.DateTimeField(null=True, blank=True)
    # A change that waits to be paid. It stands only while it has not expired: the instant decides, not the body.
    pending_update = models.JSONField(null=True, blank=True)
    pending_update_expires_at = models.DateTimeField(null=True, blank=True)
    schedule_id = models.TextField(blank=True, default="", db_collation="C")
    next_action_at = models.DateTimeField(null=True, blank=True)
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="subscription_terminal_waits_for_nothing",
                condition=~Q(status__in=["canceled", "incomplete_expired"]) | Q(next_action_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="subscription_due",
                fields=["next_action_at", "id"],
                condition=Q(test_clock_id__isnull=True, next_action_at__isnull=False),
            ),
            models.Index(
                name="subscription_due_on_clock",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(test_clock_id__isnull=False, next_action_at__isnull=False),
            ),
            models.Index(name="subscription_by_merchant", fields=["merchant", "-created", "-id"]),
        ]

    def __str__(self) -> str:
        return self.id


class SubscriptionItem(models.Model):
    """One price on a subscription, with its own current period (`period_index` counts from the anchor)."""

    id = models.TextField(primary_key=True, default=partial(new_id, "si"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="items")
    price = models.ForeignKey("catalog.Price", on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(default=1)
    current_period_start = models.DateTimeField()
    current_period_end = models.DateTimeField()
    sequence = models.PositiveIntegerField(default=0)  # bumped by a change or a threshold, never by the run
    billing_threshold_usage = models.BigIntegerField(null=True, blank=True)  # usage_gte: invoiced early
    prices_left = models.JSONField(default=list, blank=True)  # [{price, sequence, at}] where usage keeps an old price
    tax_rate_ids = ArrayField(models.TextField(), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="item_period_is_not_empty",
                condition=Q(current_period_end__gt=models.F("current_period_start")),
            ),
            models.UniqueConstraint(
                name="price_once_per_subscription",
                fields=["merchant", "subscription", "price"],
                condition=Q(deleted_at__isnull=True),
            ),
        ]


class DiscountQuerySet(models.QuerySet["Discount"]):
    def of_customers(self) -> "DiscountQuerySet":
        """Those that stand on a customer, and neither on a subscription nor on an invoice or what waits for one."""
        return self.filter(subscription__isnull=True, invoice_id="", invoice_item_id="")


class Discount(models.Model):
    """A coupon given to a customer, a subscription or one item of it, an invoice, or a pending item.

    `consumed_at` closes a `once` coupon.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "di"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    coupon = models.ForeignKey("catalog.Coupon", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="discounts")
    subscription = models.ForeignKey(
        Subscription, null=True, blank=True, on_delete=models.PROTECT, related_name="discounts"
    )
    subscription_item_id = models.TextField(blank=True, default="", db_collation="C")
    promotion_code_id = models.TextField(blank=True, default="", db_collation="C")
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    invoice_item_id = models.TextField(blank=True, default="", db_collation="C")
    position = models.PositiveSmallIntegerField(default=0)
    start = models.DateTimeField()
    end = models.DateTimeField(null=True, blank=True)
    consumed_at = models.DateTimeField(null=True, blank=True)
    consumed_invoice_id = models.TextField(blank=True, default="", db_collation="C")
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = DiscountQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="discount_by_subscription", fields=["merchant", "subscription"]),
            models.Index(name="discount_by_invoice", fields=["invoice_id"], condition=~Q(invoice_id="")),
            models.Index(name="discount_by_invoice_item", fields=["invoice_item_id"], condition=~Q(invoice_item_id="")),
            models.Index(name="discount_by_customer", fields=["merchant", "customer"]),
        ]


class ScheduleStatus(models.TextChoices):
    NOT_STARTED = "not_started", _("not started")
    ACTIVE = "active", _("active")
    COMPLETED = "completed", _("completed")
    RELEASED = "released", _("released")
    CANCELED = "canceled", _("canceled")


class SubscriptionSchedule(models.Model):
    """What a subscription will become, phase by phase. `phases` are `subscriptions.types.PhaseFacts` as JSON.

    `next_action_at` is the start of the first phase, then the end of the current one.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "sub_sched"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(
        Subscription, null=True, blank=True, on_delete=models.PROTECT, related_name="schedules"
    )
    status = models.CharField(max_length=12, choices=ScheduleStatus)
    end_behavior = models.CharField(max_length=8, default="release")
    phases = models.JSONField(default=list)
    current_phase = models.PositiveSmallIntegerField(null=True, blank=True)
    default_settings = models.JSONField(default=dict, blank=True)
    next_action_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_subscription_id = models.TextField(blank=True, default="", db_collation="C")
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                name="schedule_due",
                fields=["next_action_at", "id"],
                condition=Q(test_clock_id__isnull=True, next_action_at__isnull=False),
            ),
            models.Index(
                name="schedule_due_on_clock",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(test_clock_id__isnull=False, next_action_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.id


class BilledPeriodKind(models.TextChoices):
    ADVANCE = "advance", _("in advance")
    ARREARS = "arrears", _("in arrears")
    LATE = "late", _("late usage")


class BilledPeriod(models.Model):
    """What is billed, apart from the line that shows it: the debit of credits, the guard against billing twice.

    `amount` is net of discounts and without tax, in minor units. A debit is closed at `credited_from`; it is reversed
    when it is credited from its own start or its invoice is voided.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "bp"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    customer_id = models.TextField(db_collation="C")
    subscription_id = models.TextField(db_collation="C")
    subscription_item_id = models.TextField(db_collation="C")
    kind = models.CharField(max_length=8, choices=BilledPeriodKind)
    start = models.DateTimeField()
    end = models.DateTimeField()
    sequence = models.PositiveIntegerField(default=0)
    price_id = models.TextField(db_collation="C")
    quantity = models.BigIntegerField()  # usage is counted in billions, and an adjustment may take some back
    currency = models.CharField(max_length=3)
    gross_amount = models.BigIntegerField()
    amount = models.BigIntegerField()
    taxes = models.JSONField(default=list, blank=True)  # the line's taxes, reused by a credit
    usage_span = models.JSONField(null=True, blank=True)  # which usage it charges, in arrears
    invoice_id = models.TextField(blank=True, default="", db_collation="C")  # blank while a pending item holds it
    invoice_item_id = models.TextField(blank=True, default="", db_collation="C")
    # The billed period whose end it charges again, by that one's own amount and seconds; blank for its own.
    share_of = models.TextField(blank=True, default="", db_collation="C")
    credited_from = models.DateTimeField(null=True, blank=True)
    reversed_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="billed_once",
                fields=["merchant_id", "subscription_item_id", "kind", "start", "sequence"],
                condition=Q(reversed_at__isnull=True),
            ),
            models.CheckConstraint(name="billed_period_is_not_empty", condition=Q(end__gt=models.F("start"))),
        ]
        indexes = [
            models.Index(name="billed_by_subscription", fields=["merchant_id", "subscription_id"]),
            models.Index(name="billed_by_invoice", fields=["merchant_id", "invoice_id"]),
        ]


class CheckoutStatus(models.TextChoices):
    OPEN = "open", _("open")
    COMPLETE = "complete", _("complete")
    EXPIRED = "expired", _("expired")


class CheckoutMode(models.TextChoices):
    SUBSCRIPTION = "subscription", _("subscription")
    PAYMENT = "payment", _("payment")
    SETUP = "setup", _("payment method")


class CheckoutSession(models.Model):
    """One visit to a payment link. Its row is the lock that makes a double click pay once.

    `terms` are what a merchant's server said of what comes of it: {"discounts": [{coupon_id, promotion_code_id}],
    "invoice": {}, "payment": {}, "setup": {}, "subscription": {}, "customer_update": {}}.
    `awaits_payment`: it is complete, and the bank has not answered yet.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "cs"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    payment_link = models.ForeignKey(
        "catalog.PaymentLink", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    secret_hash = models.TextField()
    mode = models.CharField(max_length=12, choices=CheckoutMode, default=CheckoutMode.SUBSCRIPTION)
    status = models.CharField(max_length=10, choices=CheckoutStatus, default=CheckoutStatus.OPEN)
    customer_id = models.TextField(blank=True, default="", db_collation="C")
    setup_intent_id = models.TextField(blank=True, default="", db_collation="C")
    terms = models.JSONField(default=dict, blank=True)
    awaits_payment = models.BooleanField(default=False)
    subscription_id = models.TextField(blank=True, default="", db_collation="C")
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    locale = models.CharField(max_length=10, blank=True, default="")
    asked = models.JSONField(default=dict, blank=True)  # the form, while its visitor is on the processor's page
    setup_id = models.TextField(blank=True, default="", db_collation="C")  # payments' setup that was begun last
    answers = models.JSONField(default=dict, blank=True)  # what the buyer filled in: engine.rules.checkout.answers_of
    cancel_url = models.TextField(blank=True, default="")
    client_reference_id = models.CharField(max_length=200, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    subscription_metadata = models.JSONField(default=dict, blank=True)  # for what it sells
    expires_at = models.DateTimeField()
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(name="checkout_awaiting", fields=["invoice_id"], condition=Q(awaits_payment=True)),
            models.Index(
                name="checkout_unpaid",
                fields=["expires_at"],
                condition=Q(mode="payment", status="open") & ~Q(invoice_id=""),
            ),
        ]


class PortalSession(models.Model):
    """A one-time link to the portal, e-mailed to the subscriber. Only the token's hash is kept."""

    id = models.TextField(primary_key=True, default=partial(new_id, "bps"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="+")
    token_hash = models.TextField()
    return_url = models.URLField(max_length=2000, blank=True, default="")
    configuration_id = models.TextField(blank=True, default="", db_collation="C")  # blank: the merchant's default
    locale = models.CharField(max_length=10, blank=True, default="")  # blank: the customer's, else the browser's
    flow = models.JSONField(null=True, blank=True)  # the one thing that it is for, as Stripe's `flow` tells it
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="portal_token_once", fields=["merchant", "token_hash"])]


class EntitlementSummary(models.Model):
    """What a customer was last told to hold ({feature, lookup_key} each): a change is told against it, once."""

    id = models.TextField(primary_key=True, default=partial(new_id, "entsum"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="+")
    held = models.JSONField(default=list)
    version = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="entitlement_summary_per_customer", fields=["merchant", "customer"])
        ]

    def __str__(self) -> str:
        return self.id
