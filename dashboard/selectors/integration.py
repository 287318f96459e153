"""Reads for the pages of endpoints, deliveries and requests."""

from django.db.models import QuerySet

from api.models import ApiKey, ApiRequest, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookPayload
from api.request_log import requests_of
from api.webhooks.endpoints import endpoints
from core.ids import first_id_at
from events.models import Event


def listed_endpoints(merchant_id: str) -> QuerySet[WebhookEndpoint]:
    return endpoints(merchant_id)


def listed_deliveries(merchant_id: str) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(merchant_id=merchant_id).select_related("endpoint")


def attempts_of(delivery: WebhookDelivery) -> QuerySet[WebhookAttempt]:
    return WebhookAttempt.objects.filter(delivery_id=delivery.pk).order_by("-recorded_at", "-id")[:50]


def payload_of(delivery: WebhookDelivery) -> str:
    """What was sent; blank once it is not kept any more."""
    rows = WebhookPayload.objects.filter(merchant_id=delivery.merchant_id, event_id=delivery.event_id)
    return rows.values_list("body", flat=True).first() or ""


def listed_requests(merchant_id: str) -> QuerySet[ApiRequest]:
    return requests_of(merchant_id)


def events_of_request(request: ApiRequest) -> list[Event]:
    """What a request did. Events have no index by request: their ids' own time narrows the look."""
    begun = int(request.created.timestamp() * 1000)
    span = (first_id_at("evt", begun - 1000), first_id_at("evt", begun + request.duration_ms + 2000))
    rows = Event.objects.filter(id__range=span, merchant_id=request.merchant_id, request_id=request.request_id)
    return list(rows.order_by("id")[:50])


def key_words(merchant_id: str, key_id: str) -> str:
    """What may be shown of the key a request was made with."""
    key = ApiKey.objects.filter(merchant_id=merchant_id, id=key_id).first()
    return f"{key.name} {key.hint}".strip() if key else ""
