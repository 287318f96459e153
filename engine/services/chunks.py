"""The skeleton of every run: claim a chunk, do it in one transaction, and corner what makes a chunk fail.

1. Claim up to `chunk_size` due rows with SKIP LOCKED, so that any number of workers share the work.
2. Do the chunk in the same transaction. Committed, it is done; killed at any point, nothing of it happened.
3. A chunk that fails is claimed again in halves until the culprit stands alone. It alone becomes a `Refusal` and
   is pushed forward; its neighbours are billed.
4. Faults of the database itself (connection lost, shutdown) are no row's fault: they end the run, and the next
   waking goes on where this one stopped. A deadlock is tried again.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import django.db
import psycopg
from django.db import transaction

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from engine.types import RefusedPlan, RunReport
from engine.writes import finish_run, note_run, refuse, start_run
from events.copying import Row

logger = logging.getLogger(__name__)

# A run that never ends would hide a row that is due again and again; the next waking takes over.
MAX_CHUNKS = 100_000
DEADLOCK_TRIES = 5

Claim = Callable[[int, Collection[str] | None], list[Row]]
Work = Callable[[list[Row]], "ChunkReport"]


class UnexpectedFailure(OstinatoError):
    """A defect met one row: a person has to look. The log has the traceback."""

    code = "internal_error"
    message_id = gettext_noop("This could not be billed because of an unexpected error (%(error)s).")


@dataclass(frozen=True, slots=True)
class ChunkReport:
    done: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of run: how due rows are claimed (limit, only these ids) and what is done with a chunk of them."""

    kind: str
    claim: Claim
    work: Work


class RunGoesRound(RuntimeError):
    """Rows that were done are due again at the same moment: a defect, stopped before it bills for ever."""


def run_job(ctx: Context, job: Job, *, clock_id: str | None, chunk_size: int, max_chunks: int | None) -> RunReport:
    """Chunk after chunk until nothing is due, or `max_chunks` were done (`more` says that there may be others).

    Raises `RunGoesRound`.
    """
    run = start_run(ctx, job.kind, clock_id)
    limit = MAX_CHUNKS if max_chunks is None else max_chunks
    report, before = RunReport(), frozenset[str]()
    while report.chunks < limit:
        claimed: list[str] = []
        chunk = _next_chunk(ctx, job, chunk_size, claimed)
        if chunk is None:
            finish_run(run, report)
            return report
        report = RunReport(report.chunks + 1, report.done + chunk.done, report.refused + chunk.refused)
        note_run(run, report)
        if not before.isdisjoint(claimed):
            raise RunGoesRound(f"{job.kind}: {sorted(before.intersection(claimed))[:3]}")
        before = frozenset(claimed)
    finish_run(run, report)
    return replace(report, more=True)


def _next_chunk(ctx: Context, job: Job, chunk_size: int, claimed: list[str]) -> ChunkReport | None:
    """One chunk, whole or in halves; None when nothing is due. `claimed` receives the ids."""
    for attempt in range(DEADLOCK_TRIES):
        claimed.clear()
        try:
            return _in_one_transaction(job, chunk_size, None, claimed)
        except Exception as error:
            if is_deadlock(error) and attempt + 1 < DEADLOCK_TRIES:
                continue
            if is_infrastructure(error) or not claimed:
                raise
            failure = error
        ids = list(claimed)
        claimed.clear()  # what another worker held meanwhile may rightly come again
        logger.warning("a chunk of %d failed (%s): claiming it again in halves", len(ids), failure)
        return _in_halves(ctx, job, ids, failure)
    raise AssertionError("the loop returns or raises")


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A chunk's rows are many and live until its commit: the collector would walk them again and again, a quarter of
    the run's time, and find nothing. What they leave is freed by counting, as always."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _in_one_transaction(job: Job, limit: int, only: Collection[str] | None, claimed: list[str]) -> ChunkReport | None:
    with _collector_paused(), transaction.atomic(durable=True):
        rows = job.claim(limit, only)
        if not rows:
            return None
        claimed.extend(row.id for row in rows)
        return job.work(rows)


def _in_halves(ctx: Context, job: Job, ids: list[str], error: Exception) -> ChunkReport:
    if len(ids) == 1:
        return _refuse_culprit(ctx, job, ids[0], error)
    middle = len(ids) // 2
    done = refused = 0
    for half in (ids[:middle], ids[middle:]):
        failure = None
        try:
            report = _in_one_transaction(job, len(half), half, []) or ChunkReport()
        except Exception as raised:
            if is_infrastructure(raised):
                raise
            failure = raised
        if failure is not None:  # outside the handler: each culprit is told with its own traceback, not all before it
            report = _in_halves(ctx, job, half, failure)
        done, refused = done + report.done, refused + report.refused
    return ChunkReport(done, refused)


def _refuse_culprit(ctx: Context, job: Job, object_id: str, error: Exception) -> ChunkReport:
    """Claimed once more, so that nobody else holds it, and pushed forward with the reason."""
    logger.error("%s of %s failed", job.kind, object_id, exc_info=error)
    told = error if isinstance(error, OstinatoError) else UnexpectedFailure(error=type(error).__name__)
    with transaction.atomic(durable=True):
        rows = job.claim(1, [object_id])
        for row in rows:
            refuse(ctx, job.kind, [RefusedPlan.of(told, object_id=row.id, merchant_id=row.merchant_id)])
    return ChunkReport(refused=len(rows))


def is_deadlock(error: BaseException) -> bool:
    cause = error.__cause__ if isinstance(error, django.db.Error) else error
    return isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


def is_infrastructure(error: BaseException) -> bool:
    """The database or its connection, not the row: nobody is to blame."""
    return isinstance(error, django.db.OperationalError | django.db.InterfaceError | psycopg.OperationalError)
