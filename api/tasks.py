"""Housekeeping of the API. django-q2 calls these."""

from __future__ import annotations

from django.utils import timezone

from api.retention import forget_old
from api.webhooks.notices import disable_and_tell
from core.context import Context


def disable_dead_endpoints() -> int:
    """Switch off the endpoints that have taken nothing for days, and tell their merchants. Returns how many."""
    wall = timezone.now()
    return disable_and_tell(ctx=Context(as_of=wall, recorded_at=wall))


def forget() -> dict[str, int]:
    """Let go of what is older than the installation keeps. Returns how much went, by kind."""
    return forget_old(timezone.now())
