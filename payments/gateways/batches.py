"""A batch as so many calls side by side: what a gateway over a network does with one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

from payments.gateways.base import GatewayRefused
from payments.types import Unknown

logger = logging.getLogger(__name__)
T = TypeVar("T")
Item = TypeVar("Item")


def side_by_side(batch: Sequence[Item], call: Callable[[Item], T], *, width: int) -> list[T | Unknown | GatewayRefused]:
    """`call` for each of the batch, at most `width` at once: answers in order, what one raises in its place."""

    def answer(item: Item) -> T | Unknown | GatewayRefused:
        try:
            return call(item)
        except GatewayRefused as refused:
            return refused
        except Exception:
            # A defect of the adapter, or the network's: whatever it was, money may have moved.
            logger.exception("a gateway call failed")
            return Unknown("error")

    def in_thread(item: Item) -> T | Unknown | GatewayRefused:
        try:
            return answer(item)
        finally:
            connection.close()

    if width <= 1 or len(batch) <= 1:
        return [answer(item) for item in batch]
    with ThreadPoolExecutor(max_workers=min(width, len(batch))) as pool:
        return list(pool.map(in_thread, batch))
