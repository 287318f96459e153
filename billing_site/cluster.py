"""The django-q2 cluster, made to survive the kills that hang or orphan it as it comes.

- Its queues guard their pipes with semaphores, which stay taken when their holder is killed; ours are file locks,
  which the kernel releases.
- Its children outlive a killed parent; ours ask the kernel to be killed with it.
- A task that kills its worker is tried a few times only: its starts are counted before it runs (broker.py).
- What can still hang (a slot or a counter lost in the middle of an operation) is *seen*: the sentinel passes a
  canary (schedules.py) through its own queue every few seconds, and heartbeat files tell the supervisor which part
  has stopped.
  The canary does not go through the database: with clusters on several hosts another one would eat it.
"""

import fcntl
import logging
import os
import queue
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import django_q.cluster
from django.utils import timezone
from django_q.cluster import Cluster, Sentinel
from django_q.conf import Conf
from django_q.queues import Queue
from django_q.signals import post_execute, post_execute_in_worker, pre_execute

from billing_site.broker import count_start
from billing_site.processes import dies_with_parent
from billing_site.schedules import PULSES

HEARTBEATS_VARIABLE = "CLUSTER_HEARTBEATS"
# The parts that must move: the guard loop, a worker, and the monitor that acknowledges.
PARTS = ("guard", "work", "acknowledge")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds without a sign of life before a part counts as hung."""

    starting: float
    idle: float
    busy: float


class FileLock:
    """A lock between forked processes that its holder's death releases. Not reentrant, one thread per process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the lock
        self._descriptors: dict[int, int] = {}

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        descriptor = self._own_descriptor()
        if block and timeout is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return True
        deadline = time.monotonic() + (timeout or 0 if block else 0)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.01)

    def release(self) -> None:
        fcntl.flock(self._own_descriptor(), fcntl.LOCK_UN)

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    def _own_descriptor(self) -> int:
        # A descriptor inherited by fork shares its lock with the parent: each process opens the file anew.
        pid = os.getpid()
        if pid not in self._descriptors:
            self._descriptors[pid] = os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDWR | os.O_CLOEXEC)
        return self._descriptors[pid]


class KillSafeQueue(Queue):
    """django-q2's queue with file locks around its pipe."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rlock = FileLock()
        self._wlock = FileLock()


class WatchedSentinel(Sentinel):
    """Tells that it still guards, and sends a canary through its own queue."""

    _next_pulse: ClassVar[dict[str, float]] = {}

    def status(self) -> str:
        # Called once in each turn of the guard loop.
        beat("guard")
        if not self.stop_event.is_set():
            self._send_pulses(time.monotonic())
        return super().status()

    def _send_pulses(self, now: float) -> None:
        for func, every in PULSES.items():
            if now < self._next_pulse.get(func, 0.0):
                continue
            try:
                self.task_queue.put_nowait(_pulse_task(func))
            except queue.Full:
                return  # there is work enough to see the workers alive by; the pulse is sent when there is room
            self._next_pulse[func] = now + every


def _pulse_task(func: str) -> dict[str, Any]:
    started = timezone.now()  # noqa: TID251 - wall time, of the cluster itself
    # `save` is about successes: a pulse that failed is kept like any failed task.
    return {
        "id": uuid4().hex,
        "name": "pulse",
        "func": func,
        "args": (),
        "kwargs": {},
        "started": started,
        "save": False,
    }


def beat(part: str) -> None:
    """Touch the heartbeat file of `part`."""
    folder = os.environ.get(HEARTBEATS_VARIABLE)
    if folder:
        Path(folder, part).touch()


def _mark_busy(**_: Any) -> None:
    folder = os.environ.get(HEARTBEATS_VARIABLE)
    if folder:
        Path(folder, f"busy-{os.getpid()}").touch()


def _mark_idle(**_: Any) -> None:
    folder = os.environ.get(HEARTBEATS_VARIABLE)
    if folder:
        Path(folder, f"busy-{os.getpid()}").unlink(missing_ok=True)
        beat("work")


def _mark_acknowledged(**_: Any) -> None:
    beat("acknowledge")


def run() -> int:
    """Run a cluster until it is told to stop. Returns 0 then, 1 when its sentinel died by itself."""
    django_q.cluster.Queue = KillSafeQueue
    django_q.cluster.Sentinel = WatchedSentinel
    for sent, receiver in (
        (pre_execute, _mark_busy),
        (pre_execute, count_start),
        (post_execute_in_worker, _mark_idle),
        (post_execute, _mark_acknowledged),
    ):
        sent.connect(receiver)
    # Pulses that went well are not news.
    logging.getLogger("django-q").addFilter(
        lambda record: record.levelno >= logging.WARNING or "pulse" not in record.getMessage()
    )
    _children_die_with_their_parent()
    cluster = Cluster()
    cluster.start()
    sentinel = cluster.sentinel
    sentinel.join()
    return 0 if sentinel.exitcode == 0 else 1


def _children_die_with_their_parent() -> None:
    prepare: list[Callable[[], None]] = []

    def before() -> None:
        prepare[:] = [dies_with_parent(signal.SIGKILL)]

    os.register_at_fork(before=before, after_in_child=lambda: prepare[0]())


def hung_part(folder: Path, *, started: float, now: float, patience: Patience) -> str:
    """Name the part of the cluster that has stopped, or "" when all is well.

    `started` and `now` are wall times, as file times are. A part that has never moved is still starting; workers that
    are all busy with long tasks have until their time-out.
    """
    for part in PARTS:
        file = folder / part
        if not file.exists():
            since, limit = started, patience.starting
        elif part != "guard" and _busy_workers(folder) >= Conf.WORKERS:
            since, limit = file.stat().st_mtime, patience.busy
        else:
            since, limit = file.stat().st_mtime, patience.idle
        if now - since > limit:
            return part
    return ""


def _busy_workers(folder: Path) -> int:
    pids = [file.name.removeprefix("busy-") for file in folder.glob("busy-*")]
    return sum(1 for pid in pids if Path(f"/proc/{pid}").exists())


if __name__ == "__main__":
    sys.exit(run())
