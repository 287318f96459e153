"""From events to deliveries: a consumer of the outbox, and the button that sends one again.

An event is rendered once, when it is consumed, and kept: every endpoint gets the same bytes at every try, whatever
becomes of the object in between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import orjson
from django.db import transaction

from api.completing import complete
from api.lookup import NoSuchObject
from api.models import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint, WebhookPayload
from api.resources.events import outward, shown
from api.webhooks.endpoints import endpoints
from api.webhooks.event_types import UNTOLD, WITHIN
from api.webhooks.rules import wants
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.models import Event
from events.types import DeliveredEvent


class EndpointDisabled(OstinatoError):
    code = "webhook_endpoint_disabled"
    message_id = gettext_noop("The endpoint is switched off: switch it on first.")


def make_deliveries(ctx: Context, events: Sequence[DeliveredEvent]) -> None:
    """A consumer of the outbox: what the endpoints want becomes deliveries. Handed an event again it adds nothing."""
    wanted = _wanted([one for one in events if one.object_type not in WITHIN and one.type not in UNTOLD])
    if not wanted:
        return
    _write(ctx, wanted)


def send_event(*, ctx: Context, merchant_id: str, event_id: str, endpoint_id: str) -> str:
    """Deliver an event to an endpoint, again or for the first time; gives the delivery's id.

    Raises `NoSuchObject`, `EndpointDisabled`.
    """
    with transaction.atomic():
        endpoint = endpoints(merchant_id).filter(id=endpoint_id).select_related("merchant").first()
        if endpoint is None:
            raise NoSuchObject(param="webhook_endpoint", what="webhook endpoint", id=endpoint_id)
        if endpoint.status != EndpointStatus.ENABLED:
            raise EndpointDisabled
        event = outward(merchant_id).filter(id=event_id).first()
        if event is None:
            raise NoSuchObject(param="id", what="event", id=event_id)
        _write(ctx, {event.id: [endpoint]})
        row = WebhookDelivery.objects.select_for_update(no_key=True).get(
            merchant_id=merchant_id, endpoint_id=endpoint_id, event_id=event_id
        )
        if row.attempts:
            row.status, row.next_attempt_at = DeliveryStatus.PENDING, ctx.recorded_at
            row.save(update_fields=["status", "next_attempt_at"])
    return row.id


def _wanted(events: Sequence[DeliveredEvent]) -> dict[str, list[WebhookEndpoint]]:
    """The endpoints of each event that somebody wants. An endpoint is told of what came after it was made."""
    of_merchant: dict[str, list[WebhookEndpoint]] = defaultdict(list)
    rows = WebhookEndpoint.objects.filter(
        merchant_id__in={event.merchant_id for event in events},
        status=EndpointStatus.ENABLED,
        deleted_at__isnull=True,
    )
    for row in rows.select_related("merchant") if events else ():
        of_merchant[row.merchant_id].append(row)
    wanted: dict[str, list[WebhookEndpoint]] = {}
    for event in events:
        found = [
            row
            for row in of_merchant.get(event.merchant_id, ())
            if row.recorded_at <= event.recorded_at and wants(row.enabled_events, event.type)
        ]
        if found:
            wanted[event.id] = found
    return wanted


def _write(ctx: Context, wanted: Mapping[str, Sequence[WebhookEndpoint]]) -> None:
    rows = {row.id: row for row in Event.objects.filter(id__in=list(wanted))}
    have = set(WebhookPayload.objects.filter(event_id__in=list(rows)).values_list("event_id", flat=True))
    WebhookPayload.objects.bulk_create(
        [
            WebhookPayload(
                merchant_id=rows[event_id].merchant_id, event_id=event_id, body=body, recorded_at=ctx.recorded_at
            )
            for event_id, body in _rendered([row for row in rows.values() if row.id not in have], wanted).items()
        ],
        ignore_conflicts=True,
        batch_size=500,
    )
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(
                merchant_id=rows[event_id].merchant_id,
                endpoint=endpoint,
                event_id=event_id,
                event_type=rows[event_id].type,
                next_attempt_at=ctx.recorded_at,
                created=ctx.recorded_at,
                recorded_at=ctx.recorded_at,
            )
            for event_id, found in wanted.items()
            for endpoint in found
        ],
        ignore_conflicts=True,
        batch_size=500,
    )


def _rendered(events: Sequence[Event], wanted: Mapping[str, Sequence[WebhookEndpoint]]) -> dict[str, str]:
    """Each event as /v1/events shows it: a fixed number of queries per merchant."""
    of_merchant: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        of_merchant[event.merchant_id].append(event)
    bodies: dict[str, str] = {}
    for merchant_id, own in of_merchant.items():
        told = shown(own)
        complete({"data": told}, merchant_id=merchant_id, livemode=wanted[own[0].id][0].merchant.livemode)
        for one in told:
            one["pending_webhooks"] = len(wanted[one["id"]])
            bodies[one["id"]] = orjson.dumps(one).decode()
    return bodies
