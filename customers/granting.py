"""Credit grants: given, changed, ended by a person or in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from core.context import Context
from core.money import parse_currency
from customers import rules
from customers.models import CreditGrant, Customer
from customers.selectors import credit_grant_by_id
from customers.services import kept_body
from customers.snapshots import credit_grant_snapshot
from customers.types import GrantEntry
from customers.writes import append_grant_entries, lock_customer, save_grant
from events.types import EventRow
from events.writes import record_events

MAX_GRANTS = 100  # of one customer, with credit left


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


def create_credit_grant(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    amount: int,
    currency: str,
    name: str = "",
    category: str = "paid",
    priority: int = 50,
    price_ids: Sequence[str] = (),
    effective_at: datetime | None = None,
    expires_at: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
) -> CreditGrant:
    """Credit that invoices spend on metered lines (of `price_ids`, or of every metered price).

    Raises `CustomerNotFound`, `UnknownCurrency`, `TooManyGrants` and what `customers.rules.check_credit_grant` does.
    """
    effective = effective_at or ctx.as_of
    rules.check_credit_grant(
        amount=amount, priority=priority, category=category, effective_at=effective, expires_at=expires_at
    )
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        if CreditGrant.objects.filter(customer_id=customer_id, balance__gt=0).count() >= MAX_GRANTS:
            raise rules.TooManyGrants(most=MAX_GRANTS)
        grant = CreditGrant.objects.create(
            merchant_id=merchant_id,
            customer=customer,
            name=rules.clean_text("name", name)[:100],
            category=category,
            currency=parse_currency(currency),
            amount=amount,
            priority=priority,
            price_ids=list(price_ids),
            effective_at=effective,
            expires_at=expires_at,
            test_clock_id=customer.test_clock_id,
            metadata=dict(metadata or {}),
            version=0,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        [grant] = append_grant_entries(ctx, [GrantEntry(grant.id, "credits_granted", amount)]).values()
        record_events(ctx, [grant_fact("created", grant, customer)])
    return grant


def expire_credit_grant(*, ctx: Context, merchant_id: str, credit_grant_id: str) -> CreditGrant:
    """It ends now; what is left is written off. Raises `CreditGrantNotFound`, `GrantNotChangeable`."""
    return _end_grant(ctx, merchant_id, credit_grant_id, "credits_expired")


def void_credit_grant(*, ctx: Context, merchant_id: str, credit_grant_id: str) -> CreditGrant:
    """It was a mistake: nothing of it may have been spent. Raises `CreditGrantNotFound`, `GrantNotChangeable`,
    `GrantSpent`."""
    return _end_grant(ctx, merchant_id, credit_grant_id, "credits_voided")


def _end_grant(ctx: Context, merchant_id: str, credit_grant_id: str, type_: str) -> CreditGrant:
    owner = credit_grant_by_id(merchant_id, credit_grant_id).customer_id
    with transaction.atomic():
        customer = lock_customer(merchant_id, owner)
        grant = CreditGrant.objects.get(id=credit_grant_id)
        check_standing(grant, ctx)
        if type_ == "credits_voided" and grant.balance != grant.amount:
            raise rules.GrantSpent
        had_something = grant.balance > 0
        if had_something:
            [grant] = append_grant_entries(ctx, [GrantEntry(grant.id, type_, -grant.balance)]).values()
        ended = "voided_at" if type_ == "credits_voided" else "expires_at"
        setattr(grant, ended, ctx.as_of)
        save_grant(ctx, grant, [ended], is_bumped=had_something)
        record_events(ctx, [grant_fact("updated", grant, customer)])
    return grant


def check_standing(grant: CreditGrant, ctx: Context) -> None:
    """Raises `GrantNotChangeable` for one that was voided or is over."""
    if grant.voided_at or (grant.expires_at is not None and grant.expires_at <= ctx.as_of):
        raise rules.GrantNotChangeable


def grant_fact(what: str, grant: CreditGrant, customer: Customer) -> EventRow:
    """A fact about a grant whose version was bumped."""
    return EventRow(
        merchant_id=grant.merchant_id,
        type=f"billing.credit_grant.{what}",
        object_type="billing.credit_grant",
        object_id=grant.id,
        object_version=grant.version,
        customer_id=grant.customer_id,
        test_clock_id=grant.test_clock_id,
        body=kept_body(customer, credit_grant_snapshot(grant)),
    )
