"""Background work of the house itself."""

import time
from datetime import datetime, timedelta

from django.utils import timezone
from django_q.models import Failure

from billing_site.health import note_heartbeat
from billing_site.models import TaskStart

KEEP_FAILED_TASKS = timedelta(days=30)


# A canary runs every other second in each cluster; every tenth second of a worker is told to the other hosts.
HEARTBEAT_EVERY_S = 10.0
_told_at = float("-inf")


def canary() -> None:
    """That it ran is the message: to its supervisor by a file (see cluster.py), to everybody by the last heartbeat."""
    global _told_at
    if time.monotonic() - _told_at >= HEARTBEAT_EVERY_S:
        note_heartbeat(timezone.now())
        _told_at = time.monotonic()


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
