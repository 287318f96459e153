"""/v1/entitlements and the features of products: what a customer may use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from api.lookup import NoSuchObject, blanked_metadata, deleted, found, new_metadata
from api.paging import page, page_of
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import METADATA, PAGE, boolean, fields, text
from api.resources.customers import customer_of
from api.resources.products import product_of
from catalog import features as services
from catalog.models import Feature, ProductFeature
from catalog.snapshots import feature_snapshot, product_feature_snapshot
from engine.services.entitlements import attach_feature, detach_feature
from subscriptions.entitlements import Entitlement, active_entitlements, entitlement
from subscriptions.snapshots import entitlement_snapshot

FEATURES = "/v1/entitlements/features"
ACTIVE = "/v1/entitlements/active_entitlements"
OF_PRODUCT = "/v1/products/{id}/features"
_NAME = 80
CREATE = fields(METADATA, lookup_key=text(required=True, most=_NAME), name=text(required=True, most=_NAME))
UPDATE = fields(METADATA, active=boolean(), name=text(most=_NAME))
LIST = fields(PAGE, archived=boolean(), lookup_key=text(most=_NAME))
ATTACH = fields(entitlement_feature=text(required=True, most=200))


def _features(call: Call) -> QuerySet[Feature]:
    return Feature.objects.filter(merchant_id=call.merchant_id)


def _attached(call: Call, product_id: str) -> QuerySet[ProductFeature]:
    rows = ProductFeature.objects.filter(merchant_id=call.merchant_id, product_id=product_id)
    return rows.select_related("feature")


def create(call: Call) -> Json:
    row = services.create_feature(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        name=call.params["name"],
        lookup_key=call.params["lookup_key"],
        metadata=new_metadata(call.params),
    )
    return feature_snapshot(row, livemode=call.livemode)


def retrieve(call: Call) -> Json:
    return feature_snapshot(found(_features(call), call.id, "feature"), livemode=call.livemode)


def update(call: Call) -> Json:
    row = found(_features(call), call.id, "feature")
    values: dict[str, Any] = {name: call.params[name] for name in ("active", "name") if name in call.params}
    if "metadata" in call.params:
        values["metadata"] = blanked_metadata(row, call.params)
    changed = services.update_feature(ctx=call.ctx, merchant_id=call.merchant_id, feature_id=row.id, **values)
    return feature_snapshot(changed, livemode=call.livemode)


def list_(call: Call) -> Json:
    rows = _features(call)
    if "archived" in call.params:
        rows = rows.filter(active=not call.params["archived"])
    if "lookup_key" in call.params:
        rows = rows.filter(lookup_key=call.params["lookup_key"])
    return page(
        rows, call, lambda shown: [feature_snapshot(row, livemode=call.livemode) for row in shown], url=FEATURES
    )


def attach(call: Call) -> Json:
    product = product_of(call, call.id, "product")
    row = attach_feature(
        ctx=call.ctx,
        merchant_id=call.merchant_id,
        product_id=product.id,
        feature_id=call.params["entitlement_feature"],
    )
    return product_feature_snapshot(row, livemode=call.livemode)


def retrieve_attached(call: Call) -> Json:
    row = found(_attached(call, product_of(call, call.id, "product").id), call.ids["feature"], "product feature")
    return product_feature_snapshot(row, livemode=call.livemode)


def list_attached(call: Call) -> Json:
    product = product_of(call, call.id, "product")
    return page(
        _attached(call, product.id),
        call,
        lambda shown: [product_feature_snapshot(row, livemode=call.livemode) for row in shown],
        url=f"/v1/products/{call.id}/features",
    )


def detach(call: Call) -> Json:
    product = product_of(call, call.id, "product")
    detach_feature(
        ctx=call.ctx, merchant_id=call.merchant_id, product_id=product.id, product_feature_id=call.ids["feature"]
    )
    return deleted("product_feature", call.ids["feature"])


def list_active(call: Call) -> Json:
    """A page of a customer's features: they are read together, and there are few."""
    customer = customer_of(call, call.params["customer"], "customer")
    held = active_entitlements(call.merchant_id, customer.id)
    return page_of([_active(call, one) for one in held], call, url=ACTIVE)


def retrieve_active(call: Call) -> Json:
    held = entitlement(call.merchant_id, call.id)
    if held is None:
        raise NoSuchObject(param="id", what="active entitlement", id=call.id)
    return _active(call, held)


def _active(call: Call, one: Entitlement) -> Json:
    named = {"id": one.id, "feature": one.feature_id, "lookup_key": one.lookup_key}
    return entitlement_snapshot(named, livemode=call.livemode)


def load(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = Feature.objects.filter(merchant_id=merchant_id, id__in=ids).select_related("merchant")
    return {row.id: feature_snapshot(row, livemode=row.merchant.livemode) for row in rows}


OPERATIONS = [
    Operation("POST", FEATURES, create, CREATE),
    Operation("GET", FEATURES, list_, LIST),
    Operation("GET", FEATURES + "/{id}", retrieve),
    Operation("POST", FEATURES + "/{id}", update, UPDATE),
    Operation("GET", ACTIVE, list_active, fields(PAGE, customer=text(required=True, most=200))),
    Operation("GET", ACTIVE + "/{id}", retrieve_active),
    Operation("POST", OF_PRODUCT, attach, ATTACH),
    Operation("GET", OF_PRODUCT, list_attached, fields(PAGE)),
    Operation("GET", OF_PRODUCT + "/{feature}", retrieve_attached),
    Operation("DELETE", OF_PRODUCT + "/{feature}", detach),
]


LOADERS = {"feature": load}
