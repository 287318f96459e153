"""Plans: finished rows to write.

The writer makes ids, puts them in the place of the references "#n" (`subscriptions.types.new_ref`), and writes.
Amounts are whole minor units, instants aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import OstinatoError
from invoicing.types import (
    PlannedBalanceTransaction,
    PlannedInvoice,
    PlannedPendingItem,
)
from subscriptions.types import (
    DebitClosing,
    DiscountMove,
    DiscountUse,
    ItemAdvance,
    ItemUpdate,
    NewDiscount,
    NewItem,
    SubscriptionState,
)


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """A business fact. `object_ref` is an id, or "#n" of the plan's rows of that type."""

    type: str
    object_type: str  # subscription, invoice, invoiceitem, discount, customer
    object_ref: str
    previous_attributes: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class RefusedPlan:
    """A plan that was not made, and why. `message_id` % `params` is the English sentence."""

    object_id: str
    merchant_id: str
    code: str
    message_id: str
    params: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, error: OstinatoError, *, object_id: str, merchant_id: str) -> RefusedPlan:
        return cls(object_id, merchant_id, error.code, error.message_id, error.params)


@dataclass(frozen=True, slots=True)
class RenewalPlan:
    """What the run writes for one subscription: one invoice for each due moment that was reached, oldest first.

    The subscription's latest invoice becomes the last of `invoices`. `version` is the one the snapshot saw.
    """

    subscription_id: str
    merchant_id: str
    customer_id: str
    version: int
    invoices: tuple[PlannedInvoice, ...]
    item_advances: tuple[ItemAdvance, ...]
    discounts_used: tuple[DiscountUse, ...]
    state: SubscriptionState
    events: tuple[PlannedEvent, ...]
    void_latest_invoice: bool = False  # an incomplete subscription expired: its first invoice is voided
    void_pending_update: bool = False  # a change was not paid in its time: its invoice is voided


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """The columns of a subscription to create, beside `state`."""

    merchant_id: str
    customer_id: str
    billing_entity_id: str
    currency: str
    collection_method: str
    timezone: str
    start_date: datetime
    trial_start: datetime | None
    trial_end: datetime | None
    trial_missing_payment_method: str
    days_until_due: int | None
    default_payment_method_id: str
    save_default_payment_method: str
    default_tax_rate_ids: tuple[str, ...]
    description: str
    metadata: Mapping[str, str]
    test_clock_id: str | None
    billing_cycle_anchor_config: Mapping[str, int | None] | None = None


@dataclass(frozen=True, slots=True)
class SubscribePlan:
    """A subscription ("#0"), its items and discounts ("#n" each), and its first invoice if there is one.

    `state.status` is the one before the payment: incomplete while the first invoice waits to be paid.
    """

    subscription: NewSubscription
    state: SubscriptionState
    items: tuple[NewItem, ...]
    discounts: tuple[NewDiscount, ...]
    invoices: tuple[PlannedInvoice, ...]
    discounts_used: tuple[DiscountUse, ...]
    events: tuple[PlannedEvent, ...]


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """What a change or an immediate cancellation writes.

    `pending_items` are written as invoice items; those that a line of `invoices` names ("#n") are on that
    invoice at once. `stop_invoices`: the subscription's draft and open invoices stop advancing.
    """

    subscription_id: str
    merchant_id: str
    customer_id: str
    version: int
    as_of: datetime
    state: SubscriptionState
    items_updated: tuple[ItemUpdate, ...] = ()
    items_added: tuple[NewItem, ...] = ()
    items_deleted: tuple[str, ...] = ()
    debit_closings: tuple[DebitClosing, ...] = ()
    pending_items: tuple[PlannedPendingItem, ...] = ()
    discounts_added: tuple[NewDiscount, ...] = ()
    discounts_moved: tuple[DiscountMove, ...] = ()
    discounts_removed: tuple[str, ...] = ()
    invoices: tuple[PlannedInvoice, ...] = ()
    discounts_used: tuple[DiscountUse, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)  # columns of the subscription beside its state
    item_metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by item or "#n": to be merged
    stop_invoices: bool = False
    events: tuple[PlannedEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class FinalizationPlan:
    """A draft made open or paid. `balance_applied` is also by how much the customer's balance moves.

    `payment_method_id` is what will be charged, blank when there is none or nothing is due.
    """

    invoice_id: str
    merchant_id: str
    customer_id: str
    subscription_id: str
    version: int
    status: str  # open, paid
    finalized_at: datetime
    starting_balance: int
    balance_applied: int
    amount_due: int
    amount_remaining: int
    due_date: datetime | None
    next_payment_attempt: datetime | None
    next_action_at: datetime | None
    paid_at: datetime | None
    payment_method_id: str
    balance_transactions: tuple[PlannedBalanceTransaction, ...]
    seller_snapshot: Mapping[str, object]
    customer_snapshot: Mapping[str, object]
    events: tuple[PlannedEvent, ...]
