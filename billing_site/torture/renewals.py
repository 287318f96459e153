"""The renewal run under torture: workers killed every half second, sessions cut, the postmaster killed.

1. Build `rows` due subscriptions; start the workers, each a process that runs the engine's own renewal run.
2. At each beat kill one of them, with SIGKILL, and start another. At some beats every session of the database is
   cut; at two of them the postmaster is killed and started again.
3. When the kills are done the workers go on until nothing is due.
4. What then must hold is asked of the database (`benchmarks.invariants`).
"""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection, connections

from billing_site.benchmarks import data
from billing_site.benchmarks.cluster import OPTIONS, throw_away_cluster
from billing_site.benchmarks.invariants import CHECKS, broken_invariants
from billing_site.embedded_postgres.server import ServerDidNotStart, ensure_running
from billing_site.torture.children import UNEXPECTED, Child, spawn
from billing_site.torture.renewal_bugs import RENEWAL_BUGS
from core.context import Context
from engine.models import Refusal
from engine.services.renew import run_renewals
from subscriptions.models import Subscription

Say = Callable[[str], object]

BEAT_S = 0.5
CUT_EVERY = 7
# The kills before which the postmaster falls, as parts of all.
POSTMASTER_FALLS_AT = (1 / 3, 2 / 3)
START_AGAIN_S = 60.0
# On a slow machine a kill waits until something was committed since the last one: else nothing is ever tried.
PROGRESS_S = 10.0
# Nothing of what is killed may take longer to heal than this.
PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What was asked for. `beat_s` is the mean time between two kills."""

    rows: int
    workers: int
    kills: int
    seed: int = 1
    bug: str = ""
    chunk_size: int = 100
    beat_s: float = BEAT_S


@dataclass(slots=True)
class _Field:
    """The workers that live, and what was done to them."""

    orders: Orders
    folder: Path
    dice: random.Random
    alive: dict[int, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    born: int = 0

    def fill(self) -> None:
        while len(self.alive) < self.orders.workers:
            self.born += 1
            name = f"torture-{self.born}"
            child: Child = spawn(name, lambda name=name: _work(name, self.orders))  # type: ignore[misc]
            self.alive[child.pid] = name

    def reap(self) -> None:
        """Forget those that ended by themselves: out of work, or with the database."""
        for pid in list(self.alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self.alive[pid]
                self.counts["unexpected"] += os.WIFEXITED(status) and os.WEXITSTATUS(status) == UNEXPECTED

    def kill_one(self) -> None:
        """Stopped first, so that one can see where it stands, and then killed."""
        pid = self.dice.choice(sorted(self.alive))
        os.kill(pid, signal.SIGSTOP)
        self.counts["killed_in_a_transaction"] += _in_transaction(self.alive[pid])
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        del self.alive[pid]
        self.counts["kills"] += 1

    def cut_sessions(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            self.counts["sessions_cut"] += cursor.fetchone()[0]

    def kill_postmaster(self) -> None:
        postmaster = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(postmaster, signal.SIGKILL)
        connections.close_all()
        self.counts["postmaster_kills"] += 1
        deadline = time.monotonic() + START_AGAIN_S
        while True:
            try:
                # Refused while sessions of the dead one are still about.
                ensure_running(self.folder, options=OPTIONS)
                return
            except ServerDidNotStart:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def torture_renewals(orders: Orders, say: Say = lambda text: None) -> dict[str, Any]:
    """The torture from beginning to end, in a throw-away cluster of its own."""
    with throw_away_cluster() as (folder, _):
        data.build(orders.rows)
        if orders.bug:
            RENEWAL_BUGS[orders.bug].prepare()
        logging.disable(logging.CRITICAL)  # of things going wrong there is no end
        try:
            began = time.perf_counter()
            found = _Field(orders, folder, random.Random(orders.seed))
            _torment(found, say)
            _go_on_in_peace(found, say)
            return _report(found, time.perf_counter() - began)
        finally:
            logging.disable(logging.NOTSET)


def _torment(found: _Field, say: Say) -> None:
    orders = found.orders
    falls = [max(1, int(orders.kills * part)) for part in POSTMASTER_FALLS_AT]
    while found.counts["kills"] < orders.kills and (left := _left()):
        found.fill()
        deadline = time.monotonic() + PROGRESS_S
        while _left() == left and time.monotonic() < deadline:
            time.sleep(0.02)
        # That progress was a commit: the kill falls anywhere in what comes after it.
        _wait_amid(found, left)
        found.reap()
        if not found.alive:
            continue
        if falls and found.counts["kills"] >= falls[0]:
            falls.pop(0)
            found.kill_postmaster()
        elif found.counts["kills"] % CUT_EVERY == CUT_EVERY - 1:
            found.cut_sessions()
        found.reap()
        if found.alive:
            found.kill_one()
        say(f"{found.counts['kills']} kills, {_left()} left\n")


def _wait_amid(found: _Field, left: int) -> None:
    """A while by the dice; a shorter one where a quick machine would be done before the last kill."""
    share = left // (found.orders.kills - found.counts["kills"] + 1)
    until = time.monotonic() + found.dice.random() * 2 * found.orders.beat_s
    while time.monotonic() < until and _left() > left - share:
        time.sleep(0.01)


def _go_on_in_peace(found: _Field, say: Say) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while found.alive or _left():
        if time.monotonic() > deadline:
            for pid in found.alive:
                os.kill(pid, signal.SIGKILL)
            say("the workers do not come to an end\n")
            return
        found.reap()
        if _left():
            found.fill()
        time.sleep(0.1)


def _work(name: str, orders: Orders) -> None:
    """In a worker: the engine's own run, to its end. The session carries the worker's name."""
    settings = connections["default"].settings_dict
    settings["OPTIONS"] = {**settings.get("OPTIONS", {}), "application_name": name}
    if orders.bug:
        RENEWAL_BUGS[orders.bug].infect()
    run_renewals(ctx=Context(as_of=data.DUE, recorded_at=data.DUE, actor="run"), chunk_size=orders.chunk_size)


def _left() -> int:
    return Subscription.objects.filter(next_action_at__lte=data.DUE).count()


def _in_transaction(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = %s AND xact_start IS NOT NULL)",
            [name],
        )
        return bool(cursor.fetchone()[0])


def _report(found: _Field, seconds: float) -> dict[str, Any]:
    orders, counts = found.orders, found.counts
    broken = broken_invariants(orders.rows, data.DUE, CHECKS)
    if refused := Refusal.objects.count():
        broken.append(f"nobody is refused: {refused} wrong")
    if counts["unexpected"]:
        broken.append(f"a worker meets no error of its own: {counts['unexpected']} wrong")
    return {
        "rows": orders.rows,
        "workers": orders.workers,
        "seconds": round(seconds, 1),
        "seed": orders.seed,
        "seeded_bug": orders.bug,
        "kills": counts["kills"],
        "killed_in_a_transaction": counts["killed_in_a_transaction"],
        "sessions_cut": counts["sessions_cut"],
        "postmaster_kills": counts["postmaster_kills"],
        "workers_started": found.born,
        "broken": broken,
        "invariants_ok": not broken,
    }
