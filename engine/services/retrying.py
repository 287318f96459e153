"""What was refused, asked for again by a person: due at once, and the run woken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django_q.tasks import async_task

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import TestClock
from engine.models import Refusal, RefusalStatus
from engine.run_selectors import open_refusals
from invoicing.models import Invoice
from subscriptions.models import Subscription, SubscriptionSchedule

MOST_AT_ONCE = 10_000

# What each run refuses, and the task that takes it up again.
KINDS: dict[str, tuple[Any, str]] = {
    "renewal": (Subscription, "engine.tasks.renew"),
    "schedule": (SubscriptionSchedule, "engine.tasks.renew"),
    "finalization": (Invoice, "engine.tasks.finalize"),
    "overdue": (Invoice, "engine.tasks.overdue"),
    "collection": (Invoice, "engine.tasks.collect"),
}


class NothingToRetry(OstinatoError):
    code = "nothing_to_retry"
    message_id = gettext_noop("None of these refusals is open any more.")


@dataclass(frozen=True, slots=True)
class RetryReport:
    """`asked` are due again; `over` wait for nothing any more (canceled, voided): their refusals are resolved."""

    asked: int
    over: int


def retry_refusals(*, ctx: Context, merchant_id: str, refusal_ids: Sequence[str] | None = None) -> RetryReport:
    """Have the run look again at these open refusals, or at all of them, up to `MOST_AT_ONCE`.

    What lives on a test clock is due at its clock's time. Each refusal keeps who asked and when; it is resolved when
    its object goes through. Raises `NothingToRetry`.
    """
    with transaction.atomic():
        wanted = open_refusals(merchant_id)
        if refusal_ids is not None:
            wanted = wanted.filter(id__in=list(refusal_ids))
        found = list(wanted.select_for_update(no_key=True).order_by("id")[:MOST_AT_ONCE])
        if not found:
            raise NothingToRetry
        over: list[str] = []
        by_kind: dict[str, list[Refusal]] = defaultdict(list)
        for refusal in found:
            by_kind[refusal.kind].append(refusal)
        tasks: set[tuple[str, ...]] = set()
        for kind, refusals in by_kind.items():
            over += _make_due(ctx, kind, refusals, tasks)
        mine = Refusal.objects.filter(id__in=[refusal.id for refusal in found])
        mine.update(retried_at=ctx.recorded_at, retried_by=ctx.actor)
        mine.filter(id__in=over).update(status=RefusalStatus.RESOLVED, resolved_at=ctx.as_of)
        mine.exclude(id__in=over).update(retry_at=ctx.as_of)
        for task in sorted(tasks):
            async_task(*task)  # rolled back with this transaction
    return RetryReport(asked=len(found) - len(over), over=len(over))


def _make_due(ctx: Context, kind: str, refusals: Sequence[Refusal], tasks: set[tuple[str, ...]]) -> list[str]:
    """The objects behind these are due at once; gives the refusals whose object waits for nothing."""
    if kind not in KINDS:
        return []
    model, task = KINDS[kind]
    objects = model.objects.filter(id__in=[refusal.object_id for refusal in refusals], next_action_at__isnull=False)
    waiting = dict(objects.order_by("id").values_list("id", "test_clock_id"))
    clock = TestClock.objects.filter(id=OuterRef("test_clock_id")).values("frozen_time")[:1]
    now = Coalesce(Subquery(clock), Value(ctx.as_of))
    objects.filter(next_action_at__gt=now).update(next_action_at=now)
    tasks.update(("engine.tasks.run_clock", clock_id) if clock_id else (task,) for clock_id in waiting.values())
    return [refusal.id for refusal in refusals if refusal.object_id not in waiting]
