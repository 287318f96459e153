"""Wake the sender of mails."""

from __future__ import annotations

from django.utils import timezone

from core.context import Context
from notifications.services import forget_old_bodies, send_queued_messages

# A wake-up is short: mails must not keep the workers from billing. The next one goes on.
MOST_SECONDS = 2.5


def send_queued() -> dict[str, int]:
    """Send what is due. Returns the counts."""
    wall = timezone.now()
    sent, failed = send_queued_messages(ctx=Context(as_of=wall, recorded_at=wall), max_seconds=MOST_SECONDS)
    return {"sent": sent, "failed": failed}


def forget() -> int:
    """Empty the words of old mails. Returns how many."""
    wall = timezone.now()
    return forget_old_bodies(ctx=Context(as_of=wall, recorded_at=wall))
