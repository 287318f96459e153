"""What may be said of an invoice item, and of a line of a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from engine.types.requests import DiscountRequest


@dataclass(frozen=True, slots=True)
class InvoiceItemRequest:
    """Something to bill once: `amount`, or `unit_amount_decimal` times `quantity` (minor units), or a one-time price.

    A negative amount is a credit. `period` is (start, end), the moment of the request when None.
    """

    amount: int | None = None
    unit_amount_decimal: Decimal | None = None
    price_id: str = ""
    quantity: int = 1
    currency: str = ""
    description: str = ""
    period: tuple[datetime, datetime] | None = None
    discountable: bool | None = None  # None: unless it is a credit
    tax_rate_ids: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    discounts: tuple[DiscountRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceItemChange:
    """What to change of an item or a line; None leaves a thing as it is. `metadata` is merged, blank removes a key."""

    amount: int | None = None
    unit_amount_decimal: Decimal | None = None
    price_id: str | None = None
    quantity: int | None = None
    description: str | None = None
    period: tuple[datetime, datetime] | None = None
    discountable: bool | None = None
    tax_rate_ids: tuple[str, ...] | None = None
    metadata: Mapping[str, str] | None = None
    discounts: tuple[DiscountRequest, ...] | None = None

    @property
    def reprices(self) -> bool:
        """Whether it says what is owed."""
        asked = (self.amount, self.unit_amount_decimal, self.price_id, self.quantity)
        return any(value is not None for value in asked)
