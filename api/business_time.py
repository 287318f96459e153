"""The one place of the API that decides in which time a request runs: its customer's clock, else the wall."""

from __future__ import annotations

from dataclasses import replace

from api.protocol.operation import Call
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from customers.models import Customer, TestClock, TestClockStatus


class TestClockBusy(OstinatoError):
    __test__ = False
    code = "test_clock_advancing"
    message_id = gettext_noop("Test clock advancement underway - cannot perform modifications.")


def clocked(call: Call, clock_id: str | None) -> Context:
    """The context for a change of something on this clock. Raises `TestClockBusy` while the clock advances."""
    return _context(call, clock_id, changes=True)


def clocked_reading(call: Call, clock_id: str | None) -> Context:
    """The same for what changes nothing (a preview)."""
    return _context(call, clock_id, changes=False)


def of_customer(call: Call, customer_id: str, *, changes: bool = True) -> Context:
    """In the time of a customer, whoever it is: services refuse one that is not the merchant's."""
    rows = Customer.objects.filter(merchant_id=call.merchant_id, id=customer_id)
    return _context(call, rows.values_list("test_clock_id", flat=True).first(), changes=changes)


def _context(call: Call, clock_id: str | None, *, changes: bool) -> Context:
    if not clock_id:
        return call.ctx
    clock = TestClock.objects.filter(merchant_id=call.merchant_id, id=clock_id, deleted_at__isnull=True).first()
    if clock is None:
        return call.ctx
    if changes and clock.status == TestClockStatus.ADVANCING:
        raise TestClockBusy
    return replace(call.ctx, as_of=clock.frozen_time)
