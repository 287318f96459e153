"""What an export says once it is read: products with their prices, and what is wrong with which cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from core.errors import OstinatoError


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a shop's prices, which have no rhythm of their own, become prices that bill."""

    currency: str
    interval: str = "month"
    interval_count: int = 1
    one_time: bool = False
    use_sale_price: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One cell, row or column that cannot be taken. `message_id` % `params` is the English sentence."""

    line: int
    column: str
    value: str
    message_id: str
    params: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, error: OstinatoError, *, line: int, column: str, value: str) -> Problem:
        return cls(line, column, value[:80], error.message_id, error.params)

    @property
    def message(self) -> str:
        return self.message_id % self.params


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person should know about a row that was taken."""

    line: int
    message_id: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return self.message_id % self.params


@dataclass(frozen=True, slots=True)
class ImportedPrice:
    """One price. What cannot change on a price is `money`; the rest can."""

    external_id: str
    line: int
    unit_amount: Decimal  # minor units
    currency: str
    type: str
    interval: str
    interval_count: int | None
    trial_period_days: int | None
    nickname: str
    active: bool
    sku: str
    stock_quantity: int | None

    @property
    def money(self) -> tuple[object, ...]:
        return (
            self.unit_amount,
            self.currency,
            self.type,
            self.interval,
            self.interval_count,
            self.trial_period_days,
        )


@dataclass(frozen=True, slots=True)
class ImportedProduct:
    """One product with its prices: one for a simple product, one for each variation of a variable one."""

    external_id: str
    line: int
    name: str
    description: str
    active: bool
    images: tuple[str, ...]
    url: str
    sku: str
    stock_quantity: int | None
    metadata: Mapping[str, str]
    prices: tuple[ImportedPrice, ...]


@dataclass(frozen=True, slots=True)
class ParsedExport:
    """A whole file. Nothing may be written while there are `problems`."""

    rows: int
    products: tuple[ImportedProduct, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Note, ...]
