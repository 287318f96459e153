"""Something sold once, by itself: what is on its invoice and how that is collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.types.invoices import NO_TEXTS, InvoiceTexts
from engine.types.requests import DiscountRequest, ItemRequest


@dataclass(frozen=True, slots=True)
class Sale:
    """One-time prices on an invoice of their own; nothing else that the customer has pending is on it.

    `discounts` are the whole stack; None takes the customer's own. `finalize_now` leaves the merchant's grace out.
    """

    merchant_id: str
    customer_id: str
    items: tuple[ItemRequest, ...]
    currency: str = ""
    discounts: tuple[DiscountRequest, ...] | None = None
    default_tax_rate_ids: tuple[str, ...] = ()
    collection_method: str = "charge_automatically"
    due_date: datetime | None = None
    finalize_now: bool = False
    charge: bool = True  # collected by itself; else it waits, open, for somebody who pays it
    off_session: bool = True
    description: str = ""
    texts: InvoiceTexts = NO_TEXTS
    metadata: Mapping[str, str] = field(default_factory=dict)
