"""A task that kills its worker is refused after a few starts and shown; none vanishes without a trace."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django_q.brokers import get_broker
from django_q.models import Failure, OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from billing_site import health
from billing_site.broker import MAX_STARTS, CountingBroker, count_start
from billing_site.models import TaskStart

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


def let_it_be_taken_again() -> None:
    """As after the time in which a worker should have finished."""
    OrmQ.objects.update(lock=LONG_AGO)


def begun(broker: CountingBroker) -> None:
    """Taken from the queue and begun by a worker that is killed at once."""
    let_it_be_taken_again()
    [(queue_id, payload)] = broker.dequeue()
    count_start(task=SignedPackage.loads(payload) | {"ack_id": queue_id})


@pytest.fixture
def broker(transactional_db) -> CountingBroker:
    found = get_broker("ostinato")
    assert isinstance(found, CountingBroker)
    return found


def test_a_task_that_was_begun_three_times_and_never_ended_is_refused_and_shown(broker):
    async_task("os.abort", task_name="the poison", broker=broker)
    assert MAX_STARTS == 3
    for _ in range(MAX_STARTS):
        begun(broker)
    let_it_be_taken_again()
    assert broker.dequeue() == []
    failure = Failure.objects.get()
    assert (failure.name, failure.func, failure.attempt_count) == ("the poison", "os.abort", 3)
    assert "kills its worker" in failure.result
    assert health.vitals(failure.stopped).failed_tasks == {"os.abort": 1}
    assert not OrmQ.objects.exists()
    assert not TaskStart.objects.exists()


def test_a_task_that_ended_leaves_no_count(broker):
    async_task("billing_site.tasks.canary", broker=broker)
    begun(broker)
    assert TaskStart.objects.get().starts == 1
    broker.acknowledge(OrmQ.objects.get().pk)
    assert not TaskStart.objects.exists()
    assert not OrmQ.objects.exists()


def test_pulses_that_never_were_in_the_queue_are_not_counted(broker):
    count_start(task={"name": "pulse", "func": "billing_site.tasks.canary"})
    assert not TaskStart.objects.exists()


def test_a_task_that_another_secret_key_signed_leaves_a_trace(broker):
    async_task("billing_site.tasks.canary", broker=broker)
    broker.fail(OrmQ.objects.get().pk)  # what django-q2 does with it
    assert "SECRET_KEY" in Failure.objects.get().result
    assert not OrmQ.objects.exists()


def test_the_queue_has_the_index_by_which_it_is_polled(broker):
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'django_q_ormq_key_lock'")
        assert "(key, lock)" in cursor.fetchone()[0]


@pytest.mark.slow
def test_a_real_cluster_survives_the_poison_and_goes_on(subprocess_env):
    async_task("os.abort", task_name="the poison")
    cluster = subprocess.Popen(
        [sys.executable, "manage.py", "cluster"],
        cwd=ROOT,
        env=subprocess_env | {"Q_WORKERS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 240
        while not Failure.objects.filter(name="the poison").exists():
            assert time.monotonic() < deadline, list(TaskStart.objects.values_list("func", "starts"))
            starts = TaskStart.objects.filter(func="os.abort").values_list("starts", flat=True).first()
            if starts:
                time.sleep(1)
                let_it_be_taken_again()
            time.sleep(0.2)
        assert Failure.objects.get(name="the poison").attempt_count == MAX_STARTS
        async_task("os.getpid", task_name="the next", save=True)
        while OrmQ.objects.exists():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert cluster.poll() is None
    finally:
        os.kill(cluster.pid, signal.SIGKILL)
        cluster.wait()
