"""What happens to credit grants after they were given: another expiry, other metadata, their end in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from core.context import Context
from customers import rules
from customers.models import CreditGrant, Customer
from customers.selectors import credit_grant_by_id
from customers.services import check_standing, grant_fact
from customers.types import GrantEntry
from customers.writes import append_grant_entries, lock_customer, save_grant
from events.writes import record_events


class KeepExpiry:
    """Says that nothing was said of a grant's expiry: None means that it never ends."""


KEEP_EXPIRY = KeepExpiry()


def update_credit_grant(
    *,
    ctx: Context,
    merchant_id: str,
    credit_grant_id: str,
    name: str | None = None,
    expires_at: datetime | KeepExpiry | None = KEEP_EXPIRY,
    metadata: Mapping[str, str] | None = None,
) -> CreditGrant:
    """Another name, another expiry (None: never), other metadata (merged; a blank value removes its key).

    Raises `CreditGrantNotFound`, `GrantNotChangeable`, `GrantExpiresFirst`.
    """
    owner = credit_grant_by_id(merchant_id, credit_grant_id).customer_id
    with transaction.atomic():
        customer = lock_customer(merchant_id, owner)
        grant = CreditGrant.objects.get(id=credit_grant_id)
        columns = []
        if not isinstance(expires_at, KeepExpiry) and expires_at != grant.expires_at:
            check_standing(grant, ctx)
            if expires_at is not None and expires_at <= max(grant.effective_at, ctx.as_of):
                raise rules.GrantExpiresFirst
            grant.expires_at = expires_at
            columns.append("expires_at")
        if name is not None and rules.clean_text("name", name)[:100] != grant.name:
            grant.name = rules.clean_text("name", name)[:100]
            columns.append("name")
        if metadata is not None:
            merged = {key: value for key, value in {**grant.metadata, **metadata}.items() if value != ""}
            if merged != grant.metadata:
                grant.metadata = merged
                columns.append("metadata")
        if columns:
            save_grant(ctx, grant, columns)
            record_events(ctx, [grant_fact("updated", grant, customer)])
    return grant


def expire_due_grants(ctx: Context, grants: Sequence[Any]) -> None:
    """Write off what is left of grants that are over, each at its own moment. The caller holds their customers."""
    entries = [GrantEntry(grant.id, "credits_expired", -grant.balance, at=grant.expires_at) for grant in grants]
    moved = append_grant_entries(ctx, entries)
    owners = Customer.objects.select_related("merchant").in_bulk({grant.customer_id for grant in grants})
    record_events(ctx, [grant_fact("updated", grant, owners[grant.customer_id]) for grant in moved.values()])
