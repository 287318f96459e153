"""How long the API keeps what it was asked and what it sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Model

from api.idempotency import KEPT
from api.models import ApiRequest, IdempotentRequest, RateBucket, WebhookAttempt, WebhookDelivery, WebhookPayload

AT_ONCE = 10_000


def forget_old(now: datetime) -> dict[str, int]:
    """Delete what is past its time, some thousands in a transaction. Returns how many rows went, by table."""
    old = now - timedelta(days=settings.API_LOG_DAYS)
    kept: Sequence[tuple[type[Model], dict[str, Any]]] = (
        (ApiRequest, {"created__lt": old}),
        (WebhookAttempt, {"recorded_at__lt": old}),
        (WebhookDelivery, {"recorded_at__lt": old, "next_attempt_at__isnull": True}),
        (WebhookPayload, {"recorded_at__lt": old}),
        (IdempotentRequest, {"recorded_at__lt": now - KEPT}),
        (RateBucket, {"filled_at__lt": now - timedelta(days=1)}),
    )
    return {model._meta.model_name or "": _delete(model, condition) for model, condition in kept}


def _delete(model: type[Model], condition: dict[str, Any]) -> int:
    rows, gone = model._default_manager.filter(**condition).order_by(), 0
    while ids := list(rows.values_list("pk", flat=True)[:AT_ONCE]):
        gone += model._default_manager.filter(pk__in=ids)._raw_delete("default")  # type: ignore[attr-defined]
    return gone
