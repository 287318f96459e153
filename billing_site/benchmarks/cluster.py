"""A throw-away embedded PostgreSQL, migrated, that this process's Django uses for a while."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from billing_site.benchmarks.migrated import copy_migrated
from billing_site.embedded_postgres.server import database_settings, ensure_running

# Room for the log, as docs/deploy.md asks for: with less, checkpoints write whole pages again every few seconds.
OPTIONS = {"max_connections": "40", "shared_buffers": "256MB", "max_wal_size": "8GB", "checkpoint_timeout": "15min"}


@contextmanager
def throw_away_cluster() -> Iterator[tuple[Path, dict[str, str]]]:
    """(its data folder, the environment for workers). The user's own database is not touched, whatever the settings.

    Durable as in production (fsync on): what it measures is what a merchant would get.
    """
    folder = Path(tempfile.mkdtemp(prefix="ostinato-bench-"))
    data = folder / "pg"
    before = dict(connections["default"].settings_dict)
    try:
        copy_migrated(data, _migrate)
        ensure_running(data, options=OPTIONS)
        _use(database_settings(data))
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "billing_site.settings",  # whatever those of this process are
            "DATABASE_URL": "",  # the embedded one, in VAR_DIR/pg
            "VAR_DIR": str(folder),
            "SECRET_KEY": "benchmark-" + "0123456789abcdef" * 4,
        }
        yield data, environment
    finally:
        _use(before)
        shutil.rmtree(folder, ignore_errors=True)


def migrated_copy(data: Path) -> None:
    """A migrated cluster as `data`, not started. This process's Django goes on with the database it had."""
    before = dict(connections["default"].settings_dict)
    try:
        copy_migrated(data, _migrate)
    finally:
        _use(before)


def _migrate(data: Path) -> None:
    _use(database_settings(data))
    call_command("migrate", verbosity=0, interactive=False)
    connections["default"].close()


def _use(settings: dict[str, object]) -> None:
    """Point Django's connection somewhere else. The backend stays the class it was: only where it connects moves."""
    connection = connections["default"]
    connection.close()
    for key in ("HOST", "PORT", "USER", "PASSWORD", "NAME", "EMBEDDED_DIR"):
        connection.settings_dict[key] = settings.get(key, "")
    if not settings.get("EMBEDDED_DIR"):
        connection.settings_dict.pop("EMBEDDED_DIR", None)


def postgres_cpu_seconds(data: Path) -> float:
    """Processor time of the server and all its processes, those that ended included. 0 where /proc is not."""
    try:
        return cpu_seconds(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
    except (OSError, ValueError):
        return 0.0


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children, those that ended included. 0 where /proc is not."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ticks = _ticks(pid, with_ended_children=True) + sum(_ticks(int(child)) for child in children)
    except (OSError, ValueError):
        return 0.0
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int, *, with_ended_children: bool = False) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # After the command's name: state is field 0, utime 11, stime 12, cutime 13, cstime 14.
    return sum(int(field) for field in fields[11 : 15 if with_ended_children else 13])
