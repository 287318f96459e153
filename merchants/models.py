"""The tenant, the people who work for it, and the legal entity that bills."""

from datetime import datetime
from functools import partial

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class EmailUserManager(UserManager):
    """Creates users that log in by e-mail address."""

    def create_user(self, email, password=None, **extra):  # type: ignore[override]
        return super().create_user(username=email.lower(), email=email.lower(), password=password, **extra)

    def create_superuser(self, email, password=None, **extra):  # type: ignore[override]
        return super().create_superuser(username=email.lower(), email=email.lower(), password=password, **extra)


class User(AbstractUser):
    """A person who logs in: a merchant's member or staff. Subscribers are customers, not users."""

    id = models.TextField(primary_key=True, default=partial(new_id, "usr"), editable=False, db_collation="C")
    email = models.EmailField(_("e-mail"), unique=True)
    locale = models.CharField(max_length=10, blank=True, default="")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = EmailUserManager()  # type: ignore[misc, assignment]

    class Meta:
        db_table = "merchants_user"

    def __str__(self) -> str:
        return self.email


class TaxRounding(models.TextChoices):
    PER_INVOICE = "per_invoice", _("per invoice and rate")
    PER_LINE = "per_line", _("per line")


class ProrationDiscounts(models.TextChoices):
    """Whether a proration shows its discounts apart from its gross amount, or its net alone."""

    ITEMIZED = "itemized", _("itemized")
    INCLUDED = "included", _("included")


class UnpaidProration(models.TextChoices):
    BILL = "bill", _("credit as if it will be paid")
    DEFER = "defer", _("hold until paid")


class InvoiceNumbering(models.TextChoices):
    """Whose count an invoice's number is taken from."""

    BILLING_ENTITY = "billing_entity", _("one series for all")
    CUSTOMER = "customer", _("a series for each customer")


class Merchant(models.Model):
    """A tenant. A sandbox is a Merchant of its own with livemode=False and a parent."""

    id = models.TextField(primary_key=True, default=partial(new_id, "acct"), editable=False, db_collation="C")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="sandboxes")
    livemode = models.BooleanField(default=True)
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    default_currency = models.CharField(max_length=3)
    timezone = models.CharField(max_length=64, default="UTC")
    locale = models.CharField(max_length=10, default="en")
    support_email = models.EmailField(blank=True, default="")
    support_url = models.URLField(blank=True, default="")
    logo = models.FileField(upload_to="logos/", blank=True, default="")
    brand_color = models.CharField(max_length=7, default="#4f46e5")
    statement_descriptor = models.CharField(max_length=22, blank=True, default="")
    finalization_grace_seconds = models.PositiveIntegerField(default=3600)
    default_days_until_due = models.PositiveIntegerField(default=30)
    tax_rounding = models.CharField(max_length=12, choices=TaxRounding, default=TaxRounding.PER_INVOICE)
    unpaid_proration = models.CharField(max_length=8, choices=UnpaidProration, default=UnpaidProration.BILL)
    proration_discounts = models.CharField(
        max_length=8, choices=ProrationDiscounts, default=ProrationDiscounts.ITEMIZED
    )
    invoice_numbering = models.CharField(
        max_length=14, choices=InvoiceNumbering, default=InvoiceNumbering.BILLING_ENTITY
    )
    keep_event_bodies = models.BooleanField(default=True)
    minimum_charges = models.JSONField(default=dict, blank=True)
    gateway = models.CharField(max_length=20, default="sandbox")
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="merchant_sandbox_has_parent_live_has_none",
                condition=models.Q(livemode=False) | models.Q(parent__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BillingEntity(models.Model):
    """The legal seller on the paper: name, address, tax registrations. A merchant has one at first."""

    id = models.TextField(primary_key=True, default=partial(new_id, "be"), editable=False, db_collation="C")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="billing_entities")
    is_default = models.BooleanField(default=True)
    legal_name = models.CharField(max_length=200)
    line1 = models.CharField(max_length=200, blank=True, default="")
    line2 = models.CharField(max_length=200, blank=True, default="")
    city = models.CharField(max_length=100, blank=True, default="")
    state = models.CharField(max_length=100, blank=True, default="")
    postal_code = models.CharField(max_length=20, blank=True, default="")
    country = models.CharField(max_length=2)
    tax_registrations = models.JSONField(default=list, blank=True)  # [{"type": "ca_qst", "value": "..."}]
    footer = models.TextField(blank=True, default="")
    bank_details = models.TextField(blank=True, default="")  # where transfers go; "label: value" lines
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "billing entities"
        constraints = [
            models.UniqueConstraint(
                name="one_default_billing_entity", fields=["merchant"], condition=models.Q(is_default=True)
            ),
        ]

    def __str__(self) -> str:
        return self.legal_name


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    ADMIN = "admin", _("administrator")
    FINANCE = "finance", _("finance")
    SUPPORT = "support", _("support")
    READ_ONLY = "read_only", _("read-only")


class Membership(models.Model):
    """What a person may do for a merchant."""

    id = models.TextField(primary_key=True, default=partial(new_id, "mbr"), editable=False, db_collation="C")
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="one_membership_per_user", fields=["merchant", "user"])]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class File(models.Model):
    """Bytes that somebody uploaded, for a purpose of Stripe's. Kept in the media storage, handed out and never shown.

    `kind` is what the bytes are, not what their name says. Past `expires_at` it is there by name alone.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "file"), editable=False, db_collation="C")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=40)
    filename = models.CharField(max_length=255)
    kind = models.CharField(max_length=8)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    content = models.FileField(upload_to="files/", max_length=200)
    expires_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="file_by_merchant", fields=["merchant", "-created", "-id"])]

    def __str__(self) -> str:
        return self.filename

    def is_over(self, at: datetime) -> bool:
        """Whether it has expired by then."""
        return self.expires_at is not None and self.expires_at <= at


class FileLink(models.Model):
    """An address at which whoever has it may fetch a file, until it expires."""

    id = models.TextField(primary_key=True, default=partial(new_id, "link"), editable=False, db_collation="C")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    file = models.ForeignKey(File, on_delete=models.PROTECT, related_name="links")
    token = models.CharField(max_length=64)
    expires_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="file_link_token_once", fields=["merchant", "token"])]
        indexes = [
            models.Index(name="file_link_by_merchant", fields=["merchant", "-created", "-id"]),
            models.Index(name="file_link_by_token", fields=["token"]),
        ]
