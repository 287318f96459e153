"""The processors' inbox: what was told is applied by a worker, and what was not told is fetched.

1. Take a lease on what is due, an object at a time: events of the same object are one look at it.
2. Read the object from the processor and move ours forward (`engine.services.applying`). Order does not matter.
3. What cannot be read now is tried again later and later; after ten tries a person has to look.
4. A sweep lists the account's events since the last sweep: a webhook that was lost is only late.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from core.context import Context
from engine.services.applying import BY_OBJECT, GATEWAY
from engine.services.sending import call_of
from engine.types import RunReport
from payments.accounts import note_refused
from payments.gateways import gateway_named
from payments.gateways.base import GatewayKeyRefused, GatewayRefused, GatewayUnreachable, NoSuchGatewayObject
from payments.inbox import store_events
from payments.mirror import mirror_object
from payments.models import AccountStatus, GatewayAccount, GatewayEvent, GatewayEventStatus
from payments.payouts import store_balance

logger = logging.getLogger(__name__)

CHUNK = 50
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 10
LONGEST_WAIT = timedelta(hours=6)
# Events may be listed a little after they happened, and clocks differ.
EVENTS_OVERLAP = timedelta(minutes=15)
# A movement is pending for days before it is available.
BALANCE_OVERLAP = timedelta(days=8)
MOST_PAGES = 200


def apply_inbox(*, ctx: Context, limit: int = 500) -> RunReport:
    """Apply what is due. `done` counts the events that need no more work."""
    chunks = done = seen = 0
    down: set[str] = set()  # merchants whose processor did not answer just now: one time-out is enough
    while seen < limit:
        events = _lease(ctx, min(CHUNK, limit - seen))
        if not events:
            break
        chunks, seen = chunks + 1, seen + len(events)
        for same in _by_object(events):
            done += _apply(ctx, same, down)
    return RunReport(chunks=chunks, done=done, more=seen >= limit)


def _lease(ctx: Context, size: int) -> list[GatewayEvent]:
    with transaction.atomic(durable=True):
        due = GatewayEvent.objects.filter(apply_after__lte=ctx.recorded_at).order_by("apply_after", "id")
        events = list(due.select_for_update(skip_locked=True, no_key=True)[:size])
        for event in events:
            event.attempts += 1
        ids = [event.id for event in events]
        GatewayEvent.objects.filter(id__in=ids).update(apply_after=ctx.recorded_at + LEASE)
    return events


def _by_object(events: Sequence[GatewayEvent]) -> list[list[GatewayEvent]]:
    groups: dict[tuple[str, str, str], list[GatewayEvent]] = defaultdict(list)
    for event in events:
        groups[event.merchant_id, event.object_type, event.object_id].append(event)
    return list(groups.values())


def _apply(ctx: Context, events: Sequence[GatewayEvent], down: set[str]) -> int:
    first = events[0]
    apply = BY_OBJECT.get(first.object_type)
    try:
        if first.merchant_id in down:
            raise GatewayUnreachable(reason="not_asked")
        is_ours = apply is not None and apply(ctx, first.merchant_id, first.object_id)
    except NoSuchGatewayObject:
        is_ours = False
    except Exception as error:
        if isinstance(error, GatewayUnreachable):
            down.add(first.merchant_id)
        _try_later(ctx, events, error)
        return 0
    _close(events, GatewayEventStatus.APPLIED if is_ours else GatewayEventStatus.IGNORED)
    if is_ours:
        mirror_object(first.merchant_id, first.object_type, first.object_id)
    return len(events)


def _close(events: Sequence[GatewayEvent], status: str) -> None:
    for event in events:
        event.status, event.apply_after, event.error = status, None, ""
    GatewayEvent.objects.bulk_update(events, ["status", "apply_after", "error", "attempts"])


def _try_later(ctx: Context, events: Sequence[GatewayEvent], error: Exception) -> None:
    if isinstance(error, GatewayRefused):
        logger.warning("%s could not be applied: %s", events[0].object_id, error.code)
    else:
        logger.exception("%s could not be applied", events[0].object_id)
    for event in events:
        event.error = f"{type(error).__name__}: {error}"[:500]
        # A processor that does not answer, or a key that is refused, is no fault of the event's.
        gives_up = event.attempts >= MOST_ATTEMPTS and not isinstance(error, GatewayRefused)
        event.status = GatewayEventStatus.FAILED if gives_up else GatewayEventStatus.RECEIVED
        wait = min(timedelta(minutes=2 ** min(event.attempts, 10)), LONGEST_WAIT)
        event.apply_after = None if gives_up else ctx.recorded_at + wait
    GatewayEvent.objects.bulk_update(events, ["status", "apply_after", "error", "attempts"])


# --- what was not told -----------------------------------------------------------------------------------------


def sweep_events(*, ctx: Context) -> int:
    """Fetch what happened in every connected account since the last sweep. Returns how many accounts were read."""
    return sum(_sweep(ctx, account, _sweep_events_of) for account in _connected())


def sweep_balances(*, ctx: Context) -> int:
    """Mirror every connected account's balance since the last sweep. Returns how many accounts were read."""
    return sum(_sweep(ctx, account, _sweep_balance_of) for account in _connected())


def _connected() -> list[GatewayAccount]:
    accounts = GatewayAccount.objects.filter(gateway=GATEWAY).exclude(status=AccountStatus.DISCONNECTED)
    return list(accounts.order_by("id"))


def _sweep(ctx: Context, account: GatewayAccount, sweep: object) -> bool:
    try:
        sweep(ctx, account)  # type: ignore[operator]
    except GatewayKeyRefused:
        note_refused(ctx, account)
        return False
    except GatewayRefused as refused:
        logger.warning("%s could not be read: %s", account.id, refused.code)
        return False
    if account.status == AccountStatus.REFUSED:
        account.status, account.refused_at = AccountStatus.ACTIVE, None
        account.save(update_fields=["status", "refused_at"])
    return True


def _sweep_events_of(ctx: Context, account: GatewayAccount) -> None:
    since = (account.events_seen_until or account.recorded_at) - EVENTS_OVERLAP
    call = call_of(ctx, account.merchant_id, f"{account.id}/sweep")
    after = ""
    for _ in range(MOST_PAGES):
        page = gateway_named(GATEWAY).events(call, since=since, after=after)
        store_events(account, page.items, ctx.recorded_at, "sweep")
        after = page.next_after
        if not after:
            account.events_seen_until = ctx.recorded_at
            account.save(update_fields=["events_seen_until"])
            return
    logger.error("%s has more events than a sweep reads", account.id)


def _sweep_balance_of(ctx: Context, account: GatewayAccount) -> None:
    since = (account.balance_seen_until or account.recorded_at) - BALANCE_OVERLAP
    call = call_of(ctx, account.merchant_id, f"{account.id}/balance")
    after = ""
    for _ in range(MOST_PAGES):
        page = gateway_named(GATEWAY).balance_transactions(call, since=since, after=after)
        store_balance(ctx, account.merchant_id, GATEWAY, page.items)
        after = page.next_after
        if not after:
            account.balance_seen_until = ctx.recorded_at
            account.save(update_fields=["balance_seen_until"])
            return
    logger.error("%s has more movements than a sweep reads", account.id)
