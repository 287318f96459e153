"""Quotes: what is offered, and what the planners make of it. Amounts are whole minor units, instants in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.types.requests import DiscountRequest, ItemRequest


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """A line that is offered. `line_id` keeps one that stands; blank is a new one."""

    item: ItemRequest
    line_id: str = ""


@dataclass(frozen=True, slots=True)
class QuoteChange:
    """What is said of a quote; None leaves a thing as it is. `columns` are `Quote`'s own by name.

    `lines` and `discounts` are the whole of them.
    """

    lines: tuple[QuoteLine, ...] | None = None
    discounts: tuple[DiscountRequest, ...] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SoldLine:
    """What a planned line comes to, for a quote's totals. `discounts` and `taxes` are as the quote keeps them."""

    price_id: str
    subtotal: int
    discount: int
    tax: int
    total: int
    discounts: tuple[Mapping[str, Any], ...] = ()
    taxes: tuple[Mapping[str, Any], ...] = ()
