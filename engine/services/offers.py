"""The coupons, promotion codes and standing discounts that a request asks for, read for the planners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.db.models import Q

from catalog.models import Coupon, PromotionCode
from engine.types import DiscountRequest
from invoicing.models import Invoice
from subscriptions.facts import coupon_facts, discount_facts, promotion_code_facts
from subscriptions.models import Discount
from subscriptions.types import CouponFacts, DiscountFacts, PromotionCodeFacts


@dataclass(frozen=True, slots=True)
class Offers:
    """By our ids: the coupons (the codes' among them), the codes, and discounts of the customer to reuse."""

    coupons: Mapping[str, CouponFacts] = field(default_factory=dict)
    promotion_codes: Mapping[str, PromotionCodeFacts] = field(default_factory=dict)
    reusable: Mapping[str, DiscountFacts] = field(default_factory=dict)
    has_paid: bool = False


def offers_asked_for(merchant_id: str, customer_id: str, asked: Iterable[DiscountRequest]) -> Offers:
    """All that these requests name: at most four queries, none when they name nothing."""
    wanted = list(asked)
    code_ids = {one.promotion_code_id for one in wanted} - {""}
    discount_ids = {one.discount_id for one in wanted} - {""}
    codes = {
        row.id: promotion_code_facts(row)
        for row in (PromotionCode.objects.filter(merchant_id=merchant_id, id__in=code_ids) if code_ids else ())
    }
    coupon_ids = {one.coupon_id for one in wanted} - {""} | {code.coupon_id for code in codes.values()}
    return Offers(
        coupons=coupons_asked_for(merchant_id, coupon_ids)[0],
        promotion_codes=codes,
        reusable=_standing(merchant_id, customer_id, discount_ids) if discount_ids else {},
        has_paid=has_paid(customer_id) if codes else False,
    )


def coupons_asked_for(merchant_id: str, ids: Iterable[str]) -> tuple[dict[str, CouponFacts], dict[str, str]]:
    """Coupons by our id, and our id by the one asked for (ours, or the one an API client chose)."""
    wanted = list(ids)
    if not wanted:
        return {}, {}
    found = Coupon.objects.filter(Q(id__in=wanted) | Q(api_id__in=wanted), merchant_id=merchant_id)
    coupons = {coupon.id: coupon_facts(coupon) for coupon in found}
    return coupons, {coupon.api_id: coupon.id for coupon in found if coupon.api_id}


def code_typed(merchant_id: str, typed: str) -> PromotionCodeFacts | None:
    """The active promotion code of this text, whatever its case."""
    code = typed.strip().upper()
    row = PromotionCode.objects.filter(merchant_id=merchant_id, code=code, active=True).first()
    return promotion_code_facts(row) if row else None


def has_paid(customer_id: str) -> bool:
    """Whether the customer ever paid an invoice: whose first purchase lies behind."""
    return Invoice.objects.filter(customer_id=customer_id, amount_paid__gt=0).exists()


def with_our_coupons(
    merchant_id: str, coupon_ids: Iterable[str], discounts: Iterable[DiscountRequest] | None
) -> tuple[tuple[str, ...], tuple[DiscountRequest, ...] | None]:
    """The same with our coupon ids in the place of those that API clients chose."""
    coupons, asked = list(coupon_ids), None if discounts is None else list(discounts)
    _, ids = coupons_asked_for(merchant_id, [*coupons, *(one.coupon_id for one in asked or () if one.coupon_id)])
    ours = tuple(ids.get(given, given) for given in coupons)
    if asked is None:
        return ours, None
    return ours, tuple(replace(one, coupon_id=ids.get(one.coupon_id, one.coupon_id)) for one in asked)


def _standing(merchant_id: str, customer_id: str, ids: set[str]) -> dict[str, DiscountFacts]:
    rows = Discount.objects.filter(
        merchant_id=merchant_id, customer_id=customer_id, id__in=ids, deleted_at__isnull=True, consumed_at__isnull=True
    ).select_related("coupon")
    return {row.id: discount_facts(row, coupon_facts(row.coupon)) for row in rows}
