"""What the API keeps of its callers: keys, and the answers it owes to whoever repeats a request."""

from functools import partial

from django.db import models

from core.ids import new_id


class ApiKey(models.Model):
    """A merchant's secret key. Only its SHA-256 is kept; `hint` is what may be shown of it."""

    id = models.TextField(primary_key=True, default=partial(new_id, "key"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100, blank=True, default="")
    secret_hash = models.CharField(max_length=64)
    hint = models.CharField(max_length=20)
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
