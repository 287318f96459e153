"""How many endpoints have yet to take an event (Stripe's `pending_webhooks`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from django.db.models import Count

from api.models import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from api.webhooks.rules import wants
from events.models import Event
from events.selectors import unread_among

CONSUMER = "api.webhooks"


def pending_webhooks(rows: Sequence[Event]) -> Mapping[str, int]:
    """By event: deliveries still tried, and of what is not yet handed out the endpoints that will get it.

    All rows are one merchant's. One query where it has no endpoint, three otherwise.
    """
    counted: Counter[str] = Counter()
    if not rows:
        return counted
    merchant_id, ids = rows[0].merchant_id, [row.id for row in rows]
    told = list(
        WebhookEndpoint.objects.filter(merchant_id=merchant_id, status=EndpointStatus.ENABLED, deleted_at__isnull=True)
    )
    if not told:
        return counted
    waiting = WebhookDelivery.objects.filter(
        merchant_id=merchant_id, event_id__in=ids, status=DeliveryStatus.PENDING, endpoint__in=told
    )
    counted.update(dict(waiting.values_list("event_id").annotate(Count("id"))))
    unread = unread_among(CONSUMER, ids)
    for row in rows:
        if row.id in unread:
            counted[row.id] = sum(
                one.recorded_at <= row.recorded_at and wants(one.enabled_events, row.type) for one in told
            )
    return counted
