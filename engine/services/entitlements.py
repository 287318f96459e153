"""A product's features given and taken away: whoever holds the product is told at once."""

from __future__ import annotations

from django.db import transaction

from catalog import features
from catalog.models import ProductFeature
from core.context import Context
from subscriptions.entitlements import holders
from subscriptions.services.entitlements import tell_entitlements

CUSTOMERS_AT_ONCE = 1000


def attach_feature(*, ctx: Context, merchant_id: str, product_id: str, feature_id: str) -> ProductFeature:
    """The product gives the feature from now on. Raises `FeatureNotFound`, `FeatureAttachedTwice`."""
    with transaction.atomic():
        row = features.attach_feature(ctx=ctx, merchant_id=merchant_id, product_id=product_id, feature_id=feature_id)
    _tell_holders(ctx, merchant_id, product_id)
    return row


def detach_feature(*, ctx: Context, merchant_id: str, product_id: str, product_feature_id: str) -> None:
    """The product gives it no more. Raises `ProductFeatureNotFound`."""
    with transaction.atomic():
        features.detach_feature(merchant_id=merchant_id, product_id=product_id, product_feature_id=product_feature_id)
    _tell_holders(ctx, merchant_id, product_id)


def _tell_holders(ctx: Context, merchant_id: str, product_id: str) -> None:
    """A transaction for each thousand: one that fails is made good by whatever next changes for its customers."""
    ids = list(holders(merchant_id, product_id))
    for begin in range(0, len(ids), CUSTOMERS_AT_ONCE):
        with transaction.atomic():
            tell_entitlements(ctx, [(merchant_id, one) for one in ids[begin : begin + CUSTOMERS_AT_ONCE]])
