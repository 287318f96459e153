"""Features, and the products that give them."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction

from catalog.models import Feature, Product, ProductFeature
from catalog.snapshots import feature_snapshot
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.types import EventRow
from events.writes import record_events


class FeatureNotFound(OstinatoError):
    code = "resource_missing"
    param = "feature"
    message_id = gettext_noop("There is no such feature.")


class ProductFeatureNotFound(OstinatoError):
    code = "resource_missing"
    param = "id"
    message_id = gettext_noop("The product has no such feature.")


class LookupKeyTaken(OstinatoError):
    code = "resource_already_exists"
    param = "lookup_key"
    message_id = gettext_noop("Another feature has the lookup key “%(lookup_key)s”.")


class FeatureAttachedTwice(OstinatoError):
    code = "resource_already_exists"
    param = "entitlement_feature"
    message_id = gettext_noop("The product has this feature already.")


class FeatureNameMissing(OstinatoError):
    code = "parameter_missing"
    param = "name"
    message_id = gettext_noop("A feature has a name and a lookup key, each of at most 80 characters.")


def create_feature(
    *, ctx: Context, merchant_id: str, name: str, lookup_key: str, metadata: Mapping[str, str] | None = None
) -> Feature:
    """Raises `FeatureNameMissing`, `LookupKeyTaken`."""
    name, lookup_key = name.strip(), lookup_key.strip()
    if not (0 < len(name) <= 80 and 0 < len(lookup_key) <= 80):
        raise FeatureNameMissing(param="name" if not 0 < len(name) <= 80 else "lookup_key")
    with transaction.atomic():
        try:
            with transaction.atomic():
                feature = Feature.objects.create(
                    merchant_id=merchant_id,
                    name=name,
                    lookup_key=lookup_key,
                    metadata=dict(metadata or {}),
                    created=ctx.as_of,
                    recorded_at=ctx.recorded_at,
                )
        except IntegrityError as error:
            raise LookupKeyTaken(lookup_key=lookup_key) from error
        _tell(ctx, "created", feature)
    return feature


def update_feature(
    *,
    ctx: Context,
    merchant_id: str,
    feature_id: str,
    name: str | None = None,
    active: bool | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Feature:
    """What is not sent stays. An archived feature (`active` False) stays with the products that have it.

    Raises `FeatureNotFound`, `FeatureNameMissing`; `LookupKeyTaken` when another took its key meanwhile.
    """
    if name is not None and not 0 < len(name.strip()) <= 80:
        raise FeatureNameMissing
    with transaction.atomic():
        feature = Feature.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, id=feature_id).first()
        if feature is None:
            raise FeatureNotFound
        feature.name = feature.name if name is None else name.strip()
        feature.active = feature.active if active is None else active
        if metadata is not None:
            feature.metadata = {key: value for key, value in {**feature.metadata, **metadata}.items() if value != ""}
        feature.version += 1
        try:
            with transaction.atomic():
                feature.save(update_fields=["name", "active", "metadata", "version"])
        except IntegrityError as error:
            raise LookupKeyTaken(param="active", lookup_key=feature.lookup_key) from error
        _tell(ctx, "updated", feature)
    return feature


def attach_feature(*, ctx: Context, merchant_id: str, product_id: str, feature_id: str) -> ProductFeature:
    """Whoever has the product has the feature from now on. Raises `FeatureNotFound`, `FeatureAttachedTwice`."""
    feature = Feature.objects.filter(merchant_id=merchant_id, id=feature_id, active=True).first()
    if feature is None or not Product.objects.filter(merchant_id=merchant_id, id=product_id).exists():
        raise FeatureNotFound(param="product" if feature else "entitlement_feature")
    try:
        with transaction.atomic():
            return ProductFeature.objects.create(
                merchant_id=merchant_id,
                product_id=product_id,
                feature=feature,
                created=ctx.as_of,
                recorded_at=ctx.recorded_at,
            )
    except IntegrityError as error:
        raise FeatureAttachedTwice from error


def detach_feature(*, merchant_id: str, product_id: str, product_feature_id: str) -> None:
    """Raises `ProductFeatureNotFound`."""
    found = ProductFeature.objects.filter(merchant_id=merchant_id, product_id=product_id, id=product_feature_id)
    if not found.delete()[0]:
        raise ProductFeatureNotFound


def _tell(ctx: Context, verb: str, feature: Feature) -> None:
    event = EventRow(
        merchant_id=feature.merchant_id,
        type=f"entitlements.feature.{verb}",
        object_type="entitlements.feature",
        object_id=feature.id,
        object_version=feature.version,
        body=feature_snapshot(feature, livemode=feature.merchant.livemode),
    )
    record_events(ctx, [event])
