"""How long what processors told and answered is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from payments.models import GatewayEvent, SandboxReply

AT_ONCE = 10_000
# The sandbox's keys protect what may still be sent again; nothing is after this, whatever the setting says.
LEAST_REPLY_AGE = timedelta(days=2)


def forget_old(wall: datetime) -> dict[str, int]:
    """Delete what is past its time, some thousands in a transaction. Returns how many rows went, by table.

    What still waits to be applied stays, however old.
    """
    events = wall - timedelta(days=settings.PROCESSOR_EVENT_DAYS)
    replies = wall - max(timedelta(days=settings.SANDBOX_REPLY_DAYS), LEAST_REPLY_AGE)
    return {
        "gatewayevent": _delete(GatewayEvent.objects.filter(recorded_at__lt=events, apply_after__isnull=True)),
        "sandboxreply": _delete(SandboxReply.objects.filter(recorded_at__lt=replies)),
    }


def _delete(rows: QuerySet[Any]) -> int:
    gone = 0
    while ids := list(rows.order_by().values_list("pk", flat=True)[:AT_ONCE]):
        gone += rows.model._default_manager.filter(pk__in=ids).delete()[0]
    return gone
