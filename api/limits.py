"""How much a key may ask: a bucket of tokens in an unlogged table, one statement a request, good over all processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from core.errors import OstinatoError, gettext_noop

# A replay costs us one look: nine tenths of its token are given back.
REPLAY_REFUND = 0.9


class RateLimited(OstinatoError):
    code = "rate_limit"
    message_id = gettext_noop("Request rate limit exceeded: this key may make %(rate)s requests a second.")

    @property
    def retry_after(self) -> int:
        return int(str(self.params["retry_after"]))


@dataclass(frozen=True, slots=True)
class Limit:
    """Requests a second, and how many at once; a rate of 0 is no limit."""

    rate: int
    burst: int


def limit_of(livemode: bool) -> Limit:
    rate = settings.API_RATE_LIVE if livemode else settings.API_RATE_TEST
    return Limit(rate, rate * max(1, settings.API_RATE_BURST_S))


def spend(*, merchant_id: str, key_id: str, limit: Limit, now: datetime) -> None:
    """Take one token. Raises `RateLimited` with the whole seconds until there is one."""
    if not limit.rate:
        return
    with connection.cursor() as cursor:
        # Refused requests take nothing: whoever waits as told gets through.
        cursor.execute(
            "INSERT INTO api_ratebucket AS b (key_id, merchant_id, tokens, filled_at)"
            " VALUES (%(key)s, %(merchant)s, %(burst)s - 1, %(now)s) ON CONFLICT (key_id) DO UPDATE SET"
            " tokens = LEAST(%(burst)s, GREATEST(b.tokens, 0) + GREATEST(0, EXTRACT(EPOCH FROM %(now)s - b.filled_at))"
            " * %(rate)s) - 1, filled_at = GREATEST(b.filled_at, %(now)s) RETURNING tokens",
            {"key": key_id, "merchant": merchant_id, "burst": limit.burst, "rate": limit.rate, "now": now},
        )
        (tokens,) = cursor.fetchone()
    if tokens < 0:
        raise RateLimited(rate=limit.rate, retry_after=max(1, -int(tokens // limit.rate)))


def give_back(key_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE api_ratebucket SET tokens = tokens + %s WHERE key_id = %s", [REPLAY_REFUND, key_id])
