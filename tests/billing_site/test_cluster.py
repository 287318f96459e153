"""Killing an idle worker must not hang the queue (with django-q2's own locks it does)."""

import os
import signal
import time

import pytest
from django_q.cluster import get_mp_context

from billing_site.cluster import KillSafeQueue, hung_part

NOW = 1_000_000.0


def _answer_until_stop(asked, answered):
    for task in iter(asked.get, "STOP"):
        answered.put((os.getpid(), task))


@pytest.mark.slow
def test_killing_the_idle_next_in_line_worker_does_not_hang_the_queue():
    context = get_mp_context()
    asked, answered = KillSafeQueue(maxsize=2), KillSafeQueue()
    workers = [context.Process(target=_answer_until_stop, args=(asked, answered), daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    time.sleep(0.5)  # one of them now waits inside the lock
    asked.put("a")
    _answerer, _task = answered.get(timeout=5)
    # Whoever is alone left holds or will hold the lock; kill both in turn, each followed by a fresh worker.
    for victim in workers:
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        context.Process(target=_answer_until_stop, args=(asked, answered), daemon=True).start()
        time.sleep(0.3)
        asked.put("b")
        answerer, task = answered.get(timeout=5)
        assert task == "b"
        assert answerer != victim.pid


def _touch(folder, age, *names):
    for name in names:
        path = folder / name
        path.touch()
        os.utime(path, (NOW - age, NOW - age))


def _hung(folder, started=0.0):
    return hung_part(folder, started=started, now=NOW, patience=10, task_timeout=135)


def test_a_cluster_whose_parts_all_moved_is_well(tmp_path):
    _touch(tmp_path, 3, "guard", "work", "acknowledge")
    assert _hung(tmp_path) == ""


@pytest.mark.parametrize("part", ["guard", "work", "acknowledge"])
def test_the_part_that_stopped_is_named(tmp_path, part):
    _touch(tmp_path, 3, *{"guard", "work", "acknowledge"} - {part})
    _touch(tmp_path, 11, part)
    assert _hung(tmp_path) == part


def test_a_cluster_that_has_just_started_has_time(tmp_path):
    assert _hung(tmp_path, started=NOW - 9) == ""
    assert _hung(tmp_path, started=NOW - 11) == "guard"


def test_workers_that_are_all_busy_may_use_their_time_out(tmp_path, settings):
    from django_q.conf import Conf

    _touch(tmp_path, 3, "guard")
    _touch(tmp_path, 100, "work", "acknowledge")
    for pid in [os.getpid(), os.getppid()][: Conf.WORKERS]:
        _touch(tmp_path, 100, f"busy-{pid}")
    assert _hung(tmp_path) == ""
    _touch(tmp_path, 140, "work")
    assert _hung(tmp_path) == "work"
