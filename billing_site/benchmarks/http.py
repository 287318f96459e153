"""The API over real HTTP (gunicorn, the sandbox gateway, PostgreSQL with fsync), and webhooks to a local receiver."""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from api.keys import create_api_key
from api.models import WebhookDelivery
from api.webhooks.deliveries import make_deliveries
from api.webhooks.endpoints import create_endpoint
from api.webhooks.sender import Sender
from billing_site.benchmarks.cluster import cpu_seconds, postgres_cpu_seconds, throw_away_cluster
from billing_site.benchmarks.runs import Figures, Size
from billing_site.processes import dies_with_parent
from billing_site.supervisor import gunicorn_command
from core.context import Context
from engine.services.merchants import NewMerchant, create_lone_sandbox
from events.services import relay
from events.types import Consumer, EventRow
from events.writes import record_events
from subscriptions.models import Subscription

CLIENTS = 4
WARM_UP = 20
FSYNCS = 100
HOST = "127.0.0.1"


class Client:
    """One kept connection to the API, and how long each answer took (seconds)."""

    def __init__(self, port: int, secret: str) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-www-form-urlencoded"}
        self.took: list[float] = []
        self.refused: list[str] = []

    def __call__(self, method: str, path: str, **params: str) -> dict[str, Any]:
        body = urlencode(params) if method == "POST" else None
        started = time.perf_counter()
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
        self.took.append(time.perf_counter() - started)
        if answer.status != 200:
            self.refused.append(f"{method} {path}: {answer.status} {told}"[:300])
        return told


def api(size: Size) -> Figures:
    """`rows` subscriptions created and paid by several clients at once, then as many reads, one client at a time.

    Seconds and processor time are those of the creations: the web server's and PostgreSQL's, the clients' not counted.
    """
    with throw_away_cluster() as (data, environment), _server(environment, size.workers) as (port, server):
        secret = _shop()
        price = _price(Client(port, secret))
        customers = _customers(port, secret, size.rows)
        postgres, python = postgres_cpu_seconds(data), cpu_seconds(server)
        creating, seconds = _together(port, secret, customers, lambda client, one: _subscribe(client, one, price))
        postgres, python = postgres_cpu_seconds(data) - postgres, cpu_seconds(server) - python
        reader = Client(port, secret)
        _read(reader, size.rows, customers)
        faults = [one for client in (*creating, reader) for one in client.refused]
        active = Subscription.objects.filter(status="active").count()
        faults += [] if active == size.rows else [f"{active} subscriptions are active, not {size.rows}"]
        reads, creations = reader.took[WARM_UP:], [one for client in creating for one in client.took]
        detail = {
            "reads_p50_ms": _at(reads, 50),
            "reads_p99_ms": _at(reads, 99),
            "creations_per_second": round(size.rows / seconds, 1),
            "creations_p50_ms": _at(creations, 50),
            "creations_p99_ms": _at(creations, 99),
            "cpu_ms_per_creation": round((postgres + python) / size.rows * 1000, 2),
            "fsync_p50_ms": _at(_fsyncs(data), 50),
        }
    return _figures("api", size, size.rows, seconds, python, postgres, faults, detail)


def webhooks(size: Size) -> Figures:
    """`rows` events, made into deliveries and posted by one worker to one local receiver."""
    with throw_away_cluster() as (data, _), _receiver() as (port, got):
        settings.WEBHOOKS_ALLOW_PRIVATE = True
        merchant_id = _merchant()
        ctx = _now()
        url = f"http://{HOST}:{port}/"
        create_endpoint(ctx=ctx, merchant_id=merchant_id, livemode=False, url=url, enabled_events=["customer.updated"])
        with transaction.atomic():
            record_events(ctx, [_event(merchant_id, number) for number in range(size.rows)])
        relay(ctx=_now(), consumer=Consumer("api.webhooks", make_deliveries))
        before, cpu, started = postgres_cpu_seconds(data), time.process_time(), time.perf_counter()
        sent, failed = Sender(clock=lambda: _now().recorded_at).drain()
        seconds = time.perf_counter() - started
        waiting = WebhookDelivery.objects.exclude(status="succeeded").count()
        good = (sent, failed, waiting, got()) == (size.rows, 0, 0, size.rows)
        faults = [] if good else [f"{sent} sent, {failed} failed, {waiting} waiting, {got()} received"]
        spent = time.process_time() - cpu, postgres_cpu_seconds(data) - before
        detail = {"fsync_p50_ms": _at(_fsyncs(data), 50)}
    return _figures("webhooks", size, size.rows, seconds, *spent, faults, detail)


def _figures(
    name: str,
    size: Size,
    done: int,
    seconds: float,
    python: float,
    postgres: float,
    faults: list[str],
    detail: dict[str, float],
) -> Figures:
    rss = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Figures(
        benchmark=name,
        rows=size.rows,
        workers=size.workers,
        seconds=round(seconds, 3),
        per_second=round(done / seconds, 1),
        python_cpu_s=round(python, 2),
        postgres_cpu_s=round(postgres, 2),
        peak_rss_mb=rss // 1024,
        detail=detail,
        invariants_ok=not faults,
        broken=tuple(faults[:5]),
    )


@contextmanager
def _server(environment: dict[str, str], workers: int) -> Iterator[tuple[int, int]]:
    """The web server as `manage.py serve` runs it, without limits of rate: (its port, its process)."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    Path(environment["VAR_DIR"], "static").mkdir(exist_ok=True)  # it asks for no file
    process = subprocess.Popen(
        gunicorn_command(HOST, port, workers),
        cwd=Path(settings.BASE_DIR),
        env={**environment, "API_RATE_TEST": "0"},
        preexec_fn=dies_with_parent(),
    )
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, seconds: int = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection(HOST, port, timeout=30)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the web server does not answer")


@contextmanager
def _receiver() -> Iterator[tuple[int, Callable[[], int]]]:
    """A receiver in a process of its own, that answers 200 and counts."""
    code = (
        "import asyncio, sys\n"
        "from aiohttp import web\n"
        "got = 0\n"
        "async def hear(request):\n"
        "    global got\n"
        "    await request.read()\n"
        "    got += request.method == 'POST'\n"
        "    return web.Response(text=str(got))\n"
        "app = web.Application()\n"
        "app.router.add_route('*', '/', hear)\n"
        "web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), print=None, access_log=None)\n"
    )
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-c", code, str(port)], preexec_fn=dies_with_parent())

    def got() -> int:
        connection = http.client.HTTPConnection(HOST, port, timeout=30)
        connection.request("GET", "/")
        return int(connection.getresponse().read())

    try:
        for _ in range(100):
            try:
                got()
                break
            except OSError:
                time.sleep(0.1)
        yield port, got
    finally:
        process.terminate()
        process.wait()


def _now() -> Context:
    now = timezone.now()  # noqa: TID251 - a real server's clients live in wall time
    return Context(as_of=now, recorded_at=now)


def _merchant() -> str:
    request = NewMerchant(name="Bench", country="US", default_currency="usd", number_prefix="BENCH")
    return create_lone_sandbox(ctx=_now(), request=request).id


def _shop() -> str:
    return create_api_key(ctx=_now(), merchant_id=_merchant(), livemode=False, name="bench")[1]


def _price(client: Client) -> str:
    params = {"product_data[name]": "Plan", "unit_amount": "1000", "currency": "usd", "recurring[interval]": "month"}
    return str(client("POST", "/v1/prices", **params)["id"])


def _customers(port: int, secret: str, rows: int) -> list[str]:
    made: list[str] = []
    _together(port, secret, [str(n) for n in range(rows)], lambda client, n: made.append(_customer(client, n)))
    return made


def _customer(client: Client, number: str) -> str:
    card = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
    return str(client("POST", "/v1/customers", email=f"c{number}@example.com", **card).get("id", ""))


def _subscribe(client: Client, customer: str, price: str) -> None:
    client("POST", "/v1/subscriptions", **{"customer": customer, "items[0][price]": price})


def _together(
    port: int, secret: str, things: list[str], work: Callable[[Client, str], None]
) -> tuple[list[Client], float]:
    """`work` on all `things`, by several clients at once. Returns the clients and the seconds."""
    clients = [Client(port, secret) for _ in range(CLIENTS)]

    def share(number: int) -> None:
        for one in things[number::CLIENTS]:
            work(clients[number], one)

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(share, range(CLIENTS)))
    return clients, time.perf_counter() - started


def _read(client: Client, rows: int, customers: list[str]) -> None:
    """What applications ask all day, in turn."""
    for number in range(rows + WARM_UP):
        customer = customers[number % len(customers)]
        path = (
            f"/v1/customers/{customer}",
            f"/v1/subscriptions?customer={customer}",
            f"/v1/invoices?customer={customer}",
            "/v1/customers?limit=10",
            "/v1/events?limit=10",
        )[number % 5]
        client("GET", path)


def _event(merchant_id: str, number: int) -> EventRow:
    body = {"id": f"cus_{number}", "object": "customer", "name": "Ada", "metadata": {"n": "x" * 1000}}
    return EventRow(merchant_id, "customer.updated", "customer", f"cus_{number}", 1, body=body)


def _at(seconds: list[float], percent: int) -> float:
    """A percentile in milliseconds."""
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000, 2)


def _fsyncs(folder: Path) -> list[float]:
    """What the disk alone takes to make 8 kB sure."""
    took = []
    path = folder / "fsync-probe"
    with path.open("wb") as file:
        for _ in range(FSYNCS):
            file.write(b"x" * 8192)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - started)
    path.unlink()
    return took
