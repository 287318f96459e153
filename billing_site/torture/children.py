"""Worker processes by fork: started quickly, and killed for good, at a point of the code or at a random moment."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError, connections

from core.errors import OstinatoError
from engine.services import collect, paying_first, refund, resolve, sending, settlement
from payments import mirror
from payments.gateways import stripe_client

# Where a worker may die: (name, module, function), killed as it is about to enter.
KILL_POINTS: dict[str, tuple[Any, str]] = {
    "between commit and call": (sending, "_send"),
    "between creating and confirming": (sending, "_confirm_all"),
    "between call and commit": (collect, "settle_answers"),
    "between a decline and its backup": (settlement, "send"),
    "between a look-up and its commit": (resolve, "settle_answers"),
    "between a refund's call and its commit": (refund, "_settle"),
}
UNEXPECTED = 70  # exit status of a worker that met an error of no known kind


@dataclass(frozen=True, slots=True)
class Child:
    pid: int
    name: str


def spawn(name: str, work: Callable[[], object], *, die: str = "") -> Child:
    """Run `work` in a child of this process. The parent's connections are closed first: a fork would share them."""
    connections.close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return Child(pid, name)
    status = UNEXPECTED
    try:
        stripe_client._clients.clear()
        mirror.install()
        if die:
            _arm(die)
        status = _run(name, work)
    finally:
        os._exit(status)
    raise AssertionError("unreachable")


def _run(name: str, work: Callable[[], object]) -> int:
    try:
        work()
    except (OstinatoError, DatabaseError, InterfaceError):
        return 0  # refused by name, or the database was cut: what is half done is what this is about
    except Exception as error:
        if _is_of_database(error):
            return 0
        sys.stderr.write(f"{name} met an error\n{traceback.format_exc()}")
        return UNEXPECTED
    finally:
        connections.close_all()
    return 0


def _is_of_database(error: BaseException | None) -> bool:
    """COPY raises psycopg's own errors, and a cut line may wear several coats."""
    while error is not None:
        if type(error).__module__.startswith("psycopg"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _arm(point: str) -> None:
    def die(*args: Any, **kwargs: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    module, function = KILL_POINTS[point]
    for place in (module, collect, paying_first, resolve, sending):
        if hasattr(place, function) and (place is module or function == "settle_answers"):
            setattr(place, function, die)


def wait_for(children: Sequence[Child], *, kill_after_s: float = 0.0, cut: Callable[[], object] | None = None) -> dict:
    """Wait for all: {"killed", "unexpected"}. The first one is killed after `kill_after_s`, the database cut before."""
    if cut is not None:
        time.sleep(random.random() * 0.05)
        cut()
    if kill_after_s:
        time.sleep(kill_after_s)
        try:
            os.kill(children[0].pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    found = {"killed": 0, "unexpected": 0}
    for child in children:
        _, status = os.waitpid(child.pid, 0)
        found["killed"] += os.WIFSIGNALED(status)
        found["unexpected"] += os.WIFEXITED(status) and os.WEXITSTATUS(status) == UNEXPECTED
    return found
