"""Run the web server and a background cluster together, until Ctrl-C."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from billing_site.banner import banner
from billing_site.processes import die_with_my_parent
from billing_site.schedules import ensure_schedules
from billing_site.supervisor import PortIsTaken, Supervisor


class Command(BaseCommand):
    """One process to start and to stop; it restarts what dies or hangs."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--web-workers", type=int, default=2)
        parser.add_argument(
            "--no-web", action="store_true", help="background work alone, supervised: a host of workers"
        )
        parser.add_argument("--announce", type=Path, help="file with what `manage.py demo --json` said")
        parser.add_argument("--with-parent", action="store_true", help="stop when the starting process ends")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["with_parent"]:
            die_with_my_parent()
        _check_migrated()
        ensure_schedules()
        host, port = options["host"], options["port"]
        supervisor = Supervisor(
            host=host,
            port=port,
            web_workers=options["web_workers"],
            say=self._say,
            ready="" if options["no_web"] else banner(f"http://{host}:{port}", options["announce"]),
            with_web=not options["no_web"],
        )
        try:
            sys.exit(supervisor.run())
        except PortIsTaken as taken:
            raise CommandError(str(taken)) from taken

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _check_migrated() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database is not up to date: run `manage.py migrate` first.")
