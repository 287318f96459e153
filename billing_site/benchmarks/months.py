"""How long a month's bill of one customer takes to count, by formula, once its hours were rolled up."""

from __future__ import annotations

import time
from datetime import timedelta

from billing_site.benchmarks import data
from catalog.models import Meter
from core.context import Context
from usage.selectors import usage_totals
from usage.services import roll_up_usage
from usage.types import UsageWindow

TRIES = 5
# A month that begins and ends amid an hour: its edges are read event by event.
AMID = timedelta(minutes=23, seconds=17)


def rolled_up() -> dict[str, float]:
    """Roll the stored events up as the scheduled task does. Returns how many per second."""
    noticed, started = 0, time.perf_counter()
    while True:
        report = roll_up_usage(ctx=Context(as_of=data.DUE, recorded_at=data.DUE, actor="run"), quiet_for=timedelta(0))
        noticed += report.noticed
        if not report.more:
            return {"rolled_up_per_second": round(noticed / (time.perf_counter() - started), 1)}


def month_bill_ms() -> dict[str, float]:
    """The median of a few tries, in milliseconds, for the customer with the stored events.

    They are the same events for each formula: the meter's is turned.
    """
    start, end = data.START + AMID, data.DUE - AMID
    window = UsageWindow(data.MERCHANT, data.METER, data.customer_id(1), start, end)
    found = {}
    for formula in data.FORMULAS:
        Meter.objects.filter(id=data.METER).update(formula=formula)
        tries = []
        for _ in range(TRIES):
            started = time.perf_counter()
            usage_totals([window])
            tries.append(time.perf_counter() - started)
        found[f"month_{formula}_ms"] = round(sorted(tries)[TRIES // 2] * 1000, 1)
    Meter.objects.filter(id=data.METER).update(formula="sum")
    return found
