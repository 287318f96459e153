"""manage.py bench renewals|finalize|collect|relay|usage|pdf|api|webhooks [--rows N] [--workers K] [--json]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing_site.benchmarks.http import api, webhooks
from billing_site.benchmarks.runs import BENCHMARKS as RUNS, Size

# What is a minute or so of work on two cores.
ROWS = {"renewals": 20_000, "finalize": 20_000, "collect": 10_000, "relay": 20_000, "usage": 200_000, "pdf": 60}
ROWS |= {"api": 1000, "webhooks": 5000}
BENCHMARKS = RUNS | {"api": api, "webhooks": webhooks}


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # it measures the engine, not the pages
    help = "Measure the engine in a throw-away PostgreSQL of its own; the user's data is never touched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("benchmark", choices=list(BENCHMARKS))
        parser.add_argument("--rows", type=int, help="due subscriptions, usage events or invoices")
        parser.add_argument("--workers", type=int, default=2, help="worker processes")
        parser.add_argument("--chunk-size", type=int, default=500)
        parser.add_argument("--no-bodies", action="store_true", help="keep no object bodies with events")
        parser.add_argument("--stored", type=int, default=0, help="usage: events of one customer's month")
        parser.add_argument("--json", action="store_true", help="one JSON object, the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = ROWS[options["benchmark"]] if options["rows"] is None else options["rows"]
        if rows < 1 or options["workers"] < 1 or options["chunk_size"] < 1 or options["stored"] < 0:
            raise CommandError("--rows, --workers and --chunk-size are at least 1, --stored is not negative")
        size = Size(rows, options["workers"], options["chunk_size"], not options["no_bodies"], options["stored"])
        figures = BENCHMARKS[options["benchmark"]](size)
        values = asdict(figures)
        if options["json"]:
            self.stdout.write(json.dumps(values))
        else:
            values |= values.pop("detail")
            width = max(len(name) for name in values)
            for name, value in values.items():
                self.stdout.write(f"{name:<{width}}  {'-' if value is None else value}")
        if not figures.invariants_ok:
            raise CommandError("; ".join(figures.broken))
