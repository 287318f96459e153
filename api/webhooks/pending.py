"""How many endpoints have yet to take an event (Stripe's `pending_webhooks`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from api.models import DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from api.webhooks.rules import wants
from events.models import Event
from events.selectors import unread_among, unread_of

CONSUMER = "api.webhooks"


def by_delivery(rows: QuerySet[Event], merchant_id: str, *, whole: bool) -> QuerySet[Event]:
    """Of these events those that every endpoint which wanted them has taken; or the others: some delivery is still
    tried or was given up, or is yet to be made."""
    deliveries = WebhookDelivery.objects.filter(merchant_id=merchant_id, event_id=OuterRef("id"))
    lacking = Q(Exists(deliveries.exclude(status=DeliveryStatus.SUCCEEDED)))
    told = _told(merchant_id)
    if told:
        wanted = Q()
        for one in told:
            types = Q() if "*" in one.enabled_events else Q(type__in=one.enabled_events)
            wanted |= types & Q(recorded_at__gte=one.recorded_at)
        lacking |= wanted & Q(id__in=unread_of(CONSUMER, merchant_id))
    return rows.exclude(lacking) if whole else rows.filter(lacking)


def _told(merchant_id: str) -> list[WebhookEndpoint]:
    found = WebhookEndpoint.objects.filter(merchant_id=merchant_id, status=EndpointStatus.ENABLED)
    return list(found.filter(deleted_at__isnull=True))


def pending_webhooks(rows: Sequence[Event]) -> Mapping[str, int]:
    """By event: deliveries still tried, and of what is not yet handed out the endpoints that will get it.

    All rows are one merchant's. One query where it has no endpoint, three otherwise.
    """
    counted: Counter[str] = Counter()
    if not rows:
        return counted
    merchant_id, ids = rows[0].merchant_id, [row.id for row in rows]
    told = _told(merchant_id)
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
