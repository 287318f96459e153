"""What subscribers may do in the portal, as the merchant's server says it."""

from functools import partial

from django.db import models
from django.db.models import Q

from core.ids import new_id


class PortalConfiguration(models.Model):
    """`features` are whole, as `subscriptions.rules.portal_features` makes them. One is the merchant's default."""

    id = models.TextField(primary_key=True, default=partial(new_id, "bpc"), editable=False, db_collation="C")
    merchant = models.ForeignKey("merchants.Merchant", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100, blank=True, default="")
    active = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)
    features = models.JSONField(default=dict)
    headline = models.CharField(max_length=60, blank=True, default="")
    privacy_policy_url = models.CharField(max_length=2000, blank=True, default="")
    terms_of_service_url = models.CharField(max_length=2000, blank=True, default="")
    login_page = models.BooleanField(default=False)  # whether it has a public address to sign in at
    default_return_url = models.CharField(max_length=2000, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    version = models.BigIntegerField(default=1)
    updated = models.DateTimeField()
    created = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="portal_default_once", fields=["merchant", "is_default"], condition=Q(is_default=True)
            ),
            models.CheckConstraint(name="portal_default_is_active", condition=Q(is_default=False) | Q(active=True)),
        ]

    def __str__(self) -> str:
        return self.name or self.id
