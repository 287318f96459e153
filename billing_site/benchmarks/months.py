"""How long a month's bill of one customer takes to count, by formula."""

from __future__ import annotations

import time

from billing_site.benchmarks import data
from usage.selectors import usage_totals
from usage.types import UsageWindow

TRIES = 5


def month_bill_ms() -> dict[str, float]:
    """The median of a few tries, in milliseconds, for the customer with the stored events."""
    found = {}
    for formula in data.FORMULAS:
        window = UsageWindow(data.MERCHANT, data.meter_id(formula), data.customer_id(1), data.START, data.DUE)
        tries = []
        for _ in range(TRIES):
            started = time.perf_counter()
            usage_totals([window])
            tries.append(time.perf_counter() - started)
        found[f"month_{formula}_ms"] = round(sorted(tries)[TRIES // 2] * 1000, 1)
    return found
