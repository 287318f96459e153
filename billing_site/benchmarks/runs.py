"""Run K worker processes over the same rows and add up what they cost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from billing_site.benchmarks import ceiling, data
from billing_site.benchmarks.cluster import postgres_cpu_seconds, throw_away_cluster
from billing_site.benchmarks.invariants import CHECKS, RELAYED, WHEN_COLLECTED, broken_invariants
from billing_site.benchmarks.months import month_bill_ms, rolled_up
from billing_site.benchmarks.work import Share, distinct_events
from billing_site.processes import dies_with_parent


class WorkerFailed(RuntimeError):
    """A worker process ended badly; the message is the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One benchmark's result. Seconds are of the wall, from the common start to the last worker's end.

    `ceiling_per_second`: the same rows written with no planning, in the same run (`ceiling.py`); `ratio` to it.
    """

    benchmark: str
    rows: int
    workers: int
    seconds: float
    per_second: float
    python_cpu_s: float
    postgres_cpu_s: float
    peak_rss_mb: int
    ceiling_per_second: float | None = None
    ratio: float | None = None
    refused: int = 0
    detail: dict[str, float] = field(default_factory=dict)
    invariants_ok: bool = True
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """What was asked for."""

    rows: int
    workers: int
    chunk_size: int
    bodies: bool = True
    stored: int = 0


@dataclass(slots=True)
class _Bench:
    """A throw-away cluster and the workers that run in it."""

    size: Size
    folder: Path
    environment: dict[str, str]
    costs: list[dict[str, float]] = field(default_factory=list)
    postgres: float = 0.0

    def run(self, kind: str, *, measured: bool = True) -> float:
        """All workers through one kind of work. Returns the seconds."""
        before = postgres_cpu_seconds(self.folder)
        seconds, costs = _run_workers(kind, self.size, self.environment)
        if measured:
            self.postgres += postgres_cpu_seconds(self.folder) - before
            self.costs += costs
        return seconds

    def figures(self, benchmark: str, done: int, seconds: float, broken: list[str], **more: Any) -> Figures:
        return Figures(
            benchmark=benchmark,
            rows=self.size.rows,
            workers=self.size.workers,
            seconds=round(seconds, 3),
            per_second=round(done / seconds, 1),
            python_cpu_s=round(sum(cost["cpu_s"] for cost in self.costs), 2),
            postgres_cpu_s=round(self.postgres, 2),
            peak_rss_mb=int(max(cost["rss_mb"] for cost in self.costs)),
            refused=int(sum(cost["refused"] for cost in self.costs)),
            invariants_ok=not broken,
            broken=tuple(broken),
            **more,
        )

    def rate(self, part: str) -> float:
        """Rows a second of a part of the work that the workers timed, as if they did nothing else."""
        return round(self.size.rows * len(self.costs) / sum(cost[part] for cost in self.costs), 1)

    def with_ceiling(self, figures: Figures) -> Figures:
        """The same rows once more, by COPY alone."""
        written = ceiling.make_tables()
        per_second = written / self.run("ceiling", measured=False)
        ratio = round(figures.per_second / per_second, 3)
        return replace(figures, ceiling_per_second=round(per_second, 1), ratio=ratio)


@contextmanager
def _bench(size: Size) -> Iterator[_Bench]:
    with throw_away_cluster() as (folder, environment):
        yield _Bench(size, folder, environment)


def renewals(size: Size) -> Figures:
    """The whole run with no grace: claim to commit, numbers, events, planned charges."""
    with _bench(size) as bench:
        data.build(size.rows, bodies=size.bodies)
        seconds = bench.run("renewals")
        return bench.with_ceiling(bench.figures("renewals", size.rows, seconds, broken_invariants(size.rows, data.DUE)))


def finalize(size: Size) -> Figures:
    """With an hour of grace: the drafts, and then their finalization. Per second is of both together."""
    with _bench(size) as bench:
        data.build(size.rows, bodies=size.bodies, grace=data.GRACE)
        drafting, finalizing = bench.run("renewals"), bench.run("finalizations")
        broken = broken_invariants(size.rows, data.DUE)
        detail = {"drafting_s": round(drafting, 3), "finalizing_s": round(finalizing, 3)}
        figures = bench.figures("finalize", size.rows, drafting + finalizing, broken, detail=detail)
        return bench.with_ceiling(figures)


def collect(size: Size) -> Figures:
    """The bookkeeping of payments: the planned charges of a run sent to the sandbox gateway, and settled.

    Per second is of all three parts; what each would do alone (planning and claiming, sending, settling) is told apart.
    """
    with _bench(size) as bench:
        data.build(size.rows, bodies=size.bodies)
        bench.run("renewals", measured=False)
        seconds = bench.run("collections")
        broken = broken_invariants(size.rows, data.DUE, WHEN_COLLECTED)
        detail = {f"{part}_per_second": bench.rate(f"{part}_s") for part in ("planning", "sending", "settling")}
        return bench.figures("collect", size.rows, seconds, broken, detail=detail)


def relay(size: Size) -> Figures:
    """The outbox of a run handed to every consumer. Per second is of invoices, whose events they are."""
    with _bench(size) as bench:
        data.build(size.rows, bodies=size.bodies)
        bench.run("renewals", measured=False)
        seconds = bench.run("relay")
        broken = broken_invariants(size.rows, data.DUE, CHECKS | RELAYED)
        delivered = sum(cost["done"] for cost in bench.costs)
        detail = {"delivered_per_second": round(delivered / seconds, 1)}
        return bench.figures("relay", size.rows, seconds, broken, detail=detail)


def usage(size: Size) -> Figures:
    """Usage events reported in batches of 1,000, some of them twice; and a month's bill over `stored` events."""
    with _bench(size) as bench:
        data.build_usage(size.stored)
        detail = rolled_up() | month_bill_ms() if size.stored else {}
        seconds = bench.run("usage")
        accepted, expected = sum(cost["done"] for cost in bench.costs), distinct_events(size.rows)
        broken = [] if accepted == expected else [f"{accepted:.0f} events were accepted, not {expected}"]
        return bench.figures("usage", size.rows, seconds, broken, detail=detail)


def pdf(size: Size) -> Figures:
    """Invoices of two pages as PDF, made by a pool of workers."""
    with _bench(size) as bench:
        data.build(size.rows, items=data.ITEMS_OF_TWO_PAGES)
        bench.run("renewals", measured=False)
        seconds = bench.run("pdf")
        return bench.figures("pdf", size.rows, seconds, broken_invariants(size.rows, data.DUE))


BENCHMARKS = {run.__name__: run for run in (renewals, finalize, collect, relay, usage, pdf)}


def start_worker(
    kind: str, chunk_size: int, environment: dict[str, str], *, number: int = 0, workers: int = 1, rows: int = 0
) -> subprocess.Popen[str]:
    """A worker process that waits for its start line."""
    share = json.dumps(asdict(Share(number, workers, rows, chunk_size)))
    return subprocess.Popen(
        [sys.executable, "-m", "billing_site.benchmarks.worker", kind, share],
        cwd=Path(settings.BASE_DIR),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=dies_with_parent(),
    )


def _run_workers(kind: str, size: Size, environment: dict[str, str]) -> tuple[float, list[dict[str, float]]]:
    """All of them ready first, so that interpreters starting up are not measured."""
    processes = [
        start_worker(kind, size.chunk_size, environment, number=number, workers=size.workers, rows=size.rows)
        for number in range(size.workers)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    started = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    costs = [_cost_of(process) for process in processes]
    return time.perf_counter() - started, costs


def _cost_of(process: subprocess.Popen[str]) -> dict[str, float]:
    out, err = process.communicate()
    if process.returncode != 0:
        raise WorkerFailed(err[-2000:])
    cost: dict[str, float] = json.loads(out.strip().splitlines()[-1])
    return cost
