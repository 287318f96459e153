"""What the subscription rules take and give: frozen facts about prices, coupons, items and what was billed.

Amounts are whole minor units, instants are aware and in UTC, periods are half-open. A reference to a row that a
plan is only about to create is "#" and its place in the plan's tuple of such rows (`new_ref`): the writer makes
the id and puts it in the place of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.periods import Interval
from subscriptions.discount_types import (
    CouponFacts,
    DiscountAmount,
    DiscountFacts,
    DiscountMove,
    DiscountUse,
    NewDiscount,
    PromotionCodeFacts,
)

__all__ = [
    "TERMINAL_STATUSES",
    "BilledUsage",
    "CouponFacts",
    "CurrencyOptionFacts",
    "DebitClosing",
    "DebitFacts",
    "DiscountAmount",
    "DiscountFacts",
    "DiscountMove",
    "DiscountUse",
    "ItemAdvance",
    "ItemFacts",
    "ItemUpdate",
    "NewDiscount",
    "NewItem",
    "PackageFacts",
    "PlannedDebit",
    "PlannedTax",
    "PriceFacts",
    "PriceLeft",
    "PromotionCodeFacts",
    "SubscriptionFacts",
    "SubscriptionState",
    "TierFacts",
    "UsageSpan",
    "is_new_ref",
    "new_ref",
]

TERMINAL_STATUSES = frozenset({"canceled", "incomplete_expired"})


def new_ref(position: int) -> str:
    """The reference to row number `position` of those the plan creates: "#0", "#1", …"""
    return f"#{position}"


def is_new_ref(reference: str) -> bool:
    """Whether `reference` names a row of the plan itself and not one in the database."""
    return reference.startswith("#")


@dataclass(frozen=True, slots=True)
class TierFacts:
    """Up to and with `up_to` units (None: without end), each at `unit_amount_decimal`, plus the flat amount once."""

    up_to: int | None
    unit_amount_decimal: Decimal = Decimal(0)
    flat_amount_decimal: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """Stripe's transform_quantity: units are billed by the `divide_by`, a partial package rounded up or down."""

    divide_by: int
    round: str


@dataclass(frozen=True, slots=True)
class CurrencyOptionFacts:
    """What a price costs in another currency."""

    currency: str
    unit_amount_decimal: Decimal = Decimal(0)
    tiers: tuple[TierFacts, ...] = ()
    minimum_amount: int | None = None
    tax_behavior: str = "unspecified"


@dataclass(frozen=True, slots=True)
class PriceFacts:
    """A price and what lines say of its product. `interval` is None for a one-time price.

    A metered price bills the usage that its meter counts; with a `percentage` that usage is an amount in minor units.
    `components` are a bundle's (product name, quantity).
    """

    id: str
    product_id: str
    product_name: str
    currency: str
    unit_amount_decimal: Decimal  # minor units, up to 12 decimals
    interval: Interval | None = None
    nickname: str = ""
    unit_label: str = ""
    billing_scheme: str = "per_unit"
    usage_type: str = "licensed"
    trial_period_days: int | None = None
    cycle_day: int | None = None  # day of the month 1-31, or of the week 1-7, by the interval
    tax_behavior: str = "unspecified"
    active: bool = True
    tiers_mode: str = ""  # graduated, volume
    tiers: tuple[TierFacts, ...] = ()
    package: PackageFacts | None = None
    percentage: Decimal | None = None
    minimum_amount: int | None = None
    meter_id: str = ""
    currency_options: tuple[CurrencyOptionFacts, ...] = ()
    components: tuple[tuple[str, int], ...] = ()

    @property
    def is_metered(self) -> bool:
        return self.usage_type == "metered"


@dataclass(frozen=True, slots=True)
class PlannedTax:
    """One rate's tax on one line. `taxable_amount` is the line's net without any tax.

    `taxability_reason`: standard_rated, customer_exempt, reverse_charge. Under the last two `amount` is 0.
    """

    tax_rate_id: str
    display_name: str
    percentage: Decimal
    inclusive: bool
    taxable_amount: int
    amount: int
    taxability_reason: str = "standard_rated"


@dataclass(frozen=True, slots=True)
class UsageSpan:
    """Which usage a billed period charges: used in [start, end), reported in [reported_from, reported_until).

    A test clock stands still between calls: what was reported at the very instant of a boundary goes by the wall time
    of both, `recorded_from` and `recorded_until`.
    """

    meter_id: str
    start: datetime
    end: datetime
    reported_from: datetime | None = None
    reported_until: datetime | None = None
    recorded_from: datetime | None = None
    recorded_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriceLeft:
    """A price that an item had until `at` (written down at `recorded_at`): what was reported by then keeps it."""

    price: PriceFacts
    sequence: int
    at: datetime
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BilledUsage:
    """Usage that was billed, on voided invoices too: voiding never bills again. Amounts before discounts."""

    subscription_item_id: str
    kind: str  # arrears, late
    start: datetime
    end: datetime
    sequence: int
    price: PriceFacts
    quantity: int
    gross_amount: int
    span: UsageSpan


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One price on a subscription with its own current period. `sequence` is bumped by changes and thresholds only.

    `prices_left` are those it had before, where it or the price after it was metered, the oldest first.
    """

    id: str
    price: PriceFacts
    quantity: int
    current_period_start: datetime
    current_period_end: datetime
    sequence: int = 0
    tax_rate_ids: tuple[str, ...] = ()
    prices_left: tuple[PriceLeft, ...] = ()
    billing_threshold_usage: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DebitFacts:
    """A billed period that still stands: what a credit refers to.

    `gross_amount` and `amount` (net of discounts) are as the line shows them: inclusive tax is inside, exclusive
    tax is not. `invoice_id` is blank while a pending item holds the debit: its taxes are then that item's, None
    while they are not worked out yet, and `tax_rate_ids` says what they will be.
    """

    id: str
    subscription_item_id: str
    kind: str  # advance, arrears, late
    start: datetime
    end: datetime
    sequence: int
    price: PriceFacts
    quantity: int
    gross_amount: int
    amount: int
    taxes: tuple[PlannedTax, ...] | None = ()
    invoice_id: str = ""
    invoice_status: str = ""
    invoice_item_id: str = ""
    tax_rate_ids: tuple[str, ...] = ()
    discount_amounts: tuple[DiscountAmount, ...] = ()  # of the line that shows it, when it was loaded
    credited_from: datetime | None = None
    share_of: DebitFacts | None = None  # whose end it charges again: shares of that one telescope without a rounding


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """A running agreement with its live items."""

    id: str
    merchant_id: str
    customer_id: str
    billing_entity_id: str
    status: str
    currency: str
    billing_cycle_anchor: datetime
    start_date: datetime
    items: tuple[ItemFacts, ...]
    collection_method: str = "charge_automatically"
    timezone: str = "UTC"
    anchor_day_of_month: int | None = None  # core.periods' day_of_month: the day meant when the anchor was clamped
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    trial_missing_payment_method: str = "create_invoice"  # create_invoice, cancel, pause
    trial_will_end_sent_at: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    cancellation_reason: str = ""
    cancellation_feedback: str = ""
    cancellation_comment: str = ""
    days_until_due: int | None = None
    billing_threshold_amount: int | None = None  # minor units of usage that are invoiced early
    billing_threshold_resets_anchor: bool = False
    default_payment_method_id: str = ""
    save_default_payment_method: str = "off"  # off, on_subscription
    default_tax_rate_ids: tuple[str, ...] = ()
    latest_invoice_id: str = ""
    incomplete_expires_at: datetime | None = None
    pause_behavior: str = ""  # void, keep_as_draft, mark_uncollectible; blank: collection is not paused
    pause_resumes_at: datetime | None = None
    pending_update_expires_at: datetime | None = None
    next_action_at: datetime | None = None
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    test_clock_id: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class PlannedDebit:
    """A billed period to write. Its taxes are those of the line that shows it, none while it is pending."""

    subscription_item_id: str  # an id, or "#n" of the plan's new items
    kind: str
    start: datetime
    end: datetime
    sequence: int
    price_id: str
    quantity: int
    currency: str
    gross_amount: int
    amount: int
    span: UsageSpan | None = None  # of a period in arrears
    credited_from: datetime | None = None  # known from the start: an end that was scheduled before
    share_of: str = ""  # the billed period whose end it charges again


@dataclass(frozen=True, slots=True)
class DebitClosing:
    """A billed period that is credited: closed at `credited_from`, reversed when that is its own start."""

    billed_period_id: str
    credited_from: datetime
    reversed: bool


@dataclass(frozen=True, slots=True)
class ItemAdvance:
    """An item's new current period."""

    item_id: str
    current_period_start: datetime
    current_period_end: datetime
    metered: bool = False


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to create; the plan calls it "#n"."""

    price_id: str
    quantity: int
    current_period_start: datetime
    current_period_end: datetime
    tax_rate_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemUpdate:
    """All that a change may alter on an existing item."""

    item_id: str
    price_id: str
    quantity: int
    current_period_start: datetime
    current_period_end: datetime
    sequence: int
    prices_left: tuple[PriceLeft, ...] = ()
    tax_rate_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """The subscription's columns that planning may move, as they are to be written."""

    status: str
    next_action_at: datetime | None
    billing_cycle_anchor: datetime
    anchor_day_of_month: int | None = None
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    trial_will_end_sent_at: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    cancellation_reason: str = ""
    cancellation_feedback: str = ""
    cancellation_comment: str = ""
    incomplete_expires_at: datetime | None = None
    pause_behavior: str = ""
    pause_resumes_at: datetime | None = None
    pending_update_expires_at: datetime | None = None
