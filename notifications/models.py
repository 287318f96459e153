"""What was said to subscribers, once each, and kept."""

from functools import partial

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class MessageStatus(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    KEPT = "kept", _("kept here")  # a test clock's customer: shown in the outbox, sent to nobody


class Message(models.Model):
    """A mail. `dedupe_key` makes the outbox's at-least-once into once."""

    id = models.TextField(primary_key=True, default=partial(new_id, "msg"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    customer_id = models.TextField(blank=True, default="", db_collation="C")
    kind = models.CharField(max_length=40)
    dedupe_key = models.TextField()
    locale = models.CharField(max_length=10)
    to = models.EmailField(max_length=512, blank=True)
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField()
    context = models.JSONField(default=dict, blank=True)
    invoice_id = models.TextField(blank=True, default="", db_collation="C")  # its PDF is attached
    status = models.CharField(max_length=8, choices=MessageStatus, default=MessageStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # wall time; also the lease of who is sending it
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="message_once", fields=["merchant", "dedupe_key"])]
        indexes = [
            models.Index(name="message_by_merchant", fields=["merchant", "-created", "-id"]),
            models.Index(name="message_by_customer", fields=["merchant", "customer_id", "-created"]),
            models.Index(name="message_queued", fields=["next_attempt_at", "id"], condition=models.Q(status="queued")),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


class MessageSettings(models.Model):
    """What a merchant's mails are: which are left unsaid, where answers go, what stands below each."""

    id = models.TextField(primary_key=True, default=partial(new_id, "mset"), editable=False, db_collation="C")
    merchant = models.OneToOneField("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    muted = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    reply_to = models.EmailField(blank=True, default="")
    footer = models.TextField(blank=True, default="")
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "message settings"

    def __str__(self) -> str:
        return f"messages of {self.merchant_id}"
