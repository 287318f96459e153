"""What wakes up when. Both kinds only wake: what is due is in our own tables (docs/decisions.md)."""

from dataclasses import dataclass
from importlib.util import find_spec

from django_q.models import Schedule


@dataclass(frozen=True, slots=True)
class Wake:
    """One schedule: `func` is a task that takes nothing and does what is due, every `minutes`."""

    name: str
    func: str
    minutes: int


# django-q2 looks at its schedules every 30 seconds.
WAKES = (
    Wake("renew", "engine.tasks.renew", 1),
    Wake("finalize", "engine.tasks.finalize", 1),
    Wake("collect", "engine.tasks.collect", 1),
    Wake("thresholds", "engine.tasks.thresholds", 1),
    Wake("settle", "engine.tasks.settle", 1),
    Wake("resolve unknown outcomes", "engine.tasks.resolve", 1),
    Wake("sweep the processors' events", "engine.tasks.sweep", 10),
    Wake("mirror the processors' balances", "engine.tasks.balances", 60),
    Wake("overdue", "engine.tasks.overdue", 60),
    Wake("cards that expire", "engine.tasks.cards", 60),
    Wake("advance clocks", "engine.tasks.advance_clocks", 1),
    Wake("prepare months of usage", "usage.tasks.prepare", 24 * 60),
    Wake("roll usage up by the hour", "usage.tasks.roll_up", 1),
    Wake("forget usage identifiers", "usage.tasks.forget", 24 * 60),
    Wake("forget processors' events", "payments.tasks.forget", 24 * 60),
    Wake("forget the words of old mails", "notifications.tasks.forget", 24 * 60),
    Wake("switch off dead webhook endpoints", "api.tasks.disable_dead_endpoints", 60),
    Wake("forget what the API kept", "api.tasks.forget", 24 * 60),
    Wake("prune failed tasks", "billing_site.tasks.prune_failed_tasks", 24 * 60),
    Wake("clear expired sessions", "billing_site.tasks.clear_expired_sessions", 24 * 60),
)

# Sent by each cluster through its own queue (cluster.py): what people wait for, and the canary. Seconds.
PULSES = {
    "billing_site.tasks.canary": 2.0,
    "events.tasks.relay_events": 3.0,
    "engine.tasks.inbox": 3.0,
    "notifications.tasks.send_queued": 3.0,
}


def ensure_schedules() -> None:
    """Make the table of schedules say what `WAKES` says. Safe to run again, and from several hosts."""
    wanted = {wake.name: wake for wake in WAKES if find_spec(wake.func.rpartition(".")[0])}
    Schedule.objects.exclude(name__in=wanted).filter(name__in=[wake.name for wake in WAKES]).delete()
    for wake in wanted.values():
        Schedule.objects.update_or_create(
            name=wake.name,
            defaults={"func": wake.func, "schedule_type": Schedule.MINUTES, "minutes": wake.minutes, "repeats": -1},
        )
