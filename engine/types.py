"""What the engine's use cases take and give: requests, results, snapshots, and plans as rows to write.

A plan is finished: the writer makes ids, puts them in the place of the references "#n"
(`subscriptions.types.new_ref`), and writes. Amounts are whole minor units, instants aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import OstinatoError
from invoicing.types import (
    CustomerFacts,
    InvoiceFacts,
    PendingItemFacts,
    PlannedBalanceTransaction,
    PlannedInvoice,
    PlannedPendingItem,
    TaxRateFacts,
)
from subscriptions.types import (
    CouponFacts,
    DebitClosing,
    DebitFacts,
    DiscountFacts,
    DiscountMove,
    DiscountUse,
    ItemAdvance,
    ItemUpdate,
    NewDiscount,
    NewItem,
    PriceFacts,
    PromotionCodeFacts,
    SubscriptionFacts,
    SubscriptionState,
)

# --- Requests and results --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ItemRequest:
    """A price to subscribe to."""

    price_id: str
    quantity: int = 1
    tax_rate_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """A new subscription. `trial_end` wins over `trial_period_days`, that over the price's own trial days."""

    merchant_id: str
    customer_id: str
    items: tuple[ItemRequest, ...]
    coupon_ids: tuple[str, ...] = ()
    promotion_code: str = ""
    trial_period_days: int | None = None
    trial_end: datetime | None = None
    collection_method: str = "charge_automatically"
    days_until_due: int | None = None
    default_payment_method_id: str = ""
    default_tax_rate_ids: tuple[str, ...] = ()
    billing_cycle_anchor: datetime | None = None
    payment_behavior: str = "allow_incomplete"
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    off_session: bool = False
    proration_behavior: str = "create_prorations"  # none: the stub before the anchor is free
    trial_missing_payment_method: str = "create_invoice"  # create_invoice, cancel, pause
    add_invoice_items: tuple[ItemRequest, ...] = ()  # one-time prices, on the first invoice only


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """How collecting an invoice went.

    `status`: succeeded, declined, requires_action, processing, unknown, not_needed, no_payment_method.
    """

    invoice_id: str
    payment_intent_id: str
    charge_id: str
    status: str
    failure_code: str = ""
    decline_code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class SubscribeResult:
    subscription_id: str
    status: str
    invoice_id: str
    payment: PaymentOutcome | None


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One item's change: `item_id` of an existing one, or only `price_id` to add one.

    Another price resets the quantity to 1 unless `quantity` is sent.
    """

    item_id: str = ""
    price_id: str = ""
    quantity: int | None = None
    deleted: bool = False
    tax_rate_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A change of a running subscription. `coupon_ids` None leaves the discounts, () removes them."""

    merchant_id: str
    subscription_id: str
    items: tuple[ItemChange, ...]
    proration_behavior: str = "create_prorations"  # create_prorations, always_invoice, none
    proration_date: datetime | None = None
    coupon_ids: tuple[str, ...] | None = None
    payment_behavior: str = "allow_incomplete"


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """The end of a subscription, now."""

    merchant_id: str
    subscription_id: str
    prorate: bool = False
    invoice_now: bool = False
    reason: str = "cancellation_requested"
    feedback: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleCancelRequest:
    """The end of a subscription, later: at the earliest item's period end, or at `cancel_at`."""

    merchant_id: str
    subscription_id: str
    at_period_end: bool = True
    cancel_at: datetime | None = None
    proration_behavior: str = "create_prorations"  # none: what is billed beyond `cancel_at` is kept
    reason: str = "cancellation_requested"
    feedback: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ChangeResult:
    subscription_id: str
    invoice_id: str
    payment: PaymentOutcome | None


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """`amount` is gross of `discount_amount`; `tax` counts inclusive and exclusive tax."""

    description: str
    amount: int
    discount_amount: int
    tax: int
    quantity: int
    period_start: datetime
    period_end: datetime
    proration: bool


@dataclass(frozen=True, slots=True)
class InvoicePreview:
    """An invoice that nobody wrote. `amount_due` is after the balance and the minimum charge."""

    lines: tuple[PreviewLine, ...]
    subtotal: int
    discount: int
    tax: int
    total: int
    amount_due: int
    currency: str
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """`due_now` is what the change would charge at once; `next_invoice` is None when none will come."""

    prorations: tuple[PreviewLine, ...]
    due_now: int
    next_invoice: InvoicePreview | None
    currency: str
    invoice_now: InvoicePreview | None = None
    next_invoice_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    refund_id: str
    status: str
    amount: int
    failure_code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What a visitor of a payment link filled in. `instrument` is a gateway's token such as "pm_card_visa"."""

    email: str
    instrument: str
    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    promotion_code: str = ""
    quantities: Mapping[str, int] = field(default_factory=dict)  # by price id, when the link lets them be changed


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    session_id: str
    status: str
    customer_id: str
    subscription_id: str
    invoice_id: str
    payment: PaymentOutcome | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run did."""

    chunks: int = 0
    done: int = 0
    refused: int = 0
    more: bool = False


# --- Snapshots: all that a planner may know ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BillingSettings:
    """The merchant's own rules."""

    finalization_grace_seconds: int = 3600
    default_days_until_due: int = 30
    tax_rounding: str = "per_invoice"  # per_invoice, per_line
    unpaid_proration: str = "bill"  # bill, defer
    proration_discounts: str = "itemized"  # itemized, included
    minimum_charges: Mapping[str, int] = field(default_factory=dict)  # by currency, minor units


@dataclass(frozen=True, slots=True)
class RenewalSnapshot:
    """One subscription with all that its next invoice depends on.

    `discounts` are the subscription's live ones, `customer_discounts` count only when there are none.
    `pending_items` are those of the subscription and the customer's without one, in its currency and not held.
    """

    subscription: SubscriptionFacts
    customer: CustomerFacts
    settings: BillingSettings
    discounts: tuple[DiscountFacts, ...] = ()
    customer_discounts: tuple[DiscountFacts, ...] = ()
    pending_items: tuple[PendingItemFacts, ...] = ()
    tax_rates: Mapping[str, TaxRateFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubscribeSnapshot:
    """What a new subscription depends on. `coupons` holds those asked for and the promotion code's."""

    customer: CustomerFacts
    settings: BillingSettings
    billing_entity_id: str
    timezone: str
    prices: Mapping[str, PriceFacts]
    coupons: Mapping[str, CouponFacts] = field(default_factory=dict)
    promotion_code: PromotionCodeFacts | None = None
    customer_discounts: tuple[DiscountFacts, ...] = ()
    pending_items: tuple[PendingItemFacts, ...] = ()
    tax_rates: Mapping[str, TaxRateFacts] = field(default_factory=dict)
    test_clock_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSnapshot:
    """A renewal's snapshot with the standing debits, and the prices and coupons that the change asks for.

    `debits` are the subscription's billed periods in advance that end after now and are not credited, or only from
    the change's own instant on or later (reversed ones among them): a scheduled end is still to come, and what was
    credited this very instant may be put back. Those of voided invoices are left out.
    """

    renewal: RenewalSnapshot
    debits: tuple[DebitFacts, ...] = ()
    prices: Mapping[str, PriceFacts] = field(default_factory=dict)
    coupons: Mapping[str, CouponFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ManualInvoiceSnapshot:
    """A one-off invoice: the customer's pending items and how it is to be collected."""

    merchant_id: str
    billing_entity_id: str
    customer: CustomerFacts
    settings: BillingSettings
    currency: str
    pending_items: tuple[PendingItemFacts, ...]
    collection_method: str = "charge_automatically"
    auto_advance: bool = True
    default_payment_method_id: str = ""
    default_tax_rate_ids: tuple[str, ...] = ()
    discounts: tuple[DiscountFacts, ...] = ()
    tax_rates: Mapping[str, TaxRateFacts] = field(default_factory=dict)
    description: str = ""
    test_clock_id: str | None = None


@dataclass(frozen=True, slots=True)
class FinalizationSnapshot:
    """A draft with what finalization needs. `days_until_due` is the subscription's, else the merchant's."""

    invoice: InvoiceFacts
    customer: CustomerFacts
    settings: BillingSettings
    days_until_due: int | None = None
    subscription_payment_method_id: str = ""
    subscription_status: str = ""
    seller_snapshot: Mapping[str, object] = field(default_factory=dict)
    customer_snapshot: Mapping[str, object] = field(default_factory=dict)


# --- Plans: rows to write ---------------------------------------------------------------------------------------


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
    default_tax_rate_ids: tuple[str, ...]
    description: str
    metadata: Mapping[str, str]
    test_clock_id: str | None


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
