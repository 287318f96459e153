"""manage.py bench all|renewals|finalize|collect|relay|usage|pdf|api|webhooks [--rows N] [--workers K] [--json]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing_site.benchmarks.http import api, webhooks
from billing_site.benchmarks.runs import BENCHMARKS as RUNS, Figures, Size

# What is a minute or so of work on two cores.
ROWS = {"renewals": 20_000, "finalize": 20_000, "collect": 10_000, "relay": 20_000, "usage": 200_000, "pdf": 60}
ROWS |= {"api": 1000, "webhooks": 5000}
BENCHMARKS = RUNS | {"api": api, "webhooks": webhooks}


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # it measures the engine, not the pages
    help = "Measure the engine in a throw-away PostgreSQL of its own; the user's data is never touched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("benchmark", choices=["all", *BENCHMARKS])
        parser.add_argument("--rows", type=int, help="due subscriptions, usage events or invoices")
        parser.add_argument("--workers", type=int, default=2, help="worker processes")
        parser.add_argument("--chunk-size", type=int, default=500)
        parser.add_argument("--no-bodies", action="store_true", help="keep no object bodies with events")
        parser.add_argument("--stored", type=int, default=0, help="usage: events of one customer's month")
        parser.add_argument("--json", action="store_true", help="one JSON object, the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = (options["workers"], options["chunk_size"], 1 if options["rows"] is None else options["rows"])
        if min(counts) < 1 or options["stored"] < 0:
            raise CommandError("--rows, --workers and --chunk-size are at least 1, --stored is not negative")
        names = list(BENCHMARKS) if options["benchmark"] == "all" else [options["benchmark"]]
        found = []
        for name in names:
            if len(names) > 1:
                self.stderr.write(f"{name} ...")
            found.append(BENCHMARKS[name](_size(name, options)))
        if options["json"]:
            values = [asdict(figures) for figures in found]
            self.stdout.write(json.dumps(values[0] if len(names) == 1 else {"benchmarks": values}))
        else:
            self.stdout.write(table(found) if len(names) > 1 else listing(found[0]))
        if broken := [f"{figures.benchmark}: {what}" for figures in found for what in figures.broken]:
            raise CommandError("; ".join(broken))


def _size(name: str, options: dict[str, Any]) -> Size:
    rows = ROWS[name] if options["rows"] is None else options["rows"]
    return Size(rows, options["workers"], options["chunk_size"], not options["no_bodies"], options["stored"])


def listing(figures: Figures) -> str:
    """One benchmark, a figure a line."""
    values = asdict(figures)
    values |= values.pop("detail")
    width = max(len(name) for name in values)
    return "\n".join(f"{name:<{width}}  {'-' if value is None else value}" for name, value in values.items())


# Heading, and the figure under it.
COLUMNS: tuple[tuple[str, Callable[[Figures], object]], ...] = (
    ("benchmark", lambda it: it.benchmark),
    ("rows", lambda it: f"{it.rows:,}"),
    ("workers", lambda it: it.workers),
    ("seconds", lambda it: f"{it.seconds:.1f}"),
    ("per second", lambda it: f"{it.per_second:,.1f}"),
    ("ceiling/s", lambda it: "-" if it.ceiling_per_second is None else f"{it.ceiling_per_second:,}"),
    ("ratio", lambda it: "-" if it.ratio is None else f"{it.ratio:.2f}"),
    ("python s", lambda it: f"{it.python_cpu_s:.1f}"),
    ("postgres s", lambda it: f"{it.postgres_cpu_s:.1f}"),
    ("peak MB", lambda it: it.peak_rss_mb),
    ("refused", lambda it: it.refused),
    ("invariants", lambda it: "ok" if it.invariants_ok else "BROKEN"),
    ("more", lambda it: ", ".join(f"{name} {value:g}" for name, value in it.detail.items())),
)


def table(found: Sequence[Figures]) -> str:
    """Several benchmarks, one a line."""
    rows = [[heading for heading, _ in COLUMNS], *[[str(of(it)) for _, of in COLUMNS] for it in found]]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    last = len(COLUMNS) - 1
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in (0, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
