"""Reads of the catalog, always within one merchant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from catalog.models import BundleComponent, Coupon, Meter, PaymentLink, Price, Product, PromotionCode, TaxRate
from catalog.rules import canonical_code, coupon_is_valid
from core.errors import OstinatoError, gettext_noop
from events.statements import Statement

Row = TypeVar("Row", bound=Model)


class NotInCatalog(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("There is no %(what)s “%(id)s” here.")


class CodeUnknown(OstinatoError):
    code = "promotion_code_invalid"
    param = "promotion_code"
    message_id = gettext_noop("The code “%(code)s” is not valid.")


def find(model: type[Row], merchant_id: str, row_id: str, *, lock: bool = False, param: str = "") -> Row:
    """The merchant's row by id. Raises `NotInCatalog`, also for another merchant's id."""
    rows: QuerySet[Row] = model._default_manager.filter(merchant_id=merchant_id, id=row_id)
    row = (rows.select_for_update(no_key=True) if lock else rows).first()
    if row is None:
        raise NotInCatalog(param=param, what=str(model._meta.verbose_name), id=row_id)
    return row


def products(merchant_id: str) -> QuerySet[Product]:
    return Product.objects.filter(merchant_id=merchant_id, deleted_at__isnull=True)


def prices(merchant_id: str) -> QuerySet[Price]:
    return Price.objects.filter(merchant_id=merchant_id, deleted_at__isnull=True).select_related("product")


def active_prices(merchant_id: str, *, currency: str = "") -> QuerySet[Price]:
    """Prices that may be sold now: theirs and their product's `active` hold."""
    rows = prices(merchant_id).filter(active=True, product__active=True, product__deleted_at__isnull=True)
    return rows.filter(currency=currency) if currency else rows


def prices_by_id(merchant_id: str, ids: Iterable[str]) -> dict[str, Price]:
    return {price.id: price for price in prices(merchant_id).filter(id__in=set(ids))}


def coupons(merchant_id: str) -> QuerySet[Coupon]:
    return Coupon.objects.filter(merchant_id=merchant_id, deleted_at__isnull=True)


def meters(merchant_id: str) -> QuerySet[Meter]:
    return Meter.objects.filter(merchant_id=merchant_id)


def components_of(product_ids: Iterable[str]) -> dict[str, list[BundleComponent]]:
    """What is inside these bundles, each with its product, in order; plain products are left out. One query."""
    found: dict[str, list[BundleComponent]] = {}
    rows = BundleComponent.objects.filter(product_id__in=set(product_ids)).select_related("component")
    for row in rows.order_by("product_id", "position", "id"):
        found.setdefault(row.product_id, []).append(row)
    return found


def contents_of(product_ids: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """The (name, quantity) of what is inside these bundles, in order; plain products are left out. One query."""
    found: dict[str, list[tuple[str, int]]] = {}
    for product_id, name, quantity in _contents.tuples(ids=product_ids):
        found.setdefault(product_id, []).append((name, quantity))
    return found


_contents = Statement(
    lambda ids: (
        BundleComponent.objects.filter(product_id__any=ids)
        .order_by("product_id", "position", "id")
        .values_list("product_id", "component__name", "quantity")
    )
)


def tax_rates(merchant_id: str) -> QuerySet[TaxRate]:
    return TaxRate.objects.filter(merchant_id=merchant_id)


def payment_links(merchant_id: str) -> QuerySet[PaymentLink]:
    return PaymentLink.objects.filter(merchant_id=merchant_id, one_visit=False)


def coupon_for_code(merchant_id: str, code: str, *, as_of: datetime) -> tuple[Coupon, PromotionCode | None]:
    """What a typed code stands for: a promotion code (any case) or a coupon's own id. Raises `CodeUnknown`."""
    found = (
        PromotionCode.objects.select_related("coupon")
        .filter(merchant_id=merchant_id, code=canonical_code(code), active=True)
        .first()
    )
    if found is not None:
        if found.expires_at is not None and found.expires_at <= as_of:
            raise CodeUnknown(code=code)
        if found.max_redemptions is not None and found.times_redeemed >= found.max_redemptions:
            raise CodeUnknown(code=code)
        return _still_valid(found.coupon, code, as_of), found
    coupon = coupons(merchant_id).filter(Q(api_id=code) | Q(id=code)).first()
    if coupon is None:
        raise CodeUnknown(code=code)
    return _still_valid(coupon, code, as_of), None


def _still_valid(coupon: Coupon, code: str, as_of: datetime) -> Coupon:
    valid = coupon_is_valid(
        max_redemptions=coupon.max_redemptions,
        times_redeemed=coupon.times_redeemed,
        redeem_by=coupon.redeem_by,
        deleted=coupon.deleted_at is not None,
        as_of=as_of,
    )
    if not valid:
        raise CodeUnknown(code=code)
    return coupon
