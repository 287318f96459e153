"""Who is billed: customers, their tax ids, balance, payment methods, and test clocks."""

from functools import partial

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from core.ids import new_id
from customers.method_words import method_words


class TestClockStatus(models.TextChoices):
    READY = "ready", _("ready")
    ADVANCING = "advancing", _("advancing")
    INTERNAL_FAILURE = "internal_failure", _("internal failure")


class TestClock(models.Model):
    """A sandbox's own time. Customers on it live at `frozen_time`."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    id = models.TextField(primary_key=True, default=partial(new_id, "clock"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=300, blank=True, default="")
    frozen_time = models.DateTimeField()
    target_time = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=TestClockStatus, default=TestClockStatus.READY)
    status_detail = models.TextField(blank=True, default="")
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name or self.id


class TaxExempt(models.TextChoices):
    NONE = "none", _("taxable")
    EXEMPT = "exempt", _("exempt")
    REVERSE = "reverse", _("reverse charge")


class Customer(models.Model):
    """A subscriber. `balance` is Stripe's: negative is credit that the next invoice spends."""

    id = models.TextField(primary_key=True, default=partial(new_id, "cus"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    email = models.EmailField(max_length=512, blank=True, default="")
    name = models.CharField(max_length=250, blank=True, default="")
    business_name = models.CharField(max_length=150, blank=True, default="")
    individual_name = models.CharField(max_length=150, blank=True, default="")
    description = models.CharField(max_length=350, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    line1 = models.CharField(max_length=200, blank=True, default="")
    line2 = models.CharField(max_length=200, blank=True, default="")
    city = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=100, blank=True, default="")
    postal_code = models.CharField(max_length=20, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    preferred_locale = models.CharField(max_length=10, blank=True, default="")  # the one that is spoken
    preferred_locales = ArrayField(models.TextField(), default=list, blank=True)  # all, as they were sent
    currency = models.CharField(max_length=3, blank=True, default="")  # set by the first invoice or subscription
    balance = models.BigIntegerField(default=0)
    balance_sequence = models.BigIntegerField(default=0)
    tax_exempt = models.CharField(max_length=8, choices=TaxExempt, default=TaxExempt.NONE)
    default_payment_method_id = models.TextField(blank=True, default="", db_collation="C")
    backup_payment_method_ids = ArrayField(models.TextField(), default=list, blank=True)  # tried in this order
    shipping = models.JSONField(null=True, blank=True)  # Stripe's {"address", "name", "phone"}
    invoice_custom_fields = models.JSONField(default=list, blank=True)  # [{"name", "value"}] for every new invoice
    invoice_footer = models.TextField(blank=True, default="")
    test_clock = models.ForeignKey(TestClock, null=True, blank=True, on_delete=models.PROTECT, related_name="customers")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(name="customer_by_merchant", fields=["merchant", "-created", "-id"]),
            # People type their address in any letter case: the look-up of a sign-in is by Upper().
            models.Index("merchant", Upper("email"), name="customer_by_email"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.id


class CustomerTaxId(models.Model):
    """A tax number of a customer, printed on its invoices."""

    id = models.TextField(primary_key=True, default=partial(new_id, "txi"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="tax_ids")
    type = models.CharField(max_length=20)
    value = models.CharField(max_length=50)
    verification = models.CharField(max_length=12, blank=True, default="")  # verified, unverified; blank: not looked at
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="customer_tax_id_once", fields=["merchant", "customer", "type", "value"])
        ]


class CustomerBalanceTransaction(models.Model):
    """Append-only ledger of the balance: negative `amount` gives credit. `sequence` makes lost updates impossible."""

    id = models.TextField(primary_key=True, default=partial(new_id, "cbtxn"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="balance_transactions")
    sequence = models.BigIntegerField()
    type = models.CharField(max_length=30)  # adjustment, applied_to_invoice, invoice_too_small, …
    amount = models.BigIntegerField()
    ending_balance = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=350, blank=True, default="")
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    credit_note_id = models.TextField(blank=True, default="", db_collation="C")
    metadata = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="balance_sequence_once", fields=["merchant", "customer", "sequence"]),
            # An invoice spends at most the credit that is there: applying it never crosses zero.
            models.CheckConstraint(
                name="balance_applied_never_crosses_zero",
                condition=~Q(type="applied_to_invoice")
                | Q(amount__gte=0, ending_balance__lte=0)
                | Q(amount__lte=0, ending_balance__gte=0),
            ),
        ]


class GrantCategory(models.TextChoices):
    PAID = "paid", _("paid")
    PROMOTIONAL = "promotional", _("promotional")


class CreditGrant(models.Model):
    """Credit for usage, spent by invoices before tax. `balance` is what its ledger comes to, never below 0."""

    id = models.TextField(primary_key=True, default=partial(new_id, "credgr"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="credit_grants")
    name = models.CharField(max_length=100, blank=True, default="")
    category = models.CharField(max_length=11, choices=GrantCategory, default=GrantCategory.PAID)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    balance = models.BigIntegerField(default=0)
    sequence = models.BigIntegerField(default=0)
    priority = models.PositiveSmallIntegerField(default=50)  # 0 is spent first, 100 last
    price_ids = ArrayField(models.TextField(), default=list, blank=True)  # empty: every metered price
    effective_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    next_action_at = models.DateTimeField(null=True, blank=True)  # its expiry, while something is left to expire
    updated = models.DateTimeField(null=True, blank=True)
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="grant_balance_between_0_and_its_amount", condition=Q(balance__gte=0, balance__lte=F("amount"))
            ),
        ]
        indexes = [
            models.Index(name="grant_by_merchant", fields=["merchant", "-created", "-id"]),
            models.Index(name="grant_to_spend", fields=["customer"], condition=Q(balance__gt=0)),
            models.Index(
                name="grant_due",
                fields=["next_action_at", "id"],
                condition=Q(test_clock_id__isnull=True, next_action_at__isnull=False),
            ),
            models.Index(
                name="grant_due_on_clock",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(test_clock_id__isnull=False, next_action_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.id


class CreditGrantTransaction(models.Model):
    """Append-only ledger of a grant: what was granted, applied, given back by a voided invoice, expired, voided."""

    id = models.TextField(primary_key=True, default=partial(new_id, "cgtxn"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    credit_grant = models.ForeignKey(CreditGrant, on_delete=models.PROTECT, related_name="transactions")
    sequence = models.BigIntegerField()
    type = models.CharField(max_length=40)  # credits_granted, credits_applied, credits_application_invoice_voided, …
    amount = models.BigIntegerField()  # below 0 for a debit
    ending_balance = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    invoice_id = models.TextField(blank=True, default="", db_collation="C")
    invoice_line_id = models.TextField(blank=True, default="", db_collation="C")
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="grant_sequence_once", fields=["merchant", "credit_grant", "sequence"]),
            models.CheckConstraint(name="grant_ending_balance_not_negative", condition=Q(ending_balance__gte=0)),
        ]
        indexes = [models.Index(name="grant_entry_by_invoice", fields=["invoice_id"], condition=~Q(invoice_id=""))]


class PaymentMethod(models.Model):
    """A stored way to pay, known to us by its gateway's id and what may be shown. No card number ever."""

    id = models.TextField(primary_key=True, default=partial(new_id, "pm"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="payment_methods"
    )
    gateway = models.CharField(max_length=20)
    gateway_method_id = models.TextField()
    type = models.CharField(max_length=30, default="card")
    brand = models.CharField(max_length=20, blank=True, default="")
    last4 = models.CharField(max_length=4, blank=True, default="")
    exp_month = models.PositiveSmallIntegerField(null=True, blank=True)
    exp_year = models.PositiveSmallIntegerField(null=True, blank=True)
    fingerprint = models.TextField(blank=True, default="")
    made_as = models.CharField(max_length=10, blank=True, default="")  # card or source: by Stripe's older calls
    wallet = models.CharField(max_length=30, blank=True, default="")  # apple_pay, google_pay, link, …
    gateway_mandate_id = models.TextField(blank=True, default="")  # what a bank debit may be collected under
    billing_details = models.JSONField(default=dict, blank=True)
    allow_redisplay = models.CharField(max_length=11, default="unspecified")  # always, limited: as the merchant says
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    detached_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)  # business time: its issuer sent a new card
    next_action_at = models.DateTimeField(null=True, blank=True)  # business time: a card's last month begins
    test_clock_id = models.TextField(null=True, blank=True, db_collation="C")

    class Meta:
        indexes = [
            models.Index(name="payment_method_by_customer", fields=["merchant", "customer"]),
            models.Index(name="payment_method_at_gateway", fields=["merchant", "gateway_method_id"]),
            models.Index(
                name="card_due",
                fields=["next_action_at", "id"],
                condition=Q(test_clock_id__isnull=True, next_action_at__isnull=False),
            ),
            models.Index(
                name="card_due_on_clock",
                fields=["test_clock_id", "next_action_at", "id"],
                condition=Q(test_clock_id__isnull=False, next_action_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return method_words(self)
