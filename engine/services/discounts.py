"""A discount on a customer, and taking any discount away. Those of a subscription come with it or with its changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction

from catalog.models import PromotionCode
from catalog.writes import redeem
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import new_id
from customers.models import Customer
from customers.writes import lock_customer
from engine.selectors import bodies_kept
from engine.services.offers import coupons_asked_for
from events.copying import Row, new_row
from events.reading import read_rows
from events.types import EventRow
from events.writes import record_events
from invoicing.models import Invoice
from merchants.models import Merchant
from subscriptions.facts import promotion_code_facts
from subscriptions.models import Discount
from subscriptions.rules.discounts import (
    CouponNotFound,
    DiscountNotFound,
    PromotionCodeBelowMinimum,
    PromotionCodeInvalid,
    check_code_restrictions,
    check_promotion_code,
    check_redeemable,
    discount_end,
)
from subscriptions.selectors import discounts_of_customers
from subscriptions.snapshots import discount_snapshot
from subscriptions.writes import insert_discounts, lock_subscriptions, remove_discounts


class CouponOrCode(OstinatoError):
    code = "parameter_missing"
    param = "coupon"
    message_id = gettext_noop("Say either a coupon or a promotion code.")


def give_discount(
    *,
    ctx: Context,
    merchant_id: str,
    customer_id: str,
    coupon_id: str = "",
    promotion_code: str = "",
    promotion_code_id: str = "",
) -> str:
    """A discount on the customer, in the place of the one it had: it counts where a subscription has none of its own.

    By a coupon, or a promotion code's text or id. Returns its id. Raises `CouponOrCode`, `CustomerNotFound`,
    `CouponNotFound`, `CouponExpired`, `CouponUsedUp`,
    `CouponCurrencyMismatch`, the promotion code's refusals and, for the last one, `CouponFullyRedeemed`.
    """
    if [bool(coupon_id), bool(promotion_code), bool(promotion_code_id)].count(True) != 1:
        raise CouponOrCode
    with transaction.atomic():
        customer = lock_customer(merchant_id, customer_id)
        code = None if coupon_id else _code(ctx, customer, promotion_code, promotion_code_id)
        wanted = code.coupon_id if code else coupon_id
        coupons, _ = coupons_asked_for(merchant_id, [wanted])
        if not coupons:
            raise CouponNotFound(coupon=wanted)
        [coupon] = coupons.values()
        check_redeemable(coupon, customer.currency or coupon.currency, ctx.as_of)
        standing = Discount.objects.filter(customer=customer, deleted_at__isnull=True).of_customers()
        replaced = read_rows(standing.order_by("id"))
        remove_discounts([row.id for row in replaced], ctx.as_of)
        discount = new_row(
            Discount,
            id=new_id("di"),
            merchant_id=merchant_id,
            coupon_id=coupon.id,
            customer_id=customer_id,
            promotion_code_id=code.id if code else "",
            start=ctx.as_of,
            end=discount_end(coupon, ctx.as_of, Merchant.objects.get(id=merchant_id).timezone),
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        insert_discounts([discount])
        redeem(merchant_id, coupon_ids=[coupon.id], promotion_code_ids=[code.id] if code else [])
        record_events(ctx, [_given(discount, replaced, customer)])
    return str(discount.id)


def delete_discount(*, ctx: Context, merchant_id: str, discount_id: str) -> None:
    """No later invoice is discounted by it. Raises `DiscountNotFound`."""
    found = Discount.objects.filter(merchant_id=merchant_id, id=discount_id, deleted_at__isnull=True).first()
    if found is None:
        raise DiscountNotFound
    with transaction.atomic():
        lock_subscriptions([found.subscription_id] if found.subscription_id else [])
        customer = lock_customer(merchant_id, found.customer_id)
        standing = Discount.objects.filter(id=discount_id, deleted_at__isnull=True)
        rows = read_rows(standing)
        if not rows:
            raise DiscountNotFound
        _take_away(ctx, rows, customer)


def delete_customer_discount(*, ctx: Context, merchant_id: str, customer_id: str) -> None:
    """The customer's own discount goes. Raises `DiscountNotFound` where there is none."""
    found = discounts_of_customers(merchant_id, [customer_id]).get(customer_id)
    if found is None:
        raise DiscountNotFound
    delete_discount(ctx=ctx, merchant_id=merchant_id, discount_id=found.id)


def _given(discount: Row, replaced: list[Row], customer: Customer) -> EventRow:
    """That the customer has a discount, or another one than before."""
    standing = [row for row in replaced if row.consumed_at is None]
    if not standing:
        return _event("customer.discount.created", discount, customer)
    before = discount_snapshot(standing[-1])
    changed = {name: before[name] for name in ("id", "source", "promotion_code", "start", "end")}
    return replace(_event("customer.discount.updated", discount, customer), previous_attributes=changed)


def _code(ctx: Context, customer: Customer, typed: str, code_id: str) -> PromotionCode:
    """The code, checked for this customer. Nothing is bought yet, so a code with a minimum is for a purchase only."""
    merchant_id = customer.merchant_id
    named = {"id": code_id} if code_id else {"code": typed.strip().upper()}
    found = PromotionCode.objects.filter(merchant_id=merchant_id, active=True, **named).first()
    if found is None:
        raise PromotionCodeInvalid(promotion_code=typed or code_id)
    facts = promotion_code_facts(found)
    check_promotion_code(facts, customer.id, ctx.as_of)
    if found.minimum_amount is not None:
        raise PromotionCodeBelowMinimum(promotion_code=found.code)
    has_paid = Invoice.objects.filter(customer_id=customer.id, amount_paid__gt=0).exists()
    check_code_restrictions(facts, amount=0, currency="", has_paid=has_paid)
    return found


def _take_away(ctx: Context, rows: list[Row], customer: Customer) -> None:
    remove_discounts([row.id for row in rows], ctx.as_of)
    record_events(ctx, [_event("customer.discount.deleted", row, customer) for row in rows])


def _event(type_: str, row: Any, customer: Customer) -> EventRow:
    return EventRow(
        merchant_id=row.merchant_id,
        type=type_,
        object_type="discount",
        object_id=row.id,
        # A discount is given and taken away, never changed: it has no version of its own.
        object_version=1 + type_.endswith(".deleted"),
        customer_id=row.customer_id,
        test_clock_id=customer.test_clock_id,
        body=discount_snapshot(row) if bodies_kept([row.merchant_id]) else None,
    )
