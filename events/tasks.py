"""Wake the relay. django-q2 calls these; `EVENT_ROUTES` names who reads what (billing_site/event_routes.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from core.context import Context
from events.services import relay, relay_all
from events.types import Consumer

# A wake-up is short: it must not keep a worker from billing, nor outlast the task's time-out.
SECONDS_EACH = 5.0
DEFAULT_ROUTES = "billing_site.event_routes.CONSUMERS"


def consumers() -> Sequence[Consumer]:
    """The consumers by their setting: this floor must not import those above it."""
    return cast("Sequence[Consumer]", import_string(getattr(settings, "EVENT_ROUTES", DEFAULT_ROUTES)))


def relay_events() -> dict[str, int]:
    """Deliver to all consumers. Returns how many events each got."""
    wall = timezone.now()
    reports = relay_all(ctx=Context(as_of=wall, recorded_at=wall), consumers=consumers(), max_seconds=SECONDS_EACH)
    return {report.consumer: report.delivered for report in reports}


def relay_to(consumer: str) -> int:
    """Deliver to one consumer by name."""
    wall = timezone.now()
    found = next(each for each in consumers() if each.name == consumer)
    return relay(ctx=Context(as_of=wall, recorded_at=wall), consumer=found, max_seconds=SECONDS_EACH).delivered
