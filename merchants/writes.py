"""Writers of the tenant's own rows. They never open a transaction."""

from __future__ import annotations

from typing import Any

from core.context import Context
from merchants.models import BillingEntity, Merchant


def insert_merchant(ctx: Context, **fields: Any) -> Merchant:
    return Merchant.objects.create(created=ctx.as_of, recorded_at=ctx.recorded_at, **fields)


def insert_billing_entity(ctx: Context, **fields: Any) -> BillingEntity:
    return BillingEntity.objects.create(created=ctx.as_of, recorded_at=ctx.recorded_at, **fields)


def set_gateway(merchant_id: str, gateway: str) -> None:
    """Through which processor new payments go. What is under way stays where it was begun."""
    Merchant.objects.filter(id=merchant_id).update(gateway=gateway)
