"""django-q2 wakes these; doubled or lost calls do no harm."""

from __future__ import annotations

from django.utils import timezone

from core.context import Context
from usage.services import forget_old_identifiers, prepare_months, roll_up_usage

# Well before the cluster's time-out (120 s); the next waking goes on.
ROLLUP_SECONDS = 40.0


def prepare() -> int:
    """Partitions for the months to come, before anything falls into them."""
    return prepare_months(ctx=_now())


def forget() -> int:
    """Identifiers past their time go."""
    return forget_old_identifiers(ctx=_now())


def roll_up() -> int:
    """Hours of usage that are quiet are counted into buckets. Returns how many."""
    return roll_up_usage(ctx=_now(), max_seconds=ROLLUP_SECONDS).counted


def _now() -> Context:
    wall = timezone.now()
    return Context(as_of=wall, recorded_at=wall, actor="run")
