"""What the invoice rules take and give: tax rates, what waits to be billed, planned lines and their totals.

Amounts are whole minor units, instants are aware and in UTC. References to rows that the plan creates are "#n"
(`subscriptions.types.new_ref`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from subscriptions.types import DiscountAmount, DiscountFacts, PlannedDebit, PlannedTax

__all__ = [
    "CreditAmount",
    "CustomerFacts",
    "DiscountAmount",
    "InvoiceFacts",
    "InvoiceTotals",
    "PendingItemFacts",
    "PlannedBalanceTransaction",
    "PlannedInvoice",
    "PlannedLine",
    "PlannedPendingItem",
    "PlannedTax",
    "TaxRateFacts",
    "TotalsDoNotAddUp",
]


class TotalsDoNotAddUp(ValueError):
    """The parts of an invoice's total do not make the total: a defect, never a user's fault."""


@dataclass(frozen=True, slots=True)
class TaxRateFacts:
    """A tax by hand: 9.975 means 9.975 %."""

    id: str
    display_name: str
    percentage: Decimal
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What billing needs of a customer. `balance` is Stripe's: negative is credit."""

    id: str
    balance: int = 0
    currency: str = ""
    tax_exempt: str = "none"  # none, exempt, reverse
    default_payment_method_id: str = ""
    locale: str = "en"  # the customer's, else the merchant's


@dataclass(frozen=True, slots=True)
class PendingItemFacts:
    """What is owed and waits for an invoice. `amount` is net of `discount_amounts` when these are given.

    `taxes` given: a credit that reuses the taxes of what it credits; None: to be worked out on the invoice.
    """

    id: str
    currency: str
    amount: int
    period_start: datetime
    period_end: datetime
    description: str = ""
    subscription_id: str = ""
    subscription_item_id: str = ""
    discount_amounts: tuple[DiscountAmount, ...] = ()
    discounts: tuple[DiscountFacts, ...] = ()  # its own, still to be taken
    quantity: int = 1
    unit_amount_decimal: Decimal | None = None
    price_id: str = ""
    product_id: str = ""
    proration: bool = False
    discountable: bool = True
    tax_rate_ids: tuple[str, ...] = ()
    taxes: tuple[PlannedTax, ...] | None = None
    billed_period_id: str = ""
    credited_billed_period_id: str = ""
    held_for_invoice_id: str = ""
    explanation: Mapping[str, object] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedPendingItem:
    """A pending item to write, the plan's "#n"; with the billed period it makes when it is a debit."""

    facts: PendingItemFacts  # its id is its own "#n", its billed_period_id is blank
    debit: PlannedDebit | None = None


@dataclass(frozen=True, slots=True)
class CreditAmount:
    """What one credit grant pays of one line, in minor units, before tax."""

    credit_grant_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A line to write; its position is its place in the invoice.

    `amount` is gross of `discount_amounts`. A line that bills a new period carries it as `debit`, and the billed
    period keeps this line's taxes. A line of a swept pending item names it (`invoice_item_id`, perhaps "#n") and
    the debit that item had made (`billed_period_id`): sweeping gives that debit its invoice and its taxes.
    `backed_out` is the inclusive tax that an exempt customer does not pay.
    """

    type: str  # subscription, invoiceitem
    description: str
    currency: str
    amount: int
    period_start: datetime
    period_end: datetime
    quantity: int = 1
    unit_amount_decimal: Decimal | None = None
    discounts: tuple[DiscountFacts, ...] = ()  # the line's own, taken before those of the invoice
    discount_amounts: tuple[DiscountAmount, ...] = ()
    credit_amounts: tuple[CreditAmount, ...] = ()
    taxes: tuple[PlannedTax, ...] = ()
    backed_out: int = 0
    price_id: str = ""
    product_id: str = ""
    subscription_id: str = ""
    subscription_item_id: str = ""
    invoice_item_id: str = ""
    billed_period_id: str = ""
    credited_billed_period_id: str = ""
    debit: PlannedDebit | None = None
    proration: bool = False
    discountable: bool = True
    tax_rate_ids: tuple[str, ...] = ()
    taxes_are_given: bool = False  # reused from a credited debit: no tax rule touches them
    explanation: Mapping[str, object] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def counts_money(self) -> bool:
        """Whether the quantity is an amount, in minor units, of which a percentage is taken."""
        return "percentage" in self.explanation

    @property
    def discount_amount(self) -> int:
        return sum(discount.amount for discount in self.discount_amounts)

    @property
    def net_of_discounts(self) -> int:
        return self.amount - self.discount_amount

    @property
    def credit_amount(self) -> int:
        return sum(credit.amount for credit in self.credit_amounts)

    @property
    def taxed_amount(self) -> int:
        """What tax is reckoned on, inclusive tax still inside."""
        return self.net_of_discounts - self.credit_amount


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """An invoice's amounts in the terms of its columns; cannot be built so that they do not add up.

    total = lines_gross - total_discount - credit_grants_applied - inclusive_tax_backed_out + exclusive_tax.
    Raises `TotalsDoNotAddUp`.
    """

    lines_gross: int
    total_discount: int
    inclusive_tax: int
    exclusive_tax: int
    total: int
    inclusive_tax_backed_out: int = 0
    credit_grants_applied: int = 0

    def __post_init__(self) -> None:
        net = self.lines_gross - self.total_discount - self.credit_grants_applied
        if self.total != net - self.inclusive_tax_backed_out + self.exclusive_tax:
            raise TotalsDoNotAddUp(repr(self))

    @property
    def draft_amount_due(self) -> int:
        """What a draft shows as due (and as remaining): the balance takes part at finalization only."""
        return max(self.total, 0)


@dataclass(frozen=True, slots=True)
class PlannedInvoice:
    """A draft to write. `finalize_now`: it is finalized in the same transaction, without the hour's grace."""

    merchant_id: str
    customer_id: str
    billing_entity_id: str
    subscription_id: str  # an id, "#0" for the subscription that the plan creates, blank for a one-off
    billing_reason: str
    collection_method: str
    currency: str
    period_start: datetime
    period_end: datetime
    lines: tuple[PlannedLine, ...]
    totals: InvoiceTotals
    tax_rounding: str
    locale: str
    automatically_finalizes_at: datetime | None = None
    next_action_at: datetime | None = None
    finalize_now: bool = False
    outcome: str = ""  # void, uncollectible: what becomes of it at once, while collection is paused
    auto_advance: bool = True
    default_payment_method_id: str = ""
    default_tax_rate_ids: tuple[str, ...] = ()
    description: str = ""
    test_clock_id: str | None = None
    subscription_metadata: Mapping[str, str] = field(default_factory=dict)  # the subscription's, as it was drafted


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """An invoice as finalization and the due rules see it."""

    id: str
    merchant_id: str
    customer_id: str
    billing_entity_id: str
    status: str
    billing_reason: str
    collection_method: str
    currency: str
    total: int
    subscription_id: str = ""
    auto_advance: bool = True
    automatically_finalizes_at: datetime | None = None
    next_payment_attempt: datetime | None = None
    due_date: datetime | None = None
    overdue_since: datetime | None = None
    default_payment_method_id: str = ""
    test_clock_id: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class PlannedBalanceTransaction:
    """A row of the balance ledger: `ending_balance` is the balance before it plus `amount`."""

    type: str  # applied_to_invoice, invoice_too_small
    amount: int
    ending_balance: int
