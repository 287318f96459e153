"""The sandbox processor's side of the wire."""

from functools import partial

from django.db import models

from core.ids import new_id


class SandboxObject(models.Model):
    """The sandbox processor's own books: what it would remember on its side of the wire.

    `kind` is payment_intent, payment_method or refund; `body` its JSON. Only gateways/sandbox*.py read or write here.
    """

    id = models.TextField(primary_key=True, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    customer_id = models.TextField(blank=True, default="", db_collation="C")
    kind = models.CharField(max_length=20)
    body = models.JSONField()
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="sandbox_by_customer", fields=["merchant_id", "customer_id", "kind"])]


class SandboxReply(models.Model):
    """The sandbox processor's idempotency store: the same key and parameters get the same answer."""

    id = models.TextField(primary_key=True, default=partial(new_id, "sbr"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    idempotency_key = models.TextField()
    parameters_hash = models.CharField(max_length=64)
    reply = models.JSONField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="sandbox_reply_once", fields=["merchant_id", "idempotency_key"])]
