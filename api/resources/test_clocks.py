"""/v1/test_helpers/test_clocks"""

from __future__ import annotations

from collections.abc import Sequence

from api.lookup import deleted, found
from api.paging import page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import PAGE, fields, text, timestamp
from customers.models import TestClock
from customers.snapshots import test_clock_snapshot
from engine.services import clocks
from engine.services.deletion import delete_clock

URL = "/v1/test_helpers/test_clocks"
CREATE = fields(frozen_time=timestamp(required=True), name=text(most=300))


def _clock(call: Call) -> TestClock:
    rows = TestClock.objects.filter(merchant_id=call.merchant_id, deleted_at__isnull=True)
    return found(rows, call.id, "test clock")


def create(call: Call) -> Json:
    clock = clocks.create_clock(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        name=call.params.get("name", ""),
        frozen_time=call.params["frozen_time"],
    )
    return test_clock_snapshot(clock)


def retrieve(call: Call) -> Json:
    return test_clock_snapshot(_clock(call))


def list_(call: Call) -> Json:
    rows = TestClock.objects.filter(merchant_id=call.merchant_id, deleted_at__isnull=True)
    return page(rows, call, lambda found: [test_clock_snapshot(row) for row in found], url=URL, by="recorded_at")


def advance(call: Call) -> Json:
    """A worker does it; the caller asks again until the status is ready."""
    moved = clocks.advance_clock(
        ctx=call.ctx, merchant_id=call.merchant_id, clock_id=_clock(call).id, to=call.params["frozen_time"]
    )
    return test_clock_snapshot(moved)


def delete(call: Call) -> Json:
    clock = delete_clock(ctx=call.ctx, merchant_id=call.merchant_id, clock_id=_clock(call).id)
    return deleted("test_helpers.test_clock", clock.id)


OPERATIONS = [
    Operation("POST", URL, create, CREATE),
    Operation("GET", URL, list_, PAGE),
    Operation("GET", URL + "/{id}", retrieve),
    Operation("POST", URL + "/{id}/advance", advance, fields(frozen_time=timestamp(required=True))),
    Operation("DELETE", URL + "/{id}", delete),
]


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = TestClock.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: test_clock_snapshot(row) for row in rows}


LOADERS = {"test_clock": load}
