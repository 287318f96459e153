"""Stripe's own Node client against a real server: what an application written in another language would do.

The stories are in `*.test.mjs`; here are the server, a merchant for each story, and a worker that moves clocks and
delivers webhooks while they run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone
from django_q.models import OrmQ

from api.webhooks.deliveries import make_deliveries
from api.webhooks.sender import Sender
from core.context import Context
from customers.models import TestClock
from engine.tasks import advance_clock
from events.services import relay
from events.types import Consumer
from tests.api.sdk import new_sdk

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STORIES = sorted(HERE.glob("*.test.mjs"))
wall = timezone.now  # noqa: TID251 (webhooks live in wall time)


def node() -> str | None:
    """The node that `make test` set up: the checkout's own, or the machine's."""
    return shutil.which("node", path=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")


@contextmanager
def worker() -> Iterator[list[BaseException]]:
    """Moves clocks that were asked to and delivers webhooks, as the cluster and the sender do."""
    over = threading.Event()
    faults: list[BaseException] = []
    consumer, sender = Consumer("api.webhooks", make_deliveries), Sender(clock=wall)

    def work() -> None:
        try:
            while not over.wait(0.05):
                for clock_id in TestClock.objects.filter(status="advancing").values_list("id", flat=True):
                    OrmQ.objects.all().delete()
                    advance_clock(clock_id)
                now = wall()
                relay(ctx=Context(now, now), consumer=consumer, batch_size=500)
                sender.drain()
        except BaseException as fault:
            faults.append(fault)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield faults
    finally:
        over.set()
        thread.join(30)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_node_client_lives_through_its_stories(live_server: Any, settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    found = node()
    assert found, "node is missing: run `make setup`"
    shops = {
        story.name: new_sdk(live_server.url, name=story.name, prefix=f"N{number}", grace=3600, currency="usd")
        for number, story in enumerate(STORIES)
    }
    keys = {name: sdk.client._requestor.api_key for name, sdk in shops.items()}
    close_old_connections()
    with worker() as faults:
        run = subprocess.run(
            [found, "--test", "--test-concurrency=2", *map(str, STORIES)],
            env=os.environ | {"OSTINATO_URL": live_server.url, "OSTINATO_KEYS": json.dumps(keys)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert not faults
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
