"""Find, or start, the embedded PostgreSQL; safe with any number of processes at once.

Every process that uses the server holds a shared `flock` on `<data>.users` for as long as it lives. The
kernel drops it however the process dies, so the keeper always knows whether anybody is left.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg

DATABASE = "ostinato"
START_TIMEOUT = 60.0
# A Unix socket's path must fit in 107 bytes; the file's own name takes 20 of them.
LONGEST_SOCKET_DIR = 86

_leases: dict[Path, IO[bytes]] = {}


class ServerDidNotStart(RuntimeError):
    """The embedded PostgreSQL is not up; the message ends with the tail of its log."""


def socket_dir(data: Path) -> Path:
    """Where the server listens: beside its data, or under /tmp when that path is too long for a socket."""
    data = data.absolute()
    if len(str(data)) <= LONGEST_SOCKET_DIR:
        return data
    return Path(tempfile.gettempdir()) / f"ostinato-{hashlib.sha256(str(data).encode()).hexdigest()[:12]}"


def database_settings(data: Path, name: str = DATABASE) -> dict[str, object]:
    """The entry for DATABASES."""
    return {
        "ENGINE": "billing_site.embedded_postgres",
        "EMBEDDED_DIR": str(data),
        "HOST": str(socket_dir(data)),
        "USER": "postgres",
        "NAME": name,
    }


def database_url(data: Path, name: str) -> str:
    """The same as a URL, for a process that should not look after the server itself."""
    return f"postgres://postgres@{quote(str(socket_dir(data)), safe='')}/{name}"


def ensure_running(data: Path, *, options: dict[str, str] | None = None, linger: float = 1.0) -> None:
    """Return when the server in `data` answers and this process is counted among its users.

    `options` are server settings (`-c key=value`) and `linger` the seconds it stays after its last user;
    both count only when this call is the one that starts it. Raises ServerDidNotStart.
    """
    data = data.absolute()
    _take_lease(data)
    if _answers(data):
        return
    with open(f"{data}.starting", "ab") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not _answers(data):
            _start_keeper(data, options or {}, linger)


def _take_lease(data: Path) -> None:
    # Keyed by path and kept open on purpose: a forked child shares the lock with its parent.
    if data in _leases:
        return
    data.parent.mkdir(parents=True, exist_ok=True)
    lease = open(f"{data}.users", "ab")  # noqa: SIM115
    # Waits while a keeper that found nobody shuts down.
    fcntl.flock(lease, fcntl.LOCK_SH)
    _leases[data] = lease


def _answers(data: Path) -> bool:
    try:
        psycopg.connect(host=str(socket_dir(data)), user="postgres", dbname=DATABASE, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _start_keeper(data: Path, options: dict[str, str], linger: float) -> None:
    log = Path(f"{data}.log")
    with log.open("ab") as out:
        keeper = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "billing_site.embedded_postgres.keeper",
                str(data),
                json.dumps(options),
                str(linger),
            ],
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers(data):
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.kill()
            raise ServerDidNotStart(f"{data}: the embedded PostgreSQL did not start.\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


def leave(data: Path, *, timeout: float = 10.0) -> None:
    """Give up this process's use of the server; when it was the last one, wait until the server is gone."""
    data = data.absolute()
    lease = _leases.pop(data, None)
    if lease is None:
        return
    lease.close()
    if _others_use(data):
        return
    deadline = time.monotonic() + timeout
    while (data / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _others_use(data: Path) -> bool:
    with open(f"{data}.users", "ab") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
