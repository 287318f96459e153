"""Credit grants that are over: what is left of them is written off, in the ledger too, at their very moment."""

from __future__ import annotations

from core.context import Context
from customers.granting import expire_due_grants
from customers.writes import claim_expired_grants
from engine.services.chunks import ChunkReport, Job, run_job
from engine.types import RunReport
from events.copying import Row

KIND = "grant_expiry"


def run_grant_expiries(
    *, ctx: Context, clock_id: str | None = None, chunk_size: int = 500, max_chunks: int | None = None
) -> RunReport:
    """Expire every grant whose day has come; one of which nothing is left has nothing to write off."""
    job = Job(
        kind=KIND,
        claim=lambda limit, only: claim_expired_grants(ctx.as_of, clock_id=clock_id, limit=limit, only=only),
        work=lambda grants: _expire(ctx, grants),
    )
    return run_job(ctx, job, clock_id=clock_id, chunk_size=chunk_size, max_chunks=max_chunks)


def _expire(ctx: Context, grants: list[Row]) -> ChunkReport:
    expire_due_grants(ctx, grants)
    return ChunkReport(done=len(grants))
