"""What a worker does for each benchmark. `WORK[kind](share)` prepares, unmeasured, and gives what is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billing_site.benchmarks import ceiling, data
from billing_site.event_routes import CONSUMERS
from core.context import Context
from engine.services import collect
from engine.services.finalize import run_finalizations
from engine.services.renew import run_renewals
from engine.types import RunReport
from events.services import relay
from invoicing.models import Invoice
from invoicing.pdf.service import invoice_pdf
from usage.services import record_meter_events
from usage.types import MeterEvent

Work = Callable[[], dict[str, float]]

RELAY_BATCH = 1000
USAGE_BATCH = 1000
# One event in so many is a repetition of the one before it, as senders that time out make them.
REPEATED = 20


@dataclass(frozen=True, slots=True)
class Share:
    """A worker's part: `number` of `workers`; `rows` are everybody's."""

    number: int
    workers: int
    rows: int
    chunk_size: int

    def mine(self, total: int) -> range:
        """The slice of `total` things in a row that is this worker's."""
        return range(total * self.number // self.workers, total * (self.number + 1) // self.workers)


def _context(after: timedelta = timedelta(0)) -> Context:
    return Context(as_of=data.DUE + after, recorded_at=data.DUE + after, actor="run")


def _reported(report: RunReport) -> dict[str, float]:
    return {"done": report.done, "refused": report.refused}


def _renewals(share: Share) -> Work:
    return lambda: _reported(run_renewals(ctx=_context(), chunk_size=share.chunk_size))


def _finalizations(share: Share) -> Work:
    return lambda: _reported(run_finalizations(ctx=_context(data.GRACE), chunk_size=share.chunk_size))


def _collections(share: Share) -> Work:
    """The run itself, and how long of it each part took: what is neither sending nor settling is planning."""

    def work() -> dict[str, float]:
        with _clocked(collect, "send") as sending, _clocked(collect, "settle_answers") as settling:
            started = time.perf_counter()
            report = collect.run_collections(ctx=_context(data.GRACE), chunk_size=share.chunk_size)
            whole = time.perf_counter() - started
        sent, settled = sum(sending), sum(settling)
        return _reported(report) | {"planning_s": whole - sent - settled, "sending_s": sent, "settling_s": settled}

    return work


@contextmanager
def _clocked(module: Any, name: str) -> Iterator[list[float]]:
    """The seconds of each call that the module makes of its function `name`."""
    function, seconds = getattr(module, name), []

    def clocked(*args: Any, **more: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **more)
        finally:
            seconds.append(time.perf_counter() - started)

    setattr(module, name, clocked)
    try:
        yield seconds
    finally:
        setattr(module, name, function)


def _relay(share: Share) -> Work:
    """Each worker passes over the consumers that another one is at."""

    def work() -> dict[str, float]:
        waiting = {consumer.name: consumer for consumer in CONSUMERS}
        delivered = 0
        while waiting:
            for name, consumer in list(waiting.items()):
                report = relay(ctx=_context(data.GRACE), consumer=consumer, batch_size=RELAY_BATCH)
                delivered += report.delivered
                waiting.pop(name)  # read to its end, or in another worker's hands
        return {"done": delivered, "refused": 0}

    return work


def _usage(share: Share) -> Work:
    batches = [list(batch) for batch in _batches(share)]

    def work() -> dict[str, float]:
        accepted = 0
        for events in batches:
            outcomes = record_meter_events(ctx=_context(), merchant_id=data.MERCHANT, events=events)
            accepted += sum(outcome.status == "accepted" for outcome in outcomes)
        return {"done": accepted, "refused": 0}

    return work


def _batches(share: Share) -> Iterable[list[MeterEvent]]:
    mine = share.mine(share.rows)
    for start in range(mine.start, mine.stop, USAGE_BATCH):
        yield [_event(number) for number in range(start, min(start + USAGE_BATCH, mine.stop))]


def distinct_events(rows: int) -> int:
    """How many of `rows` events are no repetition."""
    return rows - rows // REPEATED


def _event(number: int) -> MeterEvent:
    identifier = number - 1 if number % REPEATED == REPEATED - 1 else number
    payload = {"stripe_customer_id": data.customer_id(1 + number % data.USAGE_CUSTOMERS), "value": str(number % 10)}
    return MeterEvent(data.EVENT_NAME, payload, f"event-{identifier}", data.DUE - timedelta(seconds=number % 86_400))


def _pdf(share: Share) -> Work:
    ids = list(Invoice.objects.exclude(status="draft").order_by("id").values_list("id", flat=True))
    mine = [ids[index] for index in share.mine(len(ids))]

    def work() -> dict[str, float]:
        for invoice_id in mine:
            invoice_pdf(ctx=_context(), merchant_id=data.MERCHANT, invoice_id=invoice_id)
        return {"done": len(mine), "refused": 0}

    return work


def _ceiling(share: Share) -> Work:
    return ceiling.writer(share.number, share.workers, share.chunk_size)


WORK: dict[str, Callable[[Share], Work]] = {
    "renewals": _renewals,
    "finalizations": _finalizations,
    "collections": _collections,
    "relay": _relay,
    "usage": _usage,
    "pdf": _pdf,
    "ceiling": _ceiling,
}
