"""What the engine's use cases are asked and what they answer. Amounts are whole minor units, instants in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.periods import AnchorConfig
from invoicing.types import PlannedInvoice


@dataclass(frozen=True, slots=True)
class DiscountRequest:
    """A discount that is asked for, by one of: our coupon id, a promotion code's id, a standing discount to keep.

    `param` is where the caller wrote it ("discounts[0]"), for refusals.
    """

    coupon_id: str = ""
    promotion_code_id: str = ""
    discount_id: str = ""
    param: str = ""

    @property
    def kind(self) -> str:
        """By which of the three it is asked for; blank for none."""
        kinds = {
            "discount": self.discount_id,
            "promotion_code": self.promotion_code_id,
            "coupon": self.coupon_id,
        }
        return next((kind for kind, given in kinds.items() if given), "")


@dataclass(frozen=True, slots=True)
class ItemRequest:
    """A price to subscribe to, or to bill once: then it may say that no discount but its own applies to it."""

    price_id: str
    quantity: int = 1
    tax_rate_ids: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    discounts: tuple[DiscountRequest, ...] = ()
    discountable: bool = True


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """A new subscription. `trial_end` wins over `trial_period_days`, that over the price's own trial days.

    `discounts` are the whole stack; without them it is the coupons, then what was typed as `promotion_code`.
    """

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
    save_default_payment_method: str = "off"  # on_subscription: what pays becomes the subscription's default
    default_tax_rate_ids: tuple[str, ...] = ()
    billing_cycle_anchor: datetime | None = None
    billing_cycle_anchor_config: AnchorConfig | None = None
    backdate_start_date: datetime | None = None
    cancel_at: datetime | str | None = None  # an instant, min_period_end or max_period_end
    cancel_at_period_end: bool = False
    payment_behavior: str = "allow_incomplete"
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    off_session: bool = False
    proration_behavior: str = "create_prorations"  # none: the stub before the anchor is free
    trial_missing_payment_method: str = "create_invoice"  # create_invoice, cancel, pause
    add_invoice_items: tuple[ItemRequest, ...] = ()  # one-time prices, on the first invoice only
    with_setup: bool = False  # nothing to pay and nothing to pay with: a setup intent is made beside it
    currency: str = ""  # of prices that are sold in several; else the customer's where all are sold in it
    discounts: tuple[DiscountRequest, ...] | None = None

    @property
    def discounts_asked(self) -> list[DiscountRequest]:
        """All discounts that the request names, wherever they are for."""
        return _discounts_asked(self.coupon_ids, self.discounts, self.items, self.add_invoice_items)


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """How collecting an invoice, or a payment for itself, went.

    `status`: succeeded, authorized, declined, requires_action, processing, unknown, not_needed, no_payment_method.
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

    Another price resets the quantity to 1 unless `quantity` is sent. `tax_rate_ids` and `discounts`: None leaves
    them, () removes them.
    """

    item_id: str = ""
    price_id: str = ""
    quantity: int | None = None
    deleted: bool = False
    tax_rate_ids: tuple[str, ...] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)  # merged; a blank value removes its key
    discounts: tuple[DiscountRequest, ...] | None = None


@dataclass(frozen=True, slots=True)
class PauseCollection:
    """Stripe's `pause_collection`; a blank `behavior` ends the pause."""

    behavior: str = ""  # void, keep_as_draft, mark_uncollectible
    resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A change of a subscription. None leaves a thing as it is; `discounts` or `coupon_ids` () removes all discounts.

    `trial_end`: an instant, or "now" to end the trial. `cancel_at`: an instant, "min_period_end" or
    "max_period_end", or "" to take a scheduled end back. `metadata` is merged; a blank value removes its key.
    """

    merchant_id: str
    subscription_id: str
    items: tuple[ItemChange, ...] = ()
    proration_behavior: str = "create_prorations"  # create_prorations, always_invoice, none
    proration_date: datetime | None = None
    coupon_ids: tuple[str, ...] | None = None
    payment_behavior: str = "allow_incomplete"
    billing_cycle_anchor: str = "unchanged"  # unchanged, now
    trial_end: datetime | str | None = None
    cancel_at: datetime | str | None = None
    cancel_at_period_end: bool | None = None
    cancellation_feedback: str | None = None
    cancellation_comment: str | None = None
    pause_collection: PauseCollection | None = None
    metadata: Mapping[str, str] | None = None
    description: str | None = None
    default_payment_method_id: str | None = None
    save_default_payment_method: str | None = None
    default_tax_rate_ids: tuple[str, ...] | None = None
    collection_method: str | None = None
    days_until_due: int | None = None
    trial_missing_payment_method: str | None = None
    add_invoice_items: tuple[ItemRequest, ...] = ()
    off_session: bool = True
    discounts: tuple[DiscountRequest, ...] | None = None

    @property
    def changes_discounts(self) -> bool:
        """Whether the subscription's own stack is to be another one."""
        return self.discounts is not None or self.coupon_ids is not None

    @property
    def discounts_asked(self) -> list[DiscountRequest]:
        """All discounts that the request names, wherever they are for."""
        return _discounts_asked(self.coupon_ids or (), self.discounts, self.items, self.add_invoice_items)

    @property
    def price_ids(self) -> list[str]:
        """The prices that the request names."""
        named = [*(item.price_id for item in self.items), *(item.price_id for item in self.add_invoice_items)]
        return [price_id for price_id in named if price_id]

    @property
    def tax_rate_ids(self) -> list[str]:
        """The tax rates that the request names."""
        of_items = [rate for item in self.items for rate in item.tax_rate_ids or ()]
        of_extras = [rate for item in self.add_invoice_items for rate in item.tax_rate_ids]
        return [*of_items, *of_extras, *(self.default_tax_rate_ids or ())]


def _discounts_asked(
    coupon_ids: Iterable[str],
    discounts: Iterable[DiscountRequest] | None,
    items: Iterable[ItemRequest | ItemChange],
    extras: Iterable[ItemRequest],
) -> list[DiscountRequest]:
    own = [DiscountRequest(coupon_id=one) for one in coupon_ids] if discounts is None else list(discounts)
    of_items = [one for item in items for one in item.discounts or ()]
    return [*own, *of_items, *(one for extra in extras for one in extra.discounts)]


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    """The end of a service pause. `billing_cycle_anchor`: now, or unchanged to go on with the old cycle."""

    merchant_id: str
    subscription_id: str
    billing_cycle_anchor: str = "now"
    proration_behavior: str = "create_prorations"
    proration_date: datetime | None = None
    off_session: bool = True


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
    cancel_at: datetime | str | None = None  # an instant, min_period_end or max_period_end
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
    """An invoice that nobody wrote. `amount_due` is after the balance and the minimum charge.

    `planned` is what would be written, for who shows it whole.
    """

    lines: tuple[PreviewLine, ...]
    subtotal: int
    discount: int
    tax: int
    total: int
    amount_due: int
    currency: str
    period_start: datetime
    period_end: datetime
    credits: int = 0  # what credit grants pay, before tax, where that was asked for
    planned: PlannedInvoice | None = field(default=None, compare=False, repr=False)


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
    phone: str = ""
    custom_fields: Mapping[str, str] = field(default_factory=dict)  # by key, what the merchant asks beside
    accepts_terms: bool = False  # of service, where the page asks


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
