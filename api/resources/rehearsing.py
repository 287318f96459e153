"""Requests that are carried out in several parts (inline prices, the change, thresholds): all of them is tried first.

The trial is a transaction that is rolled back, so what the last part refuses leaves nothing of the first behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction

_LISTS = ("items", "add_invoice_items")


def is_made_of_parts(params: Mapping[str, Any]) -> bool:
    """Whether the request makes prices of its own or sets thresholds beside what it changes."""
    listed = [item for name in _LISTS for item in params.get(name) or ()]
    return "billing_thresholds" in params or any(
        "price_data" in item or "billing_thresholds" in item for item in listed
    )


@contextmanager
def taken_back() -> Iterator[None]:
    """A transaction that leaves nothing behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def rehearsed(params: Mapping[str, Any]) -> dict[str, Any]:
    """The request as it is tried. A payment method is found or attached when it is carried out, which is also when
    it turns out whether there is one to charge."""
    if not params.get("default_payment_method"):
        return dict(params)
    kept = {name: value for name, value in params.items() if name != "default_payment_method"}
    return kept | {"payment_behavior": "default_incomplete"}
