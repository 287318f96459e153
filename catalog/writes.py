"""Writers of the catalog's tables that other rooms call. They never open a transaction: their caller's is the one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db.models import F, Q

from catalog.models import Coupon, PromotionCode
from core.errors import OstinatoError, gettext_noop


class CouponFullyRedeemed(OstinatoError):
    code = "coupon_expired"
    param = "coupon"
    message_id = gettext_noop("This discount has been used as often as it may be.")


def redeem(merchant_id: str, *, coupon_ids: Sequence[str], promotion_code_ids: Sequence[str] = ()) -> None:
    """Count a redemption for each id of coupons and promotion codes; the last one goes to whoever commits first.

    The condition is looked at again once the row's lock is ours, and the table's constraint stands behind it.
    Raises `CouponFullyRedeemed`.
    """
    for model, ids in ((Coupon, coupon_ids), (PromotionCode, promotion_code_ids)):
        for row_id, times in sorted(Counter(ids).items()):
            counted = model.objects.filter(
                Q(max_redemptions__isnull=True) | Q(max_redemptions__gte=F("times_redeemed") + times),
                merchant_id=merchant_id,
                id=row_id,
            ).update(times_redeemed=F("times_redeemed") + times)
            if not counted:
                raise CouponFullyRedeemed
