"""Wake the engine. django-q2 calls these; what is due is in our own tables, so a lost or doubled call is harmless."""

from __future__ import annotations

import logging
import time

from django.utils import timezone
from django_q.tasks import async_task

from core.context import Context
from engine.services.card_expiry import run_card_expiries
from engine.services.checkout_expiry import run_checkout_expiries
from engine.services.clocks import ClockIsHeld, advance_clock_now, clocks_on_their_way, run_clock_now
from engine.services.collect import run_collections
from engine.services.disputes import run_disputes
from engine.services.dry_run import continue_dry_run
from engine.services.expiring import run_grant_expiries
from engine.services.finalize import run_finalizations
from engine.services.inbox import apply_inbox, sweep_balances, sweep_events
from engine.services.overdue import run_overdue
from engine.services.paying_change_first import finish_pending_changes
from engine.services.paying_first import finish_pending_subscribes
from engine.services.pending_updates import run_pending_updates
from engine.services.phases import run_schedules
from engine.services.quotes import run_quote_expiries
from engine.services.renew import run_renewals
from engine.services.resolve import resolve_unknown, settle_due
from engine.services.thresholds import run_thresholds

logger = logging.getLogger(__name__)

# A task ends well before the cluster's time-out (120 s) and before its chunk could be cut in the middle.
CHUNKS_PER_TASK = 100
CLOCK_SECONDS_PER_TASK = 60
EVENTS_PER_TASK = 100
CLOCK_STEPS_AT_ONCE = 20


def renew() -> dict[str, int]:
    """Bill what is due, finalize what needs no grace, and send the charges that were planned.

    Changes that were paid and phases that begin come first: what follows is billed at their prices.
    """
    run_pending_updates(ctx=_now())
    run_schedules(ctx=_now())
    report = run_renewals(ctx=_now(), max_chunks=CHUNKS_PER_TASK)
    if report.done:
        collect()
    return {"done": report.done, "refused": report.refused}


def finalize() -> dict[str, int]:
    """Finalize drafts whose grace is over, and send the charges that were planned."""
    report = run_finalizations(ctx=_now(), max_chunks=CHUNKS_PER_TASK)
    if report.done:
        collect()
    return {"done": report.done, "refused": report.refused}


def collect() -> None:
    """Send planned charges and retries that are due; changes that waited for one apply."""
    run_collections(ctx=_now())
    run_pending_updates(ctx=_now())


def thresholds() -> int:
    """Invoice usage that has reached a threshold."""
    return run_thresholds(ctx=_now())


def settle() -> None:
    """Late settlements (bank debits) whose moment has come."""
    settle_due(ctx=_now())
    run_disputes(ctx=_now())


def resolve() -> None:
    """Ask the gateways about outcomes that nobody knows, and go on with signups that waited for theirs."""
    resolve_unknown(ctx=_now())
    finish_pending_subscribes(ctx=_now())
    finish_pending_changes(ctx=_now())


def inbox() -> int:
    """Apply what the processors told. Returns how many events need no more work."""
    return apply_inbox(ctx=_now(), limit=EVENTS_PER_TASK).done


def sweep() -> None:
    """Fetch what the processors told and nobody heard."""
    sweep_events(ctx=_now())


def balances() -> None:
    """Mirror the processors' balances."""
    sweep_balances(ctx=_now())


def overdue() -> None:
    """Sent invoices that are late, and what is over: credit grants, quotes, one-time sales that nobody paid."""
    run_overdue(ctx=_now())
    run_grant_expiries(ctx=_now())
    run_quote_expiries(ctx=_now())
    run_checkout_expiries(ctx=_now())


def cards() -> None:
    """Cards whose last month began: replaced by their issuers, or told of."""
    run_card_expiries(ctx=_now())


def advance_clock(clock_id: str) -> bool:
    """Advance a test clock for at most a minute; when it is not there yet, ask for another go."""
    deadline = time.monotonic() + CLOCK_SECONDS_PER_TASK
    try:
        while time.monotonic() < deadline:
            if advance_clock_now(ctx=_now(), clock_id=clock_id, max_steps=CLOCK_STEPS_AT_ONCE):
                return True
    except ClockIsHeld:
        return False  # whoever holds it goes on
    async_task("engine.tasks.advance_clock", clock_id)
    return False


def run_clock(clock_id: str) -> None:
    """Do what is due on a test clock at the time it shows: something refused there was asked for again."""
    run_clock_now(ctx=_now(), clock_id=clock_id)


def dry_run(dry_run_id: str) -> bool:
    """Go on with a dry run for at most a minute; when it is not done, ask for another go."""
    if continue_dry_run(ctx=_now(), dry_run_id=dry_run_id):
        return True
    async_task("engine.tasks.dry_run", dry_run_id)
    return False


def advance_clocks() -> int:
    """Go on with clocks that nobody advances: their call was lost, or their worker died. Returns how many arrived."""
    deadline = time.monotonic() + CLOCK_SECONDS_PER_TASK
    arrived = 0
    for clock_id in clocks_on_their_way():
        try:
            while time.monotonic() < deadline:
                if advance_clock_now(ctx=_now(), clock_id=clock_id, max_steps=CLOCK_STEPS_AT_ONCE):
                    arrived += 1
                    break
        except Exception:  # told on the clock, or another worker's: the next one does not wait for it
            logger.info("clock %s is left", clock_id, exc_info=True)
    return arrived


def _now() -> Context:
    wall = timezone.now()
    return Context(as_of=wall, recorded_at=wall, actor="run")
