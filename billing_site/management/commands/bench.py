"""manage.py bench renewals --rows 5000 --workers 2 [--json]: what this machine does, on data of its own."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing_site.benchmarks import runs


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # it measures the engine, not the pages
    help = "Measure the engine in a throw-away PostgreSQL of its own; the user's data is never touched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("benchmark", choices=["renewals"])
        parser.add_argument("--rows", type=int, default=5000, help="subscriptions that are due")
        parser.add_argument("--workers", type=int, default=2, help="worker processes")
        parser.add_argument("--chunk-size", type=int, default=500)
        parser.add_argument("--no-bodies", action="store_true", help="keep no object bodies with events")
        parser.add_argument("--json", action="store_true", help="one JSON object, the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rows"] < 1 or options["workers"] < 1 or options["chunk_size"] < 1:
            raise CommandError("--rows, --workers and --chunk-size are at least 1")
        figures = runs.renewals(
            rows=options["rows"],
            workers=options["workers"],
            chunk_size=options["chunk_size"],
            bodies=not options["no_bodies"],
        )
        values = asdict(figures)
        if options["json"]:
            self.stdout.write(json.dumps(values))
        else:
            width = max(len(name) for name in values)
            for name, value in values.items():
                self.stdout.write(f"{name:<{width}}  {value}")
        if not figures.invariants_ok:
            raise CommandError("; ".join(figures.broken))
