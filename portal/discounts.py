"""What a visit's flow takes off: the coupon that it names, beside what stands already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404

from catalog.models import Coupon
from catalog.selectors import coupons
from engine.types import DiscountRequest
from subscriptions.selectors import discount_ids_of


def coupon_called(merchant_id: str, given: str) -> Coupon | None:
    """The coupon that the merchant's server named, by its own id or by ours."""
    rows = coupons(merchant_id)
    return rows.filter(api_id=given).first() or rows.filter(id=given).first()


def with_standing(
    merchant_id: str, subscription_id: str, given: Sequence[Mapping[str, Any]]
) -> tuple[DiscountRequest, ...] | None:
    """The subscription's own discounts, and those given (`coupon` or `promotion_code`). None where none is given.

    Raises `Http404` for a coupon that is gone.
    """
    if not given:
        return None
    own, _ = discount_ids_of([subscription_id])
    kept = [DiscountRequest(discount_id=discount_id) for discount_id in own[subscription_id]]
    return (*kept, *(_asked(merchant_id, one) for one in given))


def _asked(merchant_id: str, given: Mapping[str, Any]) -> DiscountRequest:
    if given.get("promotion_code"):
        return DiscountRequest(promotion_code_id=given["promotion_code"])
    coupon = coupon_called(merchant_id, given["coupon"])
    if coupon is None:
        raise Http404
    return DiscountRequest(coupon_id=coupon.id)
