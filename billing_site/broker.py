"""django-q2's queue in PostgreSQL, which refuses what kills its workers and lets nothing vanish without a trace.

  1. A worker that begins a task counts that in a row of our own, committed before the task runs.
  2. A task that is done, or failed as often as it may, takes its row along.
  3. Whoever takes a task from the queue looks there first: one that was begun `MAX_STARTS` times and never ended is
     put with the failed tasks, for staff to see, and given to no worker any more.

What cannot be unpacked (SECRET_KEY was changed) is put there as well; django-q2 alone would only delete it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any
from uuid import uuid4

import django.db
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import Task
from django_q.signing import BadSignature, SignedPackage
from django_q.utils import get_func_repr

from billing_site.models import TaskStart

logger = logging.getLogger(__name__)

MAX_STARTS: int = settings.Q_CLUSTER["max_attempts"]

_COUNT = """
INSERT INTO billing_site_taskstart AS t (queue_id, func, starts, recorded_at) VALUES (%s, %s, 1, %s)
ON CONFLICT (queue_id) DO UPDATE SET starts = t.starts + 1, recorded_at = excluded.recorded_at
"""


class CountingBroker(ORM):
    """The queue that `Q_CLUSTER["broker_class"]` names."""

    def dequeue(self) -> list[tuple[int, str]] | None:
        taken: list[tuple[int, str]] | None = super().dequeue()
        if not taken:
            return taken
        ids = [queue_id for queue_id, _ in taken]
        poison = dict(
            TaskStart.objects.filter(queue_id__in=ids, starts__gte=MAX_STARTS).values_list("queue_id", "starts")
        )
        for queue_id, payload in taken:
            if queue_id in poison:
                self._refuse(queue_id, payload, poison[queue_id])
        return [(queue_id, payload) for queue_id, payload in taken if queue_id not in poison]

    def delete(self, task_id: int) -> None:
        super().delete(task_id)
        TaskStart.objects.filter(queue_id=task_id).delete()

    def fail(self, task_id: int) -> None:
        """It could not be unpacked."""
        self._bury(task_id, {}, 0, "The task could not be read: its signature is not of this SECRET_KEY.")

    def _refuse(self, queue_id: int, payload: str, starts: int) -> None:
        try:
            task = SignedPackage.loads(payload)
        except (TypeError, BadSignature):
            self.fail(queue_id)
            return
        logger.error("task %s (%s) was begun %d times and never ended", task["name"], task["func"], starts)
        self._bury(queue_id, task, starts, f"Begun {starts} times and never ended: it kills its worker. Refused.")

    def _bury(self, queue_id: int, task: dict[str, Any], starts: int, why: str) -> None:
        now = _wall()
        with transaction.atomic():
            Task.objects.update_or_create(
                id=task.get("id") or uuid4().hex,
                defaults={
                    "name": task.get("name", f"queue row {queue_id}")[:100],
                    "func": get_func_repr(task["func"]) if task else "?",
                    "args": task.get("args", ()),
                    "kwargs": task.get("kwargs", {}),
                    "group": task.get("group"),
                    "cluster": self.list_key,
                    "started": task.get("started", now),
                    "stopped": now,
                    "result": why,
                    "success": False,
                    "attempt_count": starts,
                },
            )
            self.delete(queue_id)


def count_start(*, task: dict[str, Any], **_: Any) -> None:
    """A worker begins a task of the queue. A receiver of django-q2's `pre_execute`."""
    queue_id = task.get("ack_id")
    if queue_id is None:
        return  # a pulse of this cluster's own
    try:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [queue_id, get_func_repr(task["func"]), _wall()])
    except django.db.Error:
        # Raised here it would kill the worker; the task itself will meet the same database, and fail with a trace.
        logger.exception("the start of task %s could not be counted", task.get("name"))


def _wall() -> datetime:
    return timezone.now()  # noqa: TID251 - wall time, of the cluster itself
