"""Housekeeping of the processors' inbox. django-q2 calls these."""

from django.utils import timezone

from payments.retention import forget_old


def forget() -> dict[str, int]:
    """Let go of what is older than the installation keeps. Returns how much went, by kind."""
    return forget_old(timezone.now())
