"""Background work of the house itself."""

from datetime import datetime, timedelta

from django.utils import timezone
from django_q.models import Failure

from billing_site.models import TaskStart

KEEP_FAILED_TASKS = timedelta(days=30)


def canary() -> None:
    """Does nothing: that it ran is the message (see cluster.py)."""


def prune_failed_tasks(now: datetime | None = None) -> int:
    """django-q2 keeps failed tasks for ever; we keep them for a month. Returns how many went."""
    before = (now or timezone.now()) - KEEP_FAILED_TASKS
    TaskStart.objects.filter(recorded_at__lt=before).delete()  # of tasks that somebody took from the queue by hand
    deleted, _ = Failure.objects.filter(stopped__lt=before).delete()
    return deleted


def clear_expired_sessions() -> None:
    """Sessions past their date are only rows."""
    from django.core.management import call_command

    call_command("clearsessions")
