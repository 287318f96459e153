"""In which order events are handed over, and when a failed one is tried again. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import timedelta

from events.types import DeliveredEvent

FIRST_RETRY = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)


def delivery_order(window: Sequence[DeliveredEvent], ahead: Sequence[DeliveredEvent]) -> list[DeliveredEvent]:
    """`window` in outbox order, but each object's events by version, with `ahead` put in where they belong.

    `ahead` are events from beyond the window whose object has a later version inside it (their transaction took
    its id later but committed first). An object's events keep the places that it has in the window, so the order
    between objects is disturbed as little as can be.
    """
    of_object: dict[tuple[str, str], deque[DeliveredEvent]] = defaultdict(deque)
    for event in sorted([*window, *ahead], key=_by_version):
        of_object[event.object_key].append(event)
    beyond = {event.id for event in ahead}
    ordered: list[DeliveredEvent] = []
    for place in window:
        queue = of_object[place.object_key]
        while queue[0].id in beyond:
            ordered.append(queue.popleft())
        ordered.append(queue.popleft())
    return ordered


def halves(events: Sequence[DeliveredEvent]) -> tuple[Sequence[DeliveredEvent], Sequence[DeliveredEvent]]:
    middle = len(events) // 2
    return events[:middle], events[middle:]


def latest_versions(events: Iterable[DeliveredEvent]) -> dict[tuple[str, str], int]:
    """The highest version of each object among `events`."""
    latest: dict[tuple[str, str], int] = {}
    for event in events:
        latest[event.object_key] = max(event.object_version, latest.get(event.object_key, 0))
    return latest


def retry_wait(attempts: int) -> timedelta:
    """How long a failed event waits after its n-th attempt: 1, 2, 4 … minutes, at most 6 hours."""
    return min(FIRST_RETRY * 2 ** min(attempts - 1, 20), LONGEST_WAIT)


def _by_version(event: DeliveredEvent) -> tuple[int, int, str]:
    return (event.object_version, event.xid, event.id)
