"""Run K worker processes over the same due rows and add up what they cost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from billing_site.benchmarks import data
from billing_site.benchmarks.cluster import postgres_cpu_seconds, throw_away_cluster
from billing_site.benchmarks.invariants import broken_invariants
from billing_site.processes import dies_with_parent


class WorkerFailed(RuntimeError):
    """A worker process ended badly; the message is the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One benchmark's result. Seconds are of the wall, from the common start to the last worker's end."""

    benchmark: str
    rows: int
    workers: int
    seconds: float
    per_second: int
    python_cpu_s: float
    postgres_cpu_s: float
    peak_rss_mb: int
    refused: int
    invariants_ok: bool
    broken: tuple[str, ...]


def renewals(*, rows: int, workers: int, chunk_size: int, bodies: bool) -> Figures:
    """The whole run with no grace: claim to commit, numbers, events, planned charges."""
    with throw_away_cluster() as (folder, environment):
        data.build(rows, bodies=bodies)
        before = postgres_cpu_seconds(folder)
        seconds, costs = _run_workers("renewals", workers, chunk_size, environment)
        postgres = postgres_cpu_seconds(folder) - before
        broken = broken_invariants(rows, data.DUE)
    return Figures(
        benchmark="renewals",
        rows=rows,
        workers=workers,
        seconds=round(seconds, 3),
        per_second=int(rows / seconds),
        python_cpu_s=round(sum(cost["cpu_s"] for cost in costs), 2),
        postgres_cpu_s=round(postgres, 2),
        peak_rss_mb=int(max(cost["rss_mb"] for cost in costs)),
        refused=int(sum(cost["refused"] for cost in costs)),
        invariants_ok=not broken,
        broken=tuple(broken),
    )


def start_worker(kind: str, chunk_size: int, environment: dict[str, str]) -> subprocess.Popen[str]:
    """A worker process that waits for its start line."""
    return subprocess.Popen(
        [sys.executable, "-m", "billing_site.benchmarks.worker", kind, str(chunk_size)],
        cwd=Path(settings.BASE_DIR),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=dies_with_parent(),
    )


def _run_workers(
    kind: str, workers: int, chunk_size: int, environment: dict[str, str]
) -> tuple[float, list[dict[str, float]]]:
    """All of them ready first, so that interpreters starting up are not measured."""
    processes = [start_worker(kind, chunk_size, environment) for _ in range(workers)]
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
