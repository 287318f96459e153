"""Requests that are carried out in several parts (inline prices, the change, thresholds): all of them is tried first.

The trial is a transaction that is rolled back, so what the last part refuses leaves nothing of the first behind.
What only the payment itself decides (error_if_incomplete) takes the inline prices with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction

from api.protocol.operation import Call
from catalog.discarding import discard_prices
from core.errors import OstinatoError
from engine.services.paying_first import PaymentOutcomeUnknown

Result = TypeVar("Result")
_LISTS = ("items", "add_invoice_items")


def is_made_of_parts(params: Mapping[str, Any]) -> bool:
    """Whether the request makes prices of its own or sets thresholds beside what it changes."""
    listed = [item for name in _LISTS for item in params.get(name) or ()]
    return "billing_thresholds" in params or any(
        "price_data" in item or "billing_thresholds" in item for item in listed
    )


def carried_out(call: Call, act: Callable[[], Result]) -> Result:
    """What `act` gives; when it is refused, the prices that the request made for itself go.

    Not where a payment's outcome is unknown: what was asked for may still come to be.
    """
    call.prices_made.clear()
    try:
        return act()
    except PaymentOutcomeUnknown:
        raise
    except OstinatoError:
        discard_prices(ctx=call.ctx, merchant_id=call.merchant_id, price_ids=call.prices_made)
        raise


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
