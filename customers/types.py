"""What the customers' rules and services take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict


class CustomerFields(TypedDict, total=False):
    """What a person may say about a customer; a field that is not sent keeps its value."""

    email: str
    name: str
    business_name: str
    individual_name: str
    description: str
    phone: str
    line1: str
    line2: str
    city: str
    state: str
    postal_code: str
    country: str
    preferred_locale: str
    preferred_locales: Sequence[str]
    tax_exempt: str
    shipping: Mapping[str, object] | None
    invoice_custom_fields: Sequence[Mapping[str, str]]
    invoice_footer: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TaxId:
    """A tax number by Stripe's type name: `TaxId("ca_qst", "1234567890TQ0001")`."""

    type: str
    value: str
    verification: str = ""


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
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreditGrantFacts:
    """A credit grant as spending sees it. `price_ids` empty: every metered price."""

    id: str
    customer_id: str
    currency: str
    balance: int
    effective_at: datetime
    created: datetime
    priority: int = 50
    expires_at: datetime | None = None
    category: str = "paid"
    price_ids: frozenset[str] = frozenset()
    name: str = ""


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """One line for a grant's ledger: below 0 when something of it is spent, expired or voided.

    `id` is given where something refers to the line; `at` where it is not the moment of the context.
    """

    credit_grant_id: str
    type: str
    amount: int
    invoice_id: str = ""
    invoice_line_id: str = ""
    id: str = ""
    at: datetime | None = None
