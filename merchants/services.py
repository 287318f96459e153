"""Use cases about the merchant itself: its settings and its legal entity."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction

from core.context import Context
from core.descriptors import check_statement_descriptor
from core.errors import OstinatoError, gettext_noop
from core.periods import time_zone
from events.selectors import events_of_object
from events.types import EventRow
from events.writes import record_events
from merchants.models import BillingEntity, Membership, Merchant, User


class BrandColorInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "brand_color"
    message_id = gettext_noop("A colour is written as # and six hexadecimal digits.")


class MerchantNameMissing(OstinatoError):
    code = "parameter_missing"
    param = "name"
    message_id = gettext_noop("Give it a name.")


class AlreadyAMember(OstinatoError):
    code = "resource_already_exists"
    param = "email"
    message_id = gettext_noop("“%(email)s” is a member already.")


_MERCHANT_FIELDS = frozenset(
    [
        "name",
        "support_email",
        "support_url",
        "timezone",
        "locale",
        "logo",
        "brand_color",
        "statement_descriptor",
        "finalization_grace_seconds",
        "default_days_until_due",
        "tax_rounding",
        "unpaid_proration",
        "proration_discounts",
        "invoice_numbering",
    ]
)
_ENTITY_FIELDS = frozenset(
    [
        "legal_name",
        "line1",
        "line2",
        "city",
        "state",
        "postal_code",
        "country",
        "tax_registrations",
        "footer",
        "bank_details",
    ]
)


def add_member(*, ctx: Context, merchant_id: str, user: User, role: str) -> Membership:
    """Let a person work for the merchant. Raises `AlreadyAMember`."""
    with transaction.atomic():
        membership, new = Membership.objects.get_or_create(
            merchant_id=merchant_id,
            user=user,
            defaults={"role": role, "created": ctx.as_of, "recorded_at": ctx.recorded_at},
        )
    if not new:
        raise AlreadyAMember(email=user.email)
    return membership


def update_merchant(*, ctx: Context, merchant_id: str, **fields: Any) -> Merchant:
    """Change settings. Running subscriptions keep the time zone they were created in.

    Raises `UnknownTimeZone`, `BrandColorInvalid`, `MerchantNameMissing`, `StatementDescriptorInvalid`.
    """
    _check(fields)
    with transaction.atomic():
        merchant = Merchant.objects.select_for_update(no_key=True).get(id=merchant_id)
        _change(ctx, merchant, merchant_id, "account", fields, _MERCHANT_FIELDS)
    return merchant


def update_billing_entity(*, ctx: Context, merchant_id: str, **fields: Any) -> BillingEntity:
    """Change the default seller's legal facts. Finalized invoices keep their own copy of them."""
    if "legal_name" in fields and not str(fields["legal_name"]).strip():
        raise MerchantNameMissing(param="legal_name")
    with transaction.atomic():
        rows = BillingEntity.objects.select_for_update(no_key=True)
        entity = rows.get(merchant_id=merchant_id, is_default=True)
        _change(ctx, entity, merchant_id, "billing_entity", fields, _ENTITY_FIELDS)
    return entity


def _check(fields: dict[str, Any]) -> None:
    check_statement_descriptor(fields.get("statement_descriptor") or "")
    if "name" in fields and not str(fields["name"]).strip():
        raise MerchantNameMissing
    if "timezone" in fields:
        time_zone(fields["timezone"])
    if "brand_color" in fields and not re.fullmatch(r"#[0-9a-fA-F]{6}", fields["brand_color"]):
        raise BrandColorInvalid


def _change(
    ctx: Context, row: Any, merchant_id: str, kind: str, fields: dict[str, Any], allowed: frozenset[str]
) -> None:
    """Set what differs and tell it; the row is locked, so the next version can be read from the outbox."""
    unknown = set(fields) - allowed
    assert not unknown, f"not changeable: {unknown}"
    before = {name: _plain(getattr(row, name)) for name in fields}
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=list(fields))
    after = {name: _plain(getattr(row, name)) for name in fields}
    changed = {name: value for name, value in before.items() if value != after[name]}
    if not changed:
        return
    told = events_of_object(merchant_id, row.id).order_by("-object_version").values_list("object_version", flat=True)
    version = (told.first() or 0) + 1
    body = {"id": row.id, "object": kind} | {name: _plain(getattr(row, name)) for name in sorted(allowed)}
    fact = EventRow(
        merchant_id=merchant_id,
        type=f"{kind}.updated",
        object_type=kind,
        object_id=row.id,
        object_version=version,
        previous_attributes=changed,
        body=body,
    )
    record_events(ctx, [fact])


def _plain(value: Any) -> Any:
    """A file is told by its name; everything else is JSON already."""
    return getattr(value, "name", None) or "" if hasattr(value, "storage") else value
