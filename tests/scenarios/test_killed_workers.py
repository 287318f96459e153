"""Real worker processes, killed in the middle of a run or racing each other: every period is billed exactly once."""

import json
import signal
import time

import pytest
from django.db import connection

from billing_site.benchmarks import data
from billing_site.benchmarks.invariants import broken_invariants
from billing_site.benchmarks.runs import start_worker
from invoicing.models import Invoice

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def ready(worker):
    assert worker.stdout.readline() == "ready\n", worker.stderr.read()[-2000:]
    return worker


def go(worker):
    worker.stdin.write("go\n")
    worker.stdin.flush()


def report_of(worker):
    out, err = worker.communicate(timeout=120)
    assert worker.returncode == 0, err[-2000:]
    return json.loads(out.strip().splitlines()[-1])


def wait_until_some_are_committed(at_least, deadline_s=60.0):
    deadline = time.monotonic() + deadline_s
    while (done := Invoice.objects.count()) < at_least:
        assert time.monotonic() < deadline, f"only {done} after {deadline_s} s"
        time.sleep(0.005)


def end_backends_of_the_dead():
    """The server notices a killed client at its next read or write; so that the test need not wait for that."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_killed_in_the_middle_and_started_again(subprocess_env):
    rows, kills = 300, 3
    data.build(rows)
    for kill in range(1, kills + 1):
        worker = ready(start_worker("renewals", 10, subprocess_env))
        go(worker)
        wait_until_some_are_committed(kill * 40)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    end_backends_of_the_dead()
    before = Invoice.objects.count()
    assert 0 < before < rows, "the kills must come in the middle"

    last = ready(start_worker("renewals", 10, subprocess_env))
    go(last)
    assert report_of(last)["done"] == rows - before
    assert broken_invariants(rows, data.DUE) == []


def test_two_workers_at_once_bill_once_and_share_the_work(subprocess_env):
    rows = 200
    data.build(rows)
    workers = [ready(start_worker("renewals", 10, subprocess_env)) for _ in range(2)]
    for worker in workers:
        go(worker)
    done = [report_of(worker)["done"] for worker in workers]
    assert sum(done) == rows
    assert min(done) > 0
    assert broken_invariants(rows, data.DUE) == []
