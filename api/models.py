"""What the API keeps of its callers: keys, and the answers it owes to whoever repeats a request."""

from functools import partial

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class ApiKey(models.Model):
    """A merchant's secret key. Only its SHA-256 is kept; `hint` is what may be shown of it.

    `scopes` is null for a key that may do everything, else {resource: "read" | "write"}: what is not named is refused.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "key"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100, blank=True, default="")
    secret_hash = models.CharField(max_length=64)
    hint = models.CharField(max_length=20)
    scopes = models.JSONField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # A caller is known by its key alone, so the lookup cannot begin with the merchant.
        indexes = [models.Index(name="api_key_by_hash", fields=["secret_hash"])]
        constraints = [models.UniqueConstraint(name="api_key_once", fields=["merchant", "secret_hash"])]

    def __str__(self) -> str:
        return self.name or self.hint


class IdempotentRequest(models.Model):
    """A request made with an Idempotency-Key: its fingerprint, and its answer once there is one.

    The row is committed before the work begins; `status` 0 says that it is under way.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "idem"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True, blank=True)
    request_id = models.TextField(blank=True, default="")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="idempotency_key_once", fields=["merchant", "key"])]
        indexes = [models.Index(name="idempotent_by_age", fields=["recorded_at"])]


class EndpointStatus(models.TextChoices):
    ENABLED = "enabled", _("enabled")
    DISABLED = "disabled", _("disabled")


class WebhookEndpoint(models.Model):
    """An address of the merchant's that is told of events. Its secrets are sealed; the one before signs until it ends.

    `failing_since` is the first failure after which nothing has been taken; empty when all is well.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "we"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=2048)
    description = models.CharField(max_length=5000, blank=True, default="")
    enabled_events = models.JSONField(default=list)
    metadata = models.JSONField(default=dict, blank=True)
    api_version = models.CharField(max_length=40, blank=True, default="")
    status = models.CharField(max_length=8, choices=EndpointStatus, default=EndpointStatus.ENABLED)
    secret_sealed = models.TextField()
    secret_before_sealed = models.TextField(blank=True, default="")
    secret_before_expires_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=40, blank=True, default="")
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(name="webhook_endpoint_by_merchant", fields=["merchant", "-created", "-id"])]

    def __str__(self) -> str:
        return self.url


class WebhookPayload(models.Model):
    """What is sent of one event, to the letter: rendered once, the same for every endpoint and every try."""

    id = models.TextField(primary_key=True, default=partial(new_id, "whp"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    event_id = models.TextField(db_collation="C")
    body = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="one_payload_per_event", fields=["merchant_id", "event_id"])]
        indexes = [models.Index(name="webhook_payload_by_age", fields=["recorded_at"])]


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", _("pending")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")


class WebhookDelivery(models.Model):
    """One event that one endpoint is to get. `next_attempt_at` is empty once it was taken or given up.

    A sender's claim moves `next_attempt_at` past the time that a try may take: a dead sender's work is done again.
    """

    id = models.TextField(primary_key=True, default=partial(new_id, "whd"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    event_id = models.TextField(db_collation="C")
    event_type = models.TextField()
    status = models.CharField(max_length=9, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(name="one_delivery_per_event", fields=["merchant_id", "endpoint", "event_id"])
        ]
        indexes = [
            models.Index(
                name="webhook_delivery_due",
                fields=["endpoint", "next_attempt_at"],
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            models.Index(name="webhook_delivery_by_merchant", fields=["merchant_id", "-created", "-id"]),
            models.Index(name="webhook_delivery_by_event", fields=["merchant_id", "event_id"]),
            models.Index(name="webhook_delivery_by_age", fields=["recorded_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.id}"


class WebhookAttempt(models.Model):
    """One try: what was sent beside the payload, what came back, cut and without secrets."""

    id = models.TextField(primary_key=True, default=partial(new_id, "wha"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    number = models.PositiveIntegerField()
    url = models.CharField(max_length=2048)
    request_headers = models.JSONField(default=dict)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True, default="")
    error = models.CharField(max_length=300, blank=True, default="")
    duration_ms = models.PositiveIntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(name="webhook_attempts_of", fields=["delivery", "number"]),
            models.Index(name="webhook_attempt_by_age", fields=["recorded_at"]),
        ]


class ApiRequest(models.Model):
    """The log of requests: who asked for what, and how it was answered. Parameters without what is secret."""

    id = models.TextField(primary_key=True, default=partial(new_id, "log"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    request_id = models.TextField(db_collation="C")
    key_id = models.TextField(db_collation="C")
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    params = models.JSONField(default=dict)
    status = models.PositiveSmallIntegerField()
    error_code = models.CharField(max_length=100, blank=True, default="")
    error_message = models.CharField(max_length=1000, blank=True, default="")
    idempotency_key = models.CharField(max_length=255, blank=True, default="")
    replayed = models.BooleanField(default=False)
    user_agent = models.CharField(max_length=200, blank=True, default="")
    duration_ms = models.PositiveIntegerField()
    created = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(name="api_request_by_merchant", fields=["merchant_id", "-created", "-id"]),
            models.Index(name="api_request_by_request", fields=["merchant_id", "request_id"]),
            models.Index(name="api_request_by_key", fields=["merchant_id", "idempotency_key"]),
            models.Index(name="api_request_by_age", fields=["created"]),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class RateBucket(models.Model):
    """What a key may still ask at once. The table is not logged (see its migration): a crash fills all buckets."""

    key_id = models.TextField(primary_key=True, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    tokens = models.FloatField()
    filled_at = models.DateTimeField()
