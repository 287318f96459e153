"""What subscribers may do in the portal: made and changed by the merchant's server, read by its pages."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from subscriptions.models import PortalConfiguration
from subscriptions.rules.portal_features import Features, everything
from subscriptions.snapshots import portal_configuration_snapshot


class ConfigurationNotFound(OstinatoError):
    code = "resource_missing"
    param = "configuration"
    message_id = gettext_noop("There is no such portal configuration.")


class DefaultStaysActive(OstinatoError):
    code = "parameter_invalid"
    param = "active"
    message_id = gettext_noop("The default configuration cannot be switched off.")


def configurations(merchant_id: str) -> QuerySet[PortalConfiguration]:
    """The latest first."""
    return PortalConfiguration.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")


def create_configuration(*, ctx: Context, merchant_id: str, features: Features, **fields: Any) -> PortalConfiguration:
    """The merchant's first one is its default."""
    with transaction.atomic():
        Merchant.objects.select_for_update(no_key=True).get(id=merchant_id)  # of two first ones one is the default
        row = PortalConfiguration.objects.create(
            id=new_id("bpc"),
            merchant_id=merchant_id,
            features=features,
            is_default=not configurations(merchant_id).filter(is_default=True).exists(),
            updated=ctx.as_of,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
            **fields,
        )
        _tell(ctx, row, "created")
    return row


def update_configuration(
    *, ctx: Context, merchant_id: str, configuration_id: str, **fields: Any
) -> PortalConfiguration:
    """Raises `ConfigurationNotFound`, `DefaultStaysActive`."""
    with transaction.atomic():
        rows = configurations(merchant_id).select_for_update(no_key=True)
        row = rows.filter(id=configuration_id).first()
        if row is None:
            raise ConfigurationNotFound
        for name, value in fields.items():
            setattr(row, name, value)
        if row.is_default and not row.active:
            raise DefaultStaysActive
        row.updated, row.version = ctx.as_of, row.version + 1
        row.save()
        _tell(ctx, row, "updated")
    return row


def portal_of(merchant_id: str, configuration_id: str) -> PortalConfiguration:
    """The session's own configuration, else the merchant's default, else one (unsaved) that allows everything."""
    rows = list(configurations(merchant_id).filter(id=configuration_id)) if configuration_id else []
    rows = rows or list(configurations(merchant_id).filter(is_default=True))
    return rows[0] if rows else PortalConfiguration(merchant_id=merchant_id, features=everything())


def _tell(ctx: Context, row: PortalConfiguration, verb: str) -> None:
    merchant = row.merchant
    body = portal_configuration_snapshot(row, livemode=merchant.livemode) if merchant.keep_event_bodies else None
    record_events(
        ctx,
        [
            EventRow(
                merchant_id=row.merchant_id,
                type=f"billing_portal.configuration.{verb}",
                object_type="billing_portal.configuration",
                object_id=row.id,
                object_version=row.version,
                body=body,
            )
        ],
    )
