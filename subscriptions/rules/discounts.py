"""Which discounts count, what they take and when they end (SEMANTICS, Discounts)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import OstinatoError, gettext_noop
from core.money import AllocationMode, allocate, percent_of
from core.periods import add_months
from subscriptions.types import CouponFacts, DiscountAmount, DiscountFacts, PromotionCodeFacts


class CouponNotFound(OstinatoError):
    code = "resource_missing"
    param = "coupon"
    message_id = gettext_noop("There is no coupon %(coupon)s.")


class CouponExpired(OstinatoError):
    code = "coupon_expired"
    param = "coupon"
    message_id = gettext_noop("The coupon %(coupon)s has expired.")


class CouponUsedUp(OstinatoError):
    code = "coupon_expired"
    param = "coupon"
    message_id = gettext_noop("The coupon %(coupon)s has been redeemed as often as it may be.")


class CouponCurrencyMismatch(OstinatoError):
    code = "coupon_currency_mismatch"
    param = "coupon"
    message_id = gettext_noop("The coupon %(coupon)s is in %(coupon_currency)s; the subscription is in %(currency)s.")


class DiscountNotFound(OstinatoError):
    code = "resource_missing"
    param = "discount"
    message_id = gettext_noop("There is no such discount.")


class DiscountEmpty(OstinatoError):
    code = "parameter_missing"
    message_id = gettext_noop("A discount names a coupon, a promotion code or a discount.")


class DiscountNamedTwice(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("A discount names one of a coupon, a promotion code and a discount, not several.")


class CouponTwice(OstinatoError):
    code = "coupon_duplicate"
    param = "coupon"
    message_id = gettext_noop("The coupon %(coupon)s is asked for twice.")


class PromotionCodeInvalid(OstinatoError):
    code = "promotion_code_invalid"
    param = "promotion_code"
    message_id = gettext_noop("The code %(promotion_code)s is not valid.")


class PromotionCodeExpired(OstinatoError):
    code = "promotion_code_expired"
    param = "promotion_code"
    message_id = gettext_noop("The code %(promotion_code)s has expired.")


class PromotionCodeFirstTimeOnly(OstinatoError):
    code = "promotion_code_first_time_only"
    param = "promotion_code"
    message_id = gettext_noop("The code %(promotion_code)s is for a first purchase only.")


class PromotionCodeBelowMinimum(OstinatoError):
    code = "promotion_code_minimum_not_reached"
    param = "promotion_code"
    message_id = gettext_noop("The code %(promotion_code)s is for larger purchases.")


@dataclass(frozen=True, slots=True)
class Discountable:
    """A line as discounts see it: what they may take from, gross, and whether they may."""

    amount: int
    product_id: str = ""
    subscription_item_id: str = ""
    discountable: bool = True
    ends_phase: bool = False  # usage of a schedule's phase that is over


def check_redeemable(coupon: CouponFacts, currency: str, as_of: datetime) -> None:
    """Whether the coupon can be given now. Raises `CouponNotFound` (deleted), `CouponExpired`, `CouponUsedUp`
    or `CouponCurrencyMismatch`. Two people taking the last one are kept apart by the database."""
    name = coupon.name or coupon.id
    if coupon.deleted:
        raise CouponNotFound(coupon=name)
    if coupon.redeem_by is not None and as_of >= coupon.redeem_by:
        raise CouponExpired(coupon=name)
    if coupon.max_redemptions is not None and coupon.times_redeemed >= coupon.max_redemptions:
        raise CouponUsedUp(coupon=name)
    if coupon.amount_off is not None and coupon.amount_off_in(currency) is None:
        raise CouponCurrencyMismatch(coupon=name, coupon_currency=coupon.currency.upper(), currency=currency.upper())


def check_promotion_code(code: PromotionCodeFacts, customer_id: str, as_of: datetime) -> None:
    """Whether the code can be used by this customer now. Raises `PromotionCodeInvalid`, `PromotionCodeExpired`."""
    if not code.active or code.customer_id not in ("", customer_id):
        raise PromotionCodeInvalid(promotion_code=code.code)
    if code.expires_at is not None and as_of >= code.expires_at:
        raise PromotionCodeExpired(promotion_code=code.code)
    if code.max_redemptions is not None and code.times_redeemed >= code.max_redemptions:
        raise PromotionCodeExpired(promotion_code=code.code)


def check_code_restrictions(code: PromotionCodeFacts, *, amount: int, currency: str, has_paid: bool) -> None:
    """Whether the code is for this purchase of `amount` before discounts, by somebody who `has_paid` or not.

    Raises `PromotionCodeFirstTimeOnly`, `PromotionCodeBelowMinimum`; a minimum in another currency is not reached.
    """
    if code.first_time_transaction and has_paid:
        raise PromotionCodeFirstTimeOnly(promotion_code=code.code)
    minimum = code.minimum_in(currency)
    if code.minimum_amount is not None and (minimum is None or amount < minimum):
        raise PromotionCodeBelowMinimum(promotion_code=code.code)


def discount_end(coupon: CouponFacts, start: datetime, tz: str) -> datetime | None:
    """When a discount given at `start` stops counting: a repeating one after its calendar months."""
    if coupon.duration != "repeating":
        return None
    return add_months(start, coupon.duration_in_months or 0, tz)


def is_active(discount: DiscountFacts, at: datetime) -> bool:
    """Whether an invoice that begins at `at` is discounted: inside its months, and not used up."""
    if discount.consumed_at is not None:
        return False
    return discount.start <= at and (discount.end is None or at < discount.end)


def active_discounts(
    own: Sequence[DiscountFacts], customers: Sequence[DiscountFacts], at: datetime
) -> tuple[DiscountFacts, ...]:
    """The stack that counts at `at`, in its order: those of items, then the subscription's, else the customer's."""
    counting = [discount for discount in own if is_active(discount, at)]
    of_items = [discount for discount in counting if discount.subscription_item_id]
    whole = [discount for discount in counting if not discount.subscription_item_id]
    if not whole:
        whole = [discount for discount in customers if is_active(discount, at)]
    return (*sorted(of_items, key=_place), *sorted(whole, key=_place))


def where_phases_meet(before: Sequence[DiscountFacts], after: Sequence[DiscountFacts]) -> tuple[DiscountFacts, ...]:
    """The stacks of a phase that ends and of the one that begins as one, in the order that both have.

    What is in both counts once for all lines, so that a fixed amount is not given twice.
    """
    kept = {one.id for one in before} & {one.id for one in after}
    ended = list(before)
    merged: list[DiscountFacts] = []
    for one in after:
        if one.id in kept:
            place = next(n for n, other in enumerate(ended) if other.id == one.id)
            merged += [replace(other, of_phase="ended") for other in ended[:place] if other.id not in kept]
            ended = [other for n, other in enumerate(ended) if n > place or other.id in kept]
        merged.append(one if one.id in kept else replace(one, of_phase="begun"))
    return (*merged, *(replace(other, of_phase="ended") for other in ended if other.id not in kept))


def _place(discount: DiscountFacts) -> int:
    return discount.position


def spread_discounts(
    discounts: Sequence[DiscountFacts], lines: Sequence[Discountable], currency: str
) -> list[tuple[DiscountAmount, ...]]:
    """What each discount takes from each line, in the order of the stack; each takes from what the last one left.

    A percentage is taken line by line. A fixed amount, at most what is left, is spread in proportion: floors, the
    remainder to the last (500 over 1000 and 2000 -> 166, 334). Lines at or below 0 are left alone, and so is all
    that a fixed amount says nothing of: lines in a `currency` for which it has none.
    """
    left = [line.amount for line in lines]
    taken: list[list[DiscountAmount]] = [[] for _ in lines]
    for discount in discounts:
        weights = [
            remaining if remaining > 0 and _applies(discount, line) else 0
            for line, remaining in zip(lines, left, strict=True)
        ]
        for index, amount in enumerate(_parts(discount.coupon, weights, currency)):
            if amount:
                left[index] -= amount
                taken[index].append(DiscountAmount(discount.id, amount))
    return [tuple(amounts) for amounts in taken]


def used_up(discounts: Sequence[DiscountFacts], taken: Sequence[tuple[DiscountAmount, ...]]) -> list[str]:
    """The ids of the `once` discounts that took something from an invoice: they are consumed by it."""
    took = {amount.discount_id for amounts in taken for amount in amounts if amount.amount > 0}
    return [discount.id for discount in discounts if discount.coupon.duration == "once" and discount.id in took]


def _parts(coupon: CouponFacts, weights: list[int], currency: str) -> list[int]:
    if coupon.percent_off is not None:
        return [percent_of(weight, coupon.percent_off) for weight in weights]
    total = min(coupon.amount_off_in(currency) or 0, sum(weights))
    return allocate(total, weights, AllocationMode.FLOOR_REMAINDER_TO_LAST)


def _applies(discount: DiscountFacts, line: Discountable) -> bool:
    if not line.discountable or discount.of_phase == ("begun" if line.ends_phase else "ended"):
        return False
    if discount.subscription_item_id not in ("", line.subscription_item_id):
        return False
    products = discount.coupon.applies_to_product_ids
    return not products or line.product_id in products
