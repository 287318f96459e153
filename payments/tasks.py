"""Housekeeping of the processors' inbox. django-q2 calls these."""

from django.utils import timezone

from payments.inbox import forget_old_events


def forget() -> int:
    """Let go of what was applied long ago. Returns how many events went."""
    return forget_old_events(timezone.now())
