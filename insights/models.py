"""What recurs and what leaks, as facts: MRR movements per subscription. Filled from the outbox."""

from functools import partial

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import new_id


class MovementType(models.TextChoices):
    NEW = "new", _("new")
    EXPANSION = "expansion", _("expansion")
    CONTRACTION = "contraction", _("contraction")
    CHURN = "churn", _("churn")
    REACTIVATION = "reactivation", _("reactivation")


class MrrMovement(models.Model):
    """MRR of one subscription changed by `amount` at `created`. Sums of movements are the MRR, always."""

    id = models.TextField(primary_key=True, default=partial(new_id, "mrr"), editable=False, db_collation="C")
    merchant_id = models.TextField(db_collation="C")
    customer_id = models.TextField(db_collation="C")
    subscription_id = models.TextField(db_collation="C")
    subscription_version = models.BigIntegerField()
    type = models.CharField(max_length=14, choices=MovementType)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    mrr_after = models.BigIntegerField()
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_movement_per_version", fields=["merchant_id", "subscription_id", "subscription_version"]
            )
        ]
        indexes = [models.Index(name="movement_by_time", fields=["merchant_id", "currency", "created"])]
