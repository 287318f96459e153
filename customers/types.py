"""What the customers' rules and services take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict


class CustomerFields(TypedDict, total=False):
    """What a person may say about a customer; a field that is not sent keeps its value."""

    email: str
    name: str
    description: str
    phone: str
    line1: str
    line2: str
    city: str
    state: str
    postal_code: str
    country: str
    preferred_locale: str
    tax_exempt: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TaxId:
    """A tax number by Stripe's type name: `TaxId("ca_qst", "1234567890TQ0001")`."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class BalanceEntry:
    """One line for a customer's balance ledger: a negative `amount` gives credit."""

    customer_id: str
    amount: int
    currency: str
    type: str = "adjustment"
    description: str = ""
    invoice_id: str = ""
    credit_note_id: str = ""
