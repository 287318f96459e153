"""A database of its own for every pytest process, copied from a template that is migrated once per checkout.

The template's name carries a hash of all migrations and of the locked requirements. It comes from the migrated
cluster that a checkout keeps (`billing_site.benchmarks.migrated`), or is migrated here where the server runs already
or is somebody else's. Later runs find it; each copies it (`CREATE DATABASE ... TEMPLATE`) under the name
`test_<pid>_<worker>` and drops its copy.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from billing_site.benchmarks.cluster import migrated_copy
from billing_site.benchmarks.migrated import schema_hash
from billing_site.embedded_postgres.server import DATABASE, ensure_running

# Tests need no crash safety.
FAST_AND_LOOSE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "300",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
LINGER = 20.0
ADMIN_DATABASE = "postgres"
FILLED_BY_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission"}


def start_server() -> None:
    data = connection.settings_dict.get("EMBEDDED_DIR")
    if data:
        with one_at_a_time():
            _start(Path(data))


def _start(data: Path) -> None:
    """A server that is new, or that nobody runs and whose schema is old, begins as a copy of the migrated cluster.

    Migrating takes twenty seconds; so all servers of a checkout, the throw-away ones too, share one that did.
    """
    marker, now = Path(f"{data}.schema"), schema_hash()
    outdated = not (marker.exists() and marker.read_text() == now)
    copied = outdated and not (data / "postmaster.pid").exists()
    if copied:
        shutil.rmtree(data, ignore_errors=True)
        migrated_copy(data)
    ensure_running(data, options=FAST_AND_LOOSE, linger=LINGER)
    if copied:
        _execute(f'CREATE DATABASE "{_template()}" TEMPLATE "{DATABASE}" STRATEGY FILE_COPY')
        marker.write_text(now)


def create_database(worker: str) -> str:
    """Copy the template, making it first if its hash is new. Returns the copy's name; Django now uses it."""
    name = f"test_{os.getpid()}_{worker}"
    with one_at_a_time():
        template = _template()
        existing = _databases()
        if template not in existing:
            _build_template(template)
        for old in existing:
            if _is_left_over(old, template):
                _execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')
        _execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    _use(name)
    return name


def _template() -> str:
    return f"template_{schema_hash()}"


def forget_rows() -> None:
    """Empty the tables that a committed test filled, in one statement; Django's flush of 150 tables takes seconds.

    Rows that were there before any test (content types, permissions) stay. Foreign keys and the triggers that freeze
    paper do not ask, as no row is left to protect.
    """
    tables = [table for table in connection.introspection.table_names() if table not in FILLED_BY_MIGRATIONS]
    quoted = [connection.ops.quote_name(table) for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"(SELECT {n} FROM {table} LIMIT 1)" for n, table in enumerate(quoted)))
        filled = [quoted[row[0]] for row in cursor.fetchall()]
        if filled:
            deletes = "; ".join(f"DELETE FROM {table}" for table in filled)
            cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {deletes}; COMMIT")


def drop_database(name: str) -> None:
    connection.close()
    _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def url_of_current_database() -> str:
    """For a subprocess: DATABASE_URL of the database that this pytest process uses."""
    s = connection.settings_dict
    password = f":{quote(s['PASSWORD'])}" if s.get("PASSWORD") else ""
    port = f":{s['PORT']}" if s.get("PORT") else ""
    return f"postgres://{s['USER']}{password}@{quote(s['HOST'], safe='')}{port}/{s['NAME']}"


def _build_template(template: str) -> None:
    building = f"building_{os.getpid()}"
    _execute(f'DROP DATABASE IF EXISTS "{building}" WITH (FORCE)')
    _execute(f'CREATE DATABASE "{building}"')
    _use(building)
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    # Renamed only when complete: a run that is killed half-way leaves no half template.
    _execute(f'ALTER DATABASE "{building}" RENAME TO "{template}"')


def _is_left_over(name: str, template: str) -> bool:
    if name.startswith("template_"):
        return name != template
    match = re.fullmatch(r"(?:test|building)_(\d+)(?:_\w+)?", name)
    return bool(match) and not Path(f"/proc/{match[1]}").exists()


def _databases() -> list[str]:
    with _admin_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname ~ '^(test|building|template)_'")
        return [row[0] for row in cursor.fetchall()]


def _execute(statement: str) -> None:
    with _admin_cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def _admin_cursor() -> Iterator:
    """A cursor on the server's own database; afterwards Django uses what it used before."""
    before = connection.settings_dict["NAME"]
    _use(ADMIN_DATABASE)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        _use(before)


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Among all test processes of this checkout that use this server."""
    lock = Path(settings.VAR_DIR) / f"test-template-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.lock"
    with lock.open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
