"""The outbox's shapes: a fact as it is written, as the relay hands it over, to whom, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.context import Context


@dataclass(frozen=True, slots=True)
class EventRow:
    """One fact to write. Actor, request and both times come from the context.

    `body` is the object's JSON as of `object_version`; None for merchants that keep no bodies.
    """

    merchant_id: str
    type: str
    object_type: str
    object_id: str
    object_version: int
    customer_id: str = ""
    previous_attributes: dict[str, Any] | None = None
    test_clock_id: str | None = None
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """One business fact as a consumer sees it. `xid` and `id` are its place in the outbox."""

    xid: int
    id: str
    merchant_id: str
    type: str
    object_type: str
    object_id: str
    object_version: int
    customer_id: str
    previous_attributes: dict[str, Any] | None
    actor: str
    request_id: str
    test_clock_id: str | None
    created: datetime
    recorded_at: datetime

    @property
    def object_key(self) -> tuple[str, str]:
        return (self.merchant_id, self.object_id)

    @property
    def version_key(self) -> tuple[str, str, int]:
        return (self.merchant_id, self.object_id, self.object_version)


Handler = Callable[[Context, Sequence[DeliveredEvent]], None]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A reader of the outbox. `types` are event types, or prefixes that end in ".*"; none means all.

    `handler(ctx, events)` does database work only, in the relay's transaction, and may be handed an event again:
    it must be idempotent. It is never handed an event whose object has an earlier one undelivered.
    """

    name: str
    handler: Handler
    types: tuple[str, ...] = ()

    def wants(self, event_type: str) -> bool:
        if not self.types:
            return True
        return any(
            event_type.startswith(wanted[:-1]) if wanted.endswith(".*") else event_type == wanted
            for wanted in self.types
        )


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What one waking did for a consumer. `busy`: another worker had the cursor, so nothing was done."""

    consumer: str
    batches: int = 0
    delivered: int = 0
    held: int = 0
    busy: bool = False
