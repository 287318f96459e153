"""The merchant's endpoints: made, changed, rolled, switched off and on, taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from api.lookup import NoSuchObject
from api.models import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from api.webhooks.addresses import check_host
from api.webhooks.event_types import known_event_types
from api.webhooks.rules import OVERLAP_MAX, checked_events, checked_url
from api.webhooks.secrets import new_signing_secret, sealed
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.types import EventRow
from events.writes import record_events

ENDPOINTS_MAX = 100
KIND = "webhook_endpoint"


class TooManyEndpoints(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("A merchant has at most %(most)s webhook endpoints.")


class OverlapTooLong(OstinatoError):
    code = "parameter_invalid_integer"
    param = "overlap_seconds"
    message_id = gettext_noop("The old secret may go on for at most %(most)s hours.")


def endpoints(merchant_id: str) -> QuerySet[WebhookEndpoint]:
    """Those that were not deleted."""
    return WebhookEndpoint.objects.filter(merchant_id=merchant_id, deleted_at__isnull=True)


def create_endpoint(
    *,
    ctx: Context,
    merchant_id: str,
    livemode: bool,
    url: str,
    enabled_events: Sequence[str],
    description: str = "",
    api_version: str = "",
    metadata: Mapping[str, str] | None = None,
) -> tuple[WebhookEndpoint, str]:
    """The endpoint and its signing secret. Raises the refusals of `rules`, `AddressNotPublic`, `TooManyEndpoints`."""
    secret = new_signing_secret()
    _check_url(url, livemode)
    events = checked_events(enabled_events, known_event_types())
    with transaction.atomic():
        if endpoints(merchant_id).count() >= ENDPOINTS_MAX:
            raise TooManyEndpoints(most=ENDPOINTS_MAX)
        row = WebhookEndpoint(
            merchant_id=merchant_id,
            url=url,
            enabled_events=events,
            description=description,
            api_version=api_version,
            metadata=dict(metadata or {}),
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        row.secret_sealed = sealed(row.id, secret)
        row.save(force_insert=True)
        _tell(ctx, [row], "created")
    return row, secret


def update_endpoint(
    *, ctx: Context, merchant_id: str, livemode: bool, endpoint_id: str, disabled: bool | None = None, **values: Any
) -> WebhookEndpoint:
    """Changes `url`, `enabled_events`, `description`, `metadata` and whether it is told of anything."""
    if "url" in values:
        _check_url(values["url"], livemode)
    if "enabled_events" in values:
        values["enabled_events"] = checked_events(values["enabled_events"], known_event_types())
    with transaction.atomic():
        row = _locked(merchant_id, endpoint_id)
        for name, value in values.items():
            setattr(row, name, value)
        if disabled is not None and disabled != (row.status == EndpointStatus.DISABLED):
            row.status = EndpointStatus.DISABLED if disabled else EndpointStatus.ENABLED
            row.disabled_at = ctx.recorded_at if disabled else None
            row.disabled_reason = "by_hand" if disabled else ""
            row.failing_since = None
        row.save()
        _tell(ctx, [row], "updated")
    return row


def roll_secret(*, ctx: Context, merchant_id: str, endpoint_id: str, overlap: timedelta = timedelta()) -> str:
    """A new signing secret; the one before signs beside it for `overlap`, a day at most. Raises `OverlapTooLong`."""
    if not timedelta() <= overlap <= OVERLAP_MAX:
        raise OverlapTooLong(most=int(OVERLAP_MAX.total_seconds() // 3600))
    secret = new_signing_secret()
    with transaction.atomic():
        row = _locked(merchant_id, endpoint_id)
        row.secret_before_sealed = row.secret_sealed if overlap else ""
        row.secret_before_expires_at = ctx.recorded_at + overlap if overlap else None
        row.secret_sealed = sealed(row.id, secret)
        row.save(update_fields=["secret_sealed", "secret_before_sealed", "secret_before_expires_at"])
        _tell(ctx, [row], "secret_rolled")
    return secret


def delete_endpoint(*, ctx: Context, merchant_id: str, endpoint_id: str) -> None:
    """Nothing more is sent to it, what waits included; the log stays."""
    with transaction.atomic():
        row = _locked(merchant_id, endpoint_id)
        row.deleted_at = ctx.recorded_at
        row.status = EndpointStatus.DISABLED
        row.save(update_fields=["deleted_at", "status"])
        WebhookDelivery.objects.filter(endpoint_id=row.id, next_attempt_at__isnull=False).update(
            next_attempt_at=None, status=DeliveryStatus.FAILED, last_error=gettext_noop("the endpoint was deleted")
        )
        _tell(ctx, [row], "deleted")


def disable_dead(*, ctx: Context, since: Any) -> list[WebhookEndpoint]:
    """Switch off what has taken nothing since `since`. Gives what was switched off."""
    with transaction.atomic():
        dead = WebhookEndpoint.objects.select_for_update(of=("self",), skip_locked=True).filter(
            status=EndpointStatus.ENABLED, deleted_at__isnull=True, failing_since__lte=since
        )
        rows = list(dead.select_related("merchant").order_by("id")[:500])
        WebhookEndpoint.objects.filter(id__in=[row.id for row in rows]).update(
            status=EndpointStatus.DISABLED, disabled_at=ctx.recorded_at, disabled_reason="failing"
        )
        _tell(ctx, rows, "disabled")
    return rows


def _locked(merchant_id: str, endpoint_id: str) -> WebhookEndpoint:
    row = endpoints(merchant_id).select_for_update(no_key=True).filter(id=endpoint_id).first()
    if row is None:
        raise NoSuchObject(param="id", what="webhook endpoint", id=endpoint_id)
    return row


def _check_url(url: str, livemode: bool) -> None:
    checked_url(url, livemode=livemode)
    if not settings.WEBHOOKS_ALLOW_PRIVATE:
        check_host(urlsplit(url).hostname or "")


def _tell(ctx: Context, rows: Iterable[WebhookEndpoint], what: str) -> None:
    """Who set up and who changed an endpoint is told like any other fact, without its secret."""
    told = [
        EventRow(
            merchant_id=row.merchant_id,
            type=f"{KIND}.{what}",
            object_type=KIND,
            object_id=row.id,
            # Wall time as a version: endpoints change by hand, and no consumer asks for their order.
            object_version=int(ctx.recorded_at.timestamp() * 1_000_000),
            body={"id": row.id, "object": KIND, "url": row.url, "enabled_events": row.enabled_events},
        )
        for row in rows
    ]
    if told:
        record_events(ctx, told)
