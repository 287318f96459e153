"""The skeleton of every run: claim a chunk, do it in one transaction, and corner what makes a chunk fail.

1. Claim up to `chunk_size` due rows with SKIP LOCKED, so that any number of workers share the work.
2. Do the chunk in the same transaction. Committed, it is done; killed at any point, nothing of it happened.
3. When a chunk fails, a few of its rows are tried alone. If every one of them fails in the same way, the fault is no
   row's: the run says so and stops (`CommonFault`), and the next waking tries again.
4. Otherwise it is claimed again in halves until the culprit stands alone. It alone becomes a `Refusal` and is pushed
   forward; its neighbours are billed. The log has one traceback for each kind of failure in a run.
5. Faults of the database itself (connection lost, shutdown) are no row's fault: they end the run, and the next
   waking goes on where this one stopped. A deadlock is tried again.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import django.db
import psycopg
from django.db import transaction

from core.collector import collector_paused
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.log_context import bound
from engine.models import BillingRun
from engine.types import RefusedPlan, RunReport
from engine.writes import finish_run, note_run, refuse, start_run
from events.copying import Row

logger = logging.getLogger(__name__)

# A run that never ends would hide a row that is due again and again; the next waking takes over.
MAX_CHUNKS = 100_000
DEADLOCK_TRIES = 5
# So many rows of a chunk that failed are tried alone first. A smaller chunk is cornered row by row.
PROBES = 5
# Culprits of one kind that the log names in a run; all are in the table of refusals.
NAMED_IN_LOG = 20

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


class CommonFault(RuntimeError):
    """Rows that have nothing in common but the run fail in the same way: a defect, or something that all need.

    Those that were tried alone, `refused` in number, are refused and pushed forward; the others stay due.
    """

    def __init__(self, message: str, refused: int) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(slots=True)
class _Culprits:
    """Which kinds of failure the log has told of in this run."""

    kind: str
    times: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def tell(self, object_id: str, error: BaseException) -> None:
        mark = _mark(error)
        self.times[mark] += 1
        if self.times[mark] == 1:
            logger.error("%s of %s failed", self.kind, object_id, exc_info=error)
        elif self.times[mark] <= NAMED_IN_LOG:
            logger.error("%s of %s failed as others before (%s)", self.kind, object_id, type(error).__name__)


def run_job(ctx: Context, job: Job, *, clock_id: str | None, chunk_size: int, max_chunks: int | None) -> RunReport:
    """Chunk after chunk until nothing is due, or `max_chunks` were done (`more` says that there may be others).

    Raises `RunGoesRound`, `CommonFault`.
    """
    run = start_run(ctx, job.kind, clock_id)
    with bound(run_id=run.id):
        return _run(ctx, run, job, chunk_size, max_chunks)


def _run(ctx: Context, run: BillingRun, job: Job, chunk_size: int, max_chunks: int | None) -> RunReport:
    limit = MAX_CHUNKS if max_chunks is None else max_chunks
    report, before, culprits = RunReport(), frozenset[str](), _Culprits(job.kind)
    while report.chunks < limit:
        claimed: list[str] = []
        try:
            chunk = _next_chunk(ctx, job, chunk_size, claimed, culprits)
        except CommonFault as fault:
            finish_run(run, RunReport(report.chunks + 1, report.done, report.refused + fault.refused))
            raise
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


def _next_chunk(ctx: Context, job: Job, chunk_size: int, claimed: list[str], culprits: _Culprits) -> ChunkReport | None:
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
        logger.warning("a chunk of %d failed (%s): claiming it again in parts", len(ids), failure)
        return _in_parts(ctx, job, ids, failure, culprits)
    raise AssertionError("the loop returns or raises")


def _in_one_transaction(job: Job, limit: int, only: Collection[str] | None, claimed: list[str]) -> ChunkReport | None:
    with collector_paused(), transaction.atomic(durable=True):
        rows = job.claim(limit, only)
        if not rows:
            return None
        claimed.extend(row.id for row in rows)
        return job.work(rows)


def _in_parts(ctx: Context, job: Job, ids: list[str], error: Exception, culprits: _Culprits) -> ChunkReport:
    """Some alone, to see whose fault it is, and then the others in halves. Raises `CommonFault`."""
    if len(ids) <= PROBES:
        return _in_halves(ctx, job, ids, error, culprits)
    probes = ids[:: -(-len(ids) // PROBES)]
    done = refused = 0
    marks = []
    for object_id in probes:
        report, failure = _try(job, [object_id])
        if failure is not None:
            marks.append(_mark(failure))
            report = _refuse_culprit(ctx, job, object_id, failure, culprits)
        done, refused = done + report.done, refused + report.refused
    if len(marks) == len(probes) and len(set(marks)) == 1:
        told = f"{job.kind}: {len(probes)} of {len(ids)} rows, tried alone, all failed with {marks[0]}"
        raise CommonFault(told, refused)
    left = [object_id for object_id in ids if object_id not in set(probes)]
    rest = _half(ctx, job, left, culprits)
    return ChunkReport(done + rest.done, refused + rest.refused)


def _in_halves(ctx: Context, job: Job, ids: list[str], error: Exception, culprits: _Culprits) -> ChunkReport:
    if len(ids) == 1:
        return _refuse_culprit(ctx, job, ids[0], error, culprits)
    middle = len(ids) // 2
    first = _half(ctx, job, ids[:middle], culprits)
    second = _half(ctx, job, ids[middle:], culprits)
    return ChunkReport(first.done + second.done, first.refused + second.refused)


def _half(ctx: Context, job: Job, ids: list[str], culprits: _Culprits) -> ChunkReport:
    report, failure = _try(job, ids)
    if failure is not None:  # outside its handler: each culprit is told with its own traceback, not all before it
        return _in_halves(ctx, job, ids, failure, culprits)
    return report


def _try(job: Job, ids: list[str]) -> tuple[ChunkReport, Exception | None]:
    """These rows in one transaction, and what came of it. Raises only what is no row's fault."""
    try:
        return _in_one_transaction(job, len(ids), ids, []) or ChunkReport(), None
    except Exception as raised:
        if is_infrastructure(raised):
            raise
        return ChunkReport(), raised


def _refuse_culprit(ctx: Context, job: Job, object_id: str, error: Exception, culprits: _Culprits) -> ChunkReport:
    """Claimed once more, so that nobody else holds it, and pushed forward with the reason."""
    culprits.tell(object_id, error)
    told = error if isinstance(error, OstinatoError) else UnexpectedFailure(error=type(error).__name__)
    with transaction.atomic(durable=True):
        rows = job.claim(1, [object_id])
        for row in rows:
            refuse(ctx, job.kind, [RefusedPlan.of(told, object_id=row.id, merchant_id=row.merchant_id)])
    return ChunkReport(refused=len(rows))


def _mark(error: BaseException) -> tuple[str, str, int]:
    """What tells one kind of failure from another: the error's name and the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    return type(error).__name__, frames[-1].filename if frames else "", (frames[-1].lineno or 0) if frames else 0


def is_deadlock(error: BaseException) -> bool:
    cause = error.__cause__ if isinstance(error, django.db.Error) else error
    return isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)


def is_infrastructure(error: BaseException) -> bool:
    """The database or its connection, not the row: nobody is to blame."""
    return isinstance(error, django.db.OperationalError | django.db.InterfaceError | psycopg.OperationalError)
