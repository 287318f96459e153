"""Discounts that a request asks for: what each may be, and the rows that give them. Pure.

One accumulator gives all discounts of a request (on the subscription, its items and what is sold beside it), so that
each has its own "#n" among the plan's new discounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.errors import OstinatoError
from engine.types import DiscountRequest, SubscribeRequest, SubscribeSnapshot
from subscriptions.rules.amounts import line_amount
from subscriptions.rules.discounts import (
    CouponNotFound,
    CouponTwice,
    DiscountEmpty,
    DiscountNotFound,
    PromotionCodeInvalid,
    check_code_restrictions,
    check_promotion_code,
    check_redeemable,
    discount_end,
    is_active,
)
from subscriptions.types import (
    CouponFacts,
    DiscountFacts,
    ItemFacts,
    NewDiscount,
    PromotionCodeFacts,
    new_ref,
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What the discounts are for: whole prices of what is sold, before discounts, also while a trial charges less."""

    customer_id: str
    currency: str
    amount: int
    as_of: datetime
    timezone: str
    has_paid: bool = False


@dataclass(slots=True)
class Giving:
    """The discounts given so far, "#0", "#1", … `reusable` are standing ones of what stands above."""

    purchase: Purchase
    coupons: Mapping[str, CouponFacts]
    promotion_codes: Mapping[str, PromotionCodeFacts] = field(default_factory=dict)
    reusable: Mapping[str, DiscountFacts] = field(default_factory=dict)
    rows: list[NewDiscount] = field(default_factory=list)

    def give(
        self,
        asked: Sequence[DiscountRequest],
        standing: Iterable[DiscountFacts] = (),
        *,
        item: str = "",
        of_line: bool = False,
    ) -> tuple[DiscountFacts, ...]:
        """The stack that is asked for, in its order; what `standing` has already keeps its discount.

        `item` is the subscription's item that it is for; `of_line`: it is for one line or invoice only. Raises
        `CouponNotFound`, `CouponTwice`, `CouponExpired`, `CouponUsedUp`, `CouponCurrencyMismatch`, `DiscountNotFound`
        and the refusals of promotion codes, each by the name that the caller wrote.
        """
        stack: list[DiscountFacts] = []
        here = list(standing)
        for position, one in enumerate(asked):
            try:
                given = self._one(one, here, position, item, of_line)
                if any(given.coupon.id == other.coupon.id for other in stack):
                    raise CouponTwice(coupon=given.coupon.name or given.coupon.id)
            except OstinatoError as refusal:
                if one.param:
                    refusal.param = f"{one.param}[{one.kind}]" if one.kind else one.param
                raise
            stack.append(given)
        return tuple(stack)

    def _one(
        self, asked: DiscountRequest, standing: list[DiscountFacts], position: int, item: str, of_line: bool
    ) -> DiscountFacts:
        for discount in standing:
            if _is_asked(discount, asked, self.purchase.as_of):
                return replace(discount, position=position)
        if asked.discount_id:
            return self._reused(asked.discount_id, position, item, of_line)
        code_id, coupon_id = asked.promotion_code_id, asked.coupon_id
        if code_id:
            coupon_id = self._checked(code_id).coupon_id
        if not coupon_id:
            raise DiscountEmpty
        coupon = self.coupons.get(coupon_id)
        if coupon is None:
            raise CouponNotFound(coupon=coupon_id)
        purchase = self.purchase
        check_redeemable(coupon, purchase.currency, purchase.as_of)
        end = discount_end(coupon, purchase.as_of, purchase.timezone)
        row = NewDiscount(coupon.id, code_id, position, purchase.as_of, end, subscription_item=item, of_line=of_line)
        return self._added(row, coupon)

    def _checked(self, code_id: str) -> PromotionCodeFacts:
        code, purchase = self.promotion_codes.get(code_id), self.purchase
        if code is None:
            raise PromotionCodeInvalid(promotion_code=code_id)
        check_promotion_code(code, purchase.customer_id, purchase.as_of)
        check_code_restrictions(code, amount=purchase.amount, currency=purchase.currency, has_paid=purchase.has_paid)
        return code

    def _reused(self, discount_id: str, position: int, item: str, of_line: bool) -> DiscountFacts:
        """One that stands above: the same coupon for the same time, not redeemed again."""
        found = self.reusable.get(discount_id)
        if found is None:
            raise DiscountNotFound
        row = NewDiscount(
            found.coupon.id,
            found.promotion_code_id,
            position,
            found.start,
            found.end,
            subscription_item=item,
            of_line=of_line,
            redeems=False,
        )
        return self._added(row, found.coupon)

    def _added(self, row: NewDiscount, coupon: CouponFacts) -> DiscountFacts:
        facts = DiscountFacts(
            id=new_ref(len(self.rows)),
            coupon=coupon,
            start=row.start,
            end=row.end,
            position=row.position,
            subscription_item_id=row.subscription_item,
            promotion_code_id=row.promotion_code_id,
        )
        self.rows.append(row)
        return facts


@dataclass(frozen=True, slots=True)
class SignupDiscounts:
    """The discounts of a signup: the stack of the subscription and its items, and those of each extra's line."""

    rows: tuple[NewDiscount, ...]
    stack: tuple[DiscountFacts, ...]
    extras: tuple[tuple[DiscountFacts, ...], ...]


def signup_discounts(
    snapshot: SubscribeSnapshot, request: SubscribeRequest, items: Sequence[ItemFacts], currency: str, as_of: datetime
) -> SignupDiscounts:
    """The stack (as asked for; else the coupons in their order, then the promotion code), items' own, extras' own."""
    codes = dict(snapshot.promotion_codes)
    asked = request.discounts
    if asked is None:
        asked = of_coupons(request.coupon_ids)
        if request.promotion_code:
            if snapshot.promotion_code is None:
                raise PromotionCodeInvalid(promotion_code=request.promotion_code)
            codes[snapshot.promotion_code.id] = snapshot.promotion_code
            asked = (*asked, DiscountRequest(promotion_code_id=snapshot.promotion_code.id))
    purchase = Purchase(request.customer_id, currency, whole_amount(items), as_of, snapshot.timezone, snapshot.has_paid)
    giving = Giving(purchase, snapshot.coupons, codes, snapshot.reusable)
    stack = giving.give(asked)
    for item, wanted in zip(items, request.items, strict=True):
        stack += giving.give(wanted.discounts, item=item.id)
    extras = tuple(giving.give(extra.discounts, of_line=True) for extra in request.add_invoice_items)
    return SignupDiscounts(tuple(giving.rows), stack, extras)


def whole_amount(items: Iterable[ItemFacts]) -> int:
    """What the items cost for their whole periods, without usage: what a promotion code's minimum is held to."""
    return sum(line_amount(item.price, item.quantity) for item in items if not item.price.is_metered)


def of_coupons(coupon_ids: Iterable[str]) -> tuple[DiscountRequest, ...]:
    """Coupons as discounts asked for."""
    return tuple(DiscountRequest(coupon_id=coupon_id) for coupon_id in coupon_ids)


def _is_asked(discount: DiscountFacts, asked: DiscountRequest, at: datetime) -> bool:
    if asked.discount_id:
        return discount.id == asked.discount_id
    if not is_active(discount, at):
        return False
    if asked.promotion_code_id:
        return discount.promotion_code_id == asked.promotion_code_id
    return discount.coupon.id == asked.coupon_id
