"""Finished values for pages: lines, taxes and totals of an invoice, whether it is written or only planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from core.money_format import reader_locale
from invoicing.models import Invoice, InvoiceLine
from invoicing.rules.balance import Settlement
from invoicing.types import PlannedInvoice


@dataclass(frozen=True, slots=True)
class LineRow:
    description: str
    quantity: int
    amount: int
    period_start: datetime | None = None
    period_end: datetime | None = None
    counts_money: bool = False  # the quantity is an amount of which a percentage is taken


@dataclass(frozen=True, slots=True)
class TaxRow:
    """One rate over the whole invoice."""

    display_name: str
    percentage: Decimal
    inclusive: bool
    amount: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands on a page about an invoice. `amount_due` is after the customer's balance."""

    currency: str
    lines: tuple[LineRow, ...]
    subtotal: int
    discount: int
    taxes: tuple[TaxRow, ...]
    total: int
    amount_due: int
    balance_applied: int = 0
    amount_paid: int = 0
    credits: int = 0  # of grants, before tax

    @property
    def is_more_than_lines(self) -> bool:
        """Whether the subtotal says anything that the total does not."""
        return bool(self.discount or self.credits or self.taxes or self.balance_applied)


class _Tax(Protocol):
    @property
    def display_name(self) -> str: ...
    @property
    def percentage(self) -> Decimal: ...
    @property
    def inclusive(self) -> bool: ...
    @property
    def amount(self) -> int: ...


def _line_row(line: Any, start: datetime | None = None, end: datetime | None = None) -> LineRow:
    return LineRow(line.description, line.quantity, line.amount, start, end, line.counts_money)


def planned_summary(planned: PlannedInvoice, settlement: Settlement | None = None) -> Summary:
    """A planned invoice; before the balance where no settlement is given, as for a new customer."""
    return Summary(
        currency=planned.currency,
        lines=tuple(_line_row(line) for line in planned.lines),
        subtotal=planned.totals.lines_gross,
        discount=planned.totals.total_discount,
        taxes=_by_rate(tax for line in planned.lines for tax in line.taxes),
        total=planned.totals.total,
        amount_due=settlement.amount_due if settlement else planned.totals.draft_amount_due,
        balance_applied=settlement.balance_applied if settlement else 0,
        credits=planned.totals.credit_grants_applied,
    )


def invoice_summary(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Summary:
    """An invoice as it is kept; `lines` come with their taxes."""
    return Summary(
        currency=invoice.currency,
        lines=tuple(_line_row(line, line.period_start, line.period_end) for line in lines),
        subtotal=invoice.lines_gross,
        discount=invoice.total_discount,
        taxes=_by_rate(tax for line in lines for tax in line.taxes.all()),
        total=invoice.total,
        amount_due=invoice.amount_remaining,
        balance_applied=invoice.balance_applied,
        amount_paid=invoice.amount_paid,
        credits=invoice.credit_grants_applied,
    )


def party_lines(snapshot: Mapping[str, Any], locale: str) -> list[str]:
    """Seller or buyer as frozen on the invoice: name and address, the country in the reader's words."""
    address = snapshot.get("address") or {}
    country = str(address.get("country") or "")
    place = " ".join(part for part in (address.get("city"), address.get("state"), address.get("postal_code")) if part)
    lines = [
        snapshot.get("legal_name") or snapshot.get("name") or snapshot.get("email"),
        address.get("line1"),
        address.get("line2"),
        place,
        reader_locale(locale).territories.get(country, country),
    ]
    return [str(line) for line in lines if line]


def _by_rate(taxes: Iterable[_Tax]) -> tuple[TaxRow, ...]:
    amounts: dict[tuple[str, Decimal, bool], int] = {}
    for tax in taxes:
        rate = (tax.display_name, tax.percentage, tax.inclusive)
        amounts[rate] = amounts.get(rate, 0) + tax.amount
    return tuple(TaxRow(*rate, amount) for rate, amount in amounts.items())
