"""The sender: takes what is due, posts it, writes down how it went. Any number of them run side by side.

1. Ask which endpoints have something due; give each what room it has left: much for one that answers, little for
   one that does not, so that a dead endpoint holds nobody up but itself.
2. Claim that many deliveries of each with a lease (SKIP LOCKED); no transaction stays open while a server talks.
3. Post them all at once on one event loop: signed, not redirected, under one time-out for the whole exchange.
4. Write the outcomes in batches. A sender that dies before that lets its leases run out: at least once, never lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings
from django.db import close_old_connections, connections

from api.models import WebhookEndpoint
from api.webhooks.addresses import AddressRefused, PinnedResolver, check_host
from api.webhooks.claims import Claimed, Outcome, claim, endpoints_with_work, record
from api.webhooks.rules import BODY_KEPT, kept_body, kept_headers, signature_header
from api.webhooks.secrets import signing_secrets
from core.errors import OstinatoError, gettext_noop

log = logging.getLogger("webhooks")

AT_ONCE = 512
AT_ONCE_PER_ENDPOINT = 64
# One that failed last time is asked with little until it answers again.
AT_ONCE_WHEN_FAILING = 2
BATCH = 200
IDLE_S = 0.5
USER_AGENT = "Ostinato/1 (webhooks)"

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Sender:
    """One event loop. `clock` gives wall time; the database is spoken to from one thread beside the loop."""

    clock: Clock
    sent: int = 0
    failed: int = 0
    _in_flight: Counter[str] = field(default_factory=Counter)
    _ailing: set[str] = field(default_factory=set)
    _outcomes: list[Outcome] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def drain(self) -> tuple[int, int]:
        """Send until nothing is due. Returns how many tries were taken and how many failed."""
        asyncio.run(self._run(None))
        return self.sent, self.failed

    def run(self, stop: Callable[[], bool]) -> None:
        """Send until `stop()`; what is under way is finished first."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: Callable[[], bool] | None) -> None:
        database = ThreadPoolExecutor(1, "webhooks-database")
        timeout = aiohttp.ClientTimeout(
            total=settings.WEBHOOK_TIMEOUT_S, sock_connect=min(5.0, settings.WEBHOOK_TIMEOUT_S)
        )
        connector = aiohttp.TCPConnector(
            limit=0, resolver=PinnedResolver(allow_private=settings.WEBHOOKS_ALLOW_PRIVATE), ttl_dns_cache=60
        )
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            try:
                await self._loop(session, database, stop)
            finally:
                if self._tasks:
                    await asyncio.wait(self._tasks)
                await self._flush(database)
                await self._in(database, connections.close_all)  # this thread's
                database.shutdown()

    async def _loop(
        self, session: aiohttp.ClientSession, database: ThreadPoolExecutor, stop: Callable[[], bool] | None
    ) -> None:
        while stop is None or not stop():
            claimed = await self._take(session, database)
            await self._flush(database)
            if claimed:
                await asyncio.sleep(0)
            elif self._tasks:
                await asyncio.wait(self._tasks, timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED)
            elif self._outcomes:
                continue
            elif stop is None:
                return
            else:
                await self._in(database, close_old_connections)
                await asyncio.sleep(IDLE_S)

    async def _take(self, session: aiohttp.ClientSession, database: ThreadPoolExecutor) -> int:
        """Claim what there is room for and begin to post it. Returns how much that was."""
        if len(self._tasks) >= AT_ONCE - AT_ONCE_PER_ENDPOINT:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            return 1
        now = self.clock()
        found = {one.id: one for one in await self._in(database, endpoints_with_work, now)}
        self._ailing = {one.id for one in found.values() if one.failing_since} | (self._ailing & set(found))
        room = self._room(list(found))
        if not room:
            return 0
        claimed = await self._in(database, claim, room, now)
        for one in claimed:
            self._in_flight[one.endpoint_id] += 1
            task = asyncio.create_task(self._send(session, found[one.endpoint_id], one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(claimed)

    def _room(self, endpoint_ids: list[str]) -> dict[str, int]:
        left = AT_ONCE - len(self._tasks)
        share = max(1, left // max(1, len(endpoint_ids)))
        room = {
            one: min(
                share, (AT_ONCE_WHEN_FAILING if one in self._ailing else AT_ONCE_PER_ENDPOINT) - self._in_flight[one]
            )
            for one in endpoint_ids
        }
        return {one: most for one, most in room.items() if most > 0}

    async def _send(self, session: aiohttp.ClientSession, endpoint: WebhookEndpoint, claimed: Claimed) -> None:
        at, started = self.clock(), time.perf_counter()
        try:
            told = await self._post(session, endpoint, claimed, at)
        except Exception as fault:
            told = {"error": _words(fault)}
            if not isinstance(fault, (aiohttp.ClientError, OSError, TimeoutError, OstinatoError)):
                log.exception("delivery %s failed", claimed.id)
        outcome = Outcome(claimed, endpoint.url, at, duration_ms=int((time.perf_counter() - started) * 1000), **told)
        if outcome.taken:
            self.sent += 1
            self._ailing.discard(endpoint.id)
        else:
            self.failed += 1
            self._ailing.add(endpoint.id)
        self._in_flight[endpoint.id] -= 1
        self._outcomes.append(outcome)

    async def _post(
        self, session: aiohttp.ClientSession, endpoint: WebhookEndpoint, claimed: Claimed, at: datetime
    ) -> dict[str, Any]:
        if not settings.WEBHOOKS_ALLOW_PRIVATE:
            check_host(urlsplit(endpoint.url).hostname or "")  # an address written as such is never resolved
        signature = signature_header(claimed.body, secrets=signing_secrets(endpoint, at), at=int(at.timestamp()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": USER_AGENT,
            "Stripe-Signature": signature,
        }
        async with session.post(endpoint.url, data=claimed.body, headers=headers, allow_redirects=False) as answer:
            body = await _beginning_of(answer)
            return {
                "status": answer.status,
                "error": "" if 200 <= answer.status < 300 else f"HTTP {answer.status}",
                "request_headers": kept_headers(headers.items()),
                "response_headers": kept_headers(answer.headers.items()),
                "response_body": kept_body(body),
            }

    async def _flush(self, database: ThreadPoolExecutor) -> None:
        while self._outcomes:
            batch, self._outcomes = self._outcomes[:BATCH], self._outcomes[BATCH:]
            await self._in(database, record, batch)

    async def _in(self, database: ThreadPoolExecutor, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(database, work, *args)


async def _beginning_of(answer: aiohttp.ClientResponse) -> bytes:
    """As much of the body as the log keeps. One that goes on is cut off with its connection."""
    body = b""
    while len(body) <= BODY_KEPT:
        chunk = await answer.content.read(BODY_KEPT + 1 - len(body))
        if not chunk:
            return body
        body += chunk
    answer.close()
    return body


def _words(fault: BaseException) -> str:
    """What the merchant reads of a failure, put into its language by the page; without the inside of our network."""
    if isinstance(fault, OstinatoError):
        return fault.message[:300]
    cause = getattr(fault, "os_error", None) or fault.__cause__
    if isinstance(fault, AddressRefused) or isinstance(cause, AddressRefused):
        return gettext_noop("the address is not public")
    if isinstance(fault, TimeoutError):
        return gettext_noop("no answer in time")
    if isinstance(fault, aiohttp.ClientConnectorDNSError):
        return gettext_noop("the name cannot be resolved")
    if isinstance(fault, aiohttp.ClientSSLError):
        return gettext_noop("the TLS connection failed")
    if isinstance(fault, aiohttp.ClientConnectorError):
        return gettext_noop("the connection was refused")
    if isinstance(fault, aiohttp.ClientError):
        return gettext_noop("the connection broke")
    return type(fault).__name__
