"""What the rules of discounts take and give. Read them from `subscriptions.types`, which says what all facts share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class CouponFacts:
    """What a coupon takes off: `percent_off` in per cent or `amount_off` in minor units of `currency`.

    `currency_options` are (currency, amount off) where the invoice is in another one.
    """

    id: str
    name: str = ""
    percent_off: Decimal | None = None
    amount_off: int | None = None
    currency: str = ""
    duration: str = "once"  # once, repeating, forever
    duration_in_months: int | None = None
    max_redemptions: int | None = None
    times_redeemed: int = 0
    redeem_by: datetime | None = None
    applies_to_product_ids: frozenset[str] = frozenset()  # empty: every product
    deleted: bool = False
    currency_options: tuple[tuple[str, int], ...] = ()

    def amount_off_in(self, currency: str) -> int | None:
        """The fixed amount in this currency; None for a percentage, and where nothing is said of the currency."""
        if self.amount_off is None or currency == self.currency:
            return self.amount_off
        return dict(self.currency_options).get(currency)


@dataclass(frozen=True, slots=True)
class PromotionCodeFacts:
    """A code that a customer typed, as found: its coupon is among the snapshot's coupons.

    `minimum_options` are (currency, minimum amount) beside its own.
    """

    id: str
    code: str
    coupon_id: str
    active: bool = True
    customer_id: str = ""  # blank: anybody's
    expires_at: datetime | None = None
    max_redemptions: int | None = None
    times_redeemed: int = 0
    first_time_transaction: bool = False
    minimum_amount: int | None = None
    minimum_amount_currency: str = ""
    minimum_options: tuple[tuple[str, int], ...] = ()

    def minimum_in(self, currency: str) -> int | None:
        """What a purchase in this currency must come to; None where nothing is said of the currency."""
        if currency == self.minimum_amount_currency:
            return self.minimum_amount
        return dict(self.minimum_options).get(currency)


@dataclass(frozen=True, slots=True)
class DiscountFacts:
    """A coupon that was given, in the place of its stack. `end` closes a repeating one, `consumed_at` a `once`.

    `of_phase`, where two phases of a schedule meet on an invoice: "ended" takes from the usage of the one that is over,
    "begun" from all but that; blank from both.
    """

    id: str
    coupon: CouponFacts
    start: datetime
    end: datetime | None = None
    consumed_at: datetime | None = None
    position: int = 0
    subscription_item_id: str = ""
    promotion_code_id: str = ""
    of_phase: str = ""


@dataclass(frozen=True, slots=True)
class DiscountAmount:
    """What one discount took from one line, in minor units; negative on a credit line.

    `of_line`: the discount is the line's (or its item's) own, and not one of the whole invoice.
    """

    discount_id: str
    amount: int
    of_line: bool = False


@dataclass(frozen=True, slots=True)
class NewDiscount:
    """A discount to create; the plan calls it "#n". It redeems its coupon once, unless it reuses another discount.

    It is the subscription's, or one item's (`subscription_item`: an id, or "#n" of the plan's new items), or, being
    `of_line`, that of the line or pending item which carries it.
    """

    coupon_id: str
    promotion_code_id: str
    position: int
    start: datetime
    end: datetime | None
    subscription_item: str = ""
    of_line: bool = False
    redeems: bool = True


@dataclass(frozen=True, slots=True)
class DiscountMove:
    """A discount that stays, in another place of the stack."""

    discount_id: str
    position: int


@dataclass(frozen=True, slots=True)
class DiscountUse:
    """A `once` discount that is used up by invoice number `invoice` of the plan."""

    discount_id: str  # an id, or "#n" of the plan's new discounts
    consumed_at: datetime
    invoice: int
