"""Killing an idle worker must not hang the queue (with django-q2's own locks it does), and hangs are seen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from billing_site.cluster import Patience, hung_part

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_000_000.0
# In a process of its own: forking one that also drives a browser would be a matter of luck.
KILL_THE_NEXT_IN_LINE = """
import os, signal, time
import django
django.setup()
from django_q.cluster import get_mp_context
from billing_site.cluster import KillSafeQueue

def answer_until_stop():
    for task in iter(asked.get, "STOP"):
        answered.put((os.getpid(), task))

asked, answered = KillSafeQueue(maxsize=2), KillSafeQueue()
workers = [get_mp_context().Process(target=answer_until_stop, daemon=True) for _ in range(2)]
for worker in workers:
    worker.start()
time.sleep(0.5)  # one of them now waits for a task inside the lock, the other for the lock
asked.put("first")
answerer, _ = answered.get(timeout=20)
time.sleep(0.5)  # and now it is the other one that waits inside the lock
(next_in_line,) = [worker for worker in workers if worker.pid != answerer]
os.kill(next_in_line.pid, signal.SIGKILL)
next_in_line.join()
asked.put("second")
assert answered.get(timeout=20) == (answerer, "second")
os.kill(answerer, signal.SIGKILL)  # nobody ends it for us: leaving so leaves it behind
os._exit(0)
"""


@pytest.mark.slow
def test_killing_the_idle_next_in_line_worker_does_not_hang_the_queue():
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", KILL_THE_NEXT_IN_LINE], cwd=ROOT, env=env, timeout=90, check=False)
    assert done.returncode == 0


def _touch(folder, age, *names):
    for name in names:
        path = folder / name
        path.touch()
        os.utime(path, (NOW - age, NOW - age))


def _hung(folder, started=0.0):
    return hung_part(folder, started=started, now=NOW, patience=Patience(starting=60, idle=10, busy=135))


def test_a_cluster_whose_parts_all_moved_is_well(tmp_path):
    _touch(tmp_path, 3, "guard", "work", "acknowledge")
    assert _hung(tmp_path) == ""


@pytest.mark.parametrize("part", ["guard", "work", "acknowledge"])
def test_the_part_that_stopped_is_named(tmp_path, part):
    _touch(tmp_path, 3, *{"guard", "work", "acknowledge"} - {part})
    _touch(tmp_path, 11, part)
    assert _hung(tmp_path) == part


def test_a_cluster_that_has_just_started_has_time(tmp_path):
    assert _hung(tmp_path, started=NOW - 59) == ""
    assert _hung(tmp_path, started=NOW - 61) == "guard"


def test_workers_that_are_all_busy_may_use_their_time_out(tmp_path, settings):
    from django_q.conf import Conf

    _touch(tmp_path, 3, "guard")
    _touch(tmp_path, 100, "work", "acknowledge")
    for pid in [os.getpid(), os.getppid()][: Conf.WORKERS]:
        _touch(tmp_path, 100, f"busy-{pid}")
    assert _hung(tmp_path) == ""
    _touch(tmp_path, 140, "work")
    assert _hung(tmp_path) == "work"
