"""All that a planner may know: facts read once, in a fixed number of queries per chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.types.usage import UsageFacts
from invoicing.types import (
    CustomerFacts,
    InvoiceFacts,
    PendingItemFacts,
    TaxRateFacts,
)
from subscriptions.types import (
    CouponFacts,
    DebitFacts,
    DiscountFacts,
    PriceFacts,
    PromotionCodeFacts,
    SubscriptionFacts,
)


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
    usage: UsageFacts = field(default_factory=UsageFacts)


@dataclass(frozen=True, slots=True)
class SubscribeSnapshot:
    """What a new subscription depends on. `coupons` holds those asked for and the promotion codes'.

    `promotion_code` is the one that was typed, `reusable` are the customer's discounts, by id.
    """

    customer: CustomerFacts
    settings: BillingSettings
    billing_entity_id: str
    timezone: str
    prices: Mapping[str, PriceFacts]
    coupons: Mapping[str, CouponFacts] = field(default_factory=dict)
    promotion_code: PromotionCodeFacts | None = None
    promotion_codes: Mapping[str, PromotionCodeFacts] = field(default_factory=dict)
    reusable: Mapping[str, DiscountFacts] = field(default_factory=dict)
    has_paid: bool = False  # looked up only where a promotion code is asked for
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
    promotion_codes: Mapping[str, PromotionCodeFacts] = field(default_factory=dict)
    reusable: Mapping[str, DiscountFacts] = field(default_factory=dict)
    has_paid: bool = False


@dataclass(frozen=True, slots=True)
class ManualInvoiceSnapshot:
    """A one-off invoice: the customer's pending items and how it is to be collected.

    With `subscription_id` it is that subscription's, though its cycle knows nothing of it. `finalizes_at` replaces
    the merchant's grace; `finalize_now` has none.
    """

    merchant_id: str
    billing_entity_id: str
    customer: CustomerFacts
    settings: BillingSettings
    currency: str
    pending_items: tuple[PendingItemFacts, ...]
    subscription_id: str = ""
    may_be_empty: bool = False
    finalizes_at: datetime | None = None
    finalize_now: bool = False
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
