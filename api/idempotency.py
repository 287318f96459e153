"""The same key and parameters get the same answer, however often they are sent (Stripe's Idempotency-Key).

1. Before any work, a row with the key and the request's fingerprint is committed.
2. Whoever comes with the key while it is under way is told to wait (409); with other parameters, that it is taken.
3. The answer is stored, refusals of the work included; refusals of the request's form are not, so that they may be
   tried again.
4. After a fault of ours, or when its worker died, the row stays: who repeats the request takes it over at once, and
   takes up what the cut off try had made (`api/recovery.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from api.models import IdempotentRequest
from api.protocol.errors import IdempotencyKeyInUse, IdempotencyKeyInvalid, IdempotencyMismatch
from core.context import Context
from core.errors import OstinatoError

KEPT = timedelta(hours=24)
# A request that has been under way for longer than any worker lives was cut off.
ABANDONED = timedelta(minutes=5)

Answer = tuple[int, dict[str, Any]]


def fingerprint(method: str, path: str, params: Any) -> str:
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True, default=str).encode()).hexdigest()


def once(
    ctx: Context,
    merchant_id: str,
    key: str,
    print_: str,
    work: Callable[[], Answer],
    again: Callable[[IdempotentRequest], Answer],
) -> tuple[Answer, bool]:
    """The answer of `work`, and whether it is a replay; `again` is the work of a try after one that was cut off.

    Raises the idempotency errors of `api.protocol.errors`.
    """
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise IdempotencyKeyInvalid
    row, mine, is_first = _claim(ctx, merchant_id, key, print_)
    if row.fingerprint != print_:
        raise IdempotencyMismatch
    if not mine:
        if row.status == 0:
            raise IdempotencyKeyInUse
        return (row.status, row.body or {}), True
    try:
        status, body = work() if is_first else again(row)
    except OstinatoError:
        IdempotentRequest.objects.filter(id=row.id).delete()
        raise
    except BaseException:
        IdempotentRequest.objects.filter(id=row.id).update(
            recorded_at=ctx.recorded_at - ABANDONED - timedelta(seconds=1)
        )
        raise
    IdempotentRequest.objects.filter(id=row.id).update(status=status, body=body)
    return (status, body), False


def _claim(ctx: Context, merchant_id: str, key: str, print_: str) -> tuple[IdempotentRequest, bool, bool]:
    """The key's row, whether it is this request's to work on, and whether nobody worked on it before."""
    old = ctx.recorded_at - KEPT
    IdempotentRequest.objects.filter(merchant_id=merchant_id, key=key, recorded_at__lt=old).delete()
    try:
        with transaction.atomic():
            row = IdempotentRequest.objects.create(
                merchant_id=merchant_id,
                key=key,
                fingerprint=print_,
                request_id=ctx.request_id,
                recorded_at=ctx.recorded_at,
            )
        return row, True, True
    except IntegrityError:
        row = IdempotentRequest.objects.get(merchant_id=merchant_id, key=key)
    if row.status == 0 and row.recorded_at < ctx.recorded_at - ABANDONED and row.fingerprint == print_:
        # Every service is safe to repeat from its own stored identity: take the abandoned request over, one of us.
        taken = IdempotentRequest.objects.filter(id=row.id, recorded_at=row.recorded_at, status=0)
        return row, bool(taken.update(recorded_at=ctx.recorded_at, request_id=ctx.request_id)), False
    return row, False, False
