"""How the house is: what a load balancer, a monitor and Prometheus ask. Figures only, of no merchant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min, Sum
from django_q.models import Failure, OrmQ

from engine.models import BillingRun, Refusal
from events.models import HeldEvent
from events.selectors import oldest_unread
from events.tasks import consumers
from invoicing.models import Invoice
from payments.models import Charge
from subscriptions.models import Subscription

HEARTBEAT = "cluster.heartbeat"
HEARTBEAT_KEPT = timedelta(days=2)
# Beyond these somebody should look. The run wakes every minute, the relay every three seconds.
LATE_S = {"cluster": 60.0, "relay": 120.0, "renewals": 900.0, "finalizations": 900.0, "unknown_charges": 3600.0}
RECENT = timedelta(hours=1)


@dataclass(slots=True)
class Vitals:
    """Ages in seconds (None: nothing waits; for the cluster: never seen), and counts."""

    ages: dict[str, float | None] = field(default_factory=dict)
    relay_lag: dict[str, float] = field(default_factory=dict)  # by consumer
    queued_tasks: int = 0
    held_events: int = 0
    failed_tasks: dict[str, int] = field(default_factory=dict)  # kept for staff, by function
    open_refusals: dict[str, int] = field(default_factory=dict)  # by kind of run
    done: dict[str, int] = field(default_factory=dict)  # by kind of run, within `RECENT`
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def late(self) -> list[str]:
        """What is older than it may be."""
        never_seen = ["cluster"] if self.ages.get("cluster") is None else []
        return never_seen + [name for name, limit in LATE_S.items() if (self.ages.get(name) or 0.0) > limit]


def note_heartbeat(now: datetime) -> None:
    """A worker of some cluster did a task."""
    cache.set(HEARTBEAT, now, int(HEARTBEAT_KEPT.total_seconds()))


_is_migrated = False


def is_migrated() -> bool:
    """Whether the database is as this code wants it. Asked once: a process does not change its code."""
    global _is_migrated
    if not _is_migrated:
        executor = MigrationExecutor(connection)
        _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _is_migrated


def answers() -> bool:
    """Whether the database does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


# What makes a host unfit for requests. What is late elsewhere is no reason to send it none.
NEEDED: dict[str, Callable[[], bool]] = {"database": answers, "migrations": is_migrated}


def vitals(now: datetime) -> Vitals:
    """A fixed number of queries, each by an index."""
    found = Vitals()
    waiting = {"next_action_at__lte": now, "test_clock_id__isnull": True}
    due = Subscription.objects.filter(**waiting).aggregate(at=Min("next_action_at"))["at"]
    drafts = Invoice.objects.filter(status="draft", auto_advance=True, **waiting)
    unknown = Charge.objects.filter(status="unknown").aggregate(at=Min("recorded_at"))["at"]
    for consumer in consumers():
        unread = oldest_unread(consumer)
        found.relay_lag[consumer.name] = (_age(now, unread) or 0.0) if unread else 0.0
    found.ages = {
        "cluster": _age(now, cache.get(HEARTBEAT)),
        "relay": max(found.relay_lag.values(), default=0.0),
        "renewals": _age(now, due),
        "finalizations": _age(now, drafts.aggregate(at=Min("next_action_at"))["at"]),
        "unknown_charges": _age(now, unknown),
    }
    found.queued_tasks = OrmQ.objects.count()
    found.failed_tasks = dict(Failure.objects.order_by().values_list("func").annotate(Count("id")))
    found.held_events = HeldEvent.objects.count()
    refusals = Refusal.objects.filter(status="open").order_by().values_list("kind").annotate(Count("id"))
    found.open_refusals = dict(refusals)
    recent = BillingRun.objects.filter(started_at__gte=now - RECENT).order_by()
    for kind, done, refused in recent.values_list("kind").annotate(Sum("done"), Sum("refused")):
        found.done[kind], found.refused[kind] = done, refused
    return found


def _age(now: datetime, moment: datetime | None) -> float | None:
    return None if moment is None else max((now - moment).total_seconds(), 0.0)


def exposition(found: Vitals, needed: dict[str, bool]) -> str:
    """The figures in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []

    def say(name: str, words: str, values: dict[str, float | None], label: str) -> None:
        lines.extend([f"# HELP ostinato_{name} {words}", f"# TYPE ostinato_{name} gauge"])
        lines.extend(
            f'ostinato_{name}{{{label}="{key}"}} {value:g}' if label else f"ostinato_{name} {value:g}"
            for key, value in sorted(values.items())
            if value is not None
        )

    say("ready", "1 when this is as requests need it.", {k: float(v) for k, v in needed.items()}, "part")
    say("oldest_seconds", "Age of the oldest thing that waits, and of the last heartbeat.", found.ages, "what")
    say("late", "1 when it is older than it may be.", {k: float(k in found.late) for k in LATE_S}, "what")
    say("relay_lag_seconds", "Age of the oldest event that a consumer has not read.", dict(found.relay_lag), "consumer")
    say("queued_tasks", "Tasks in the queue.", {"": found.queued_tasks}, "")
    say("failed_tasks", "Tasks that failed or kill their worker, kept for staff.", dict(found.failed_tasks), "func")
    say("held_events", "Events that a consumer could not take.", {"": found.held_events}, "")
    say("open_refusals", "Objects that a run would not touch.", dict(found.open_refusals), "run")
    say("done_last_hour", "Objects done by runs begun within the hour.", dict(found.done), "run")
    say("refused_last_hour", "Objects refused by runs begun within the hour.", dict(found.refused), "run")
    return "\n".join(lines) + "\n"
