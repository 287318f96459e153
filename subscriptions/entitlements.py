"""What a customer may use: the features of the products that its running subscriptions hold. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from catalog.models import BundleComponent, ProductFeature
from core.ids import ID_WIDTH
from subscriptions.models import SubscriptionItem

# Withdrawn when unpaid, paused, canceled or never begun; kept while a payment is only late.
ENTITLING_STATUSES = ("trialing", "active", "past_due")


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A feature that a customer has. The id is made of both, so it is the same whenever it is asked for."""

    id: str
    customer_id: str
    feature_id: str
    lookup_key: str
    name: str


def active_entitlements(merchant_id: str, customer_id: str) -> list[Entitlement]:
    """The customer's features by lookup key, each once. Three queries."""
    return active_entitlements_of(merchant_id, [customer_id])[customer_id]


def active_entitlements_of(merchant_id: str, customer_ids: Iterable[str]) -> dict[str, list[Entitlement]]:
    """The features of many customers, by customer. Three queries, whatever their number."""
    wanted = list(customer_ids)
    held = SubscriptionItem.objects.filter(
        merchant_id=merchant_id,
        subscription__customer_id__in=wanted,
        subscription__status__in=ENTITLING_STATUSES,
        deleted_at__isnull=True,
    ).values_list("subscription__customer_id", "price__product_id")
    products: dict[str, set[str]] = defaultdict(set)
    for customer_id, product_id in held:
        products[customer_id].add(product_id)
    inside = _components({product for found in products.values() for product in found})
    reached = {
        customer: found | {part for one in found for part in inside[one]} for customer, found in products.items()
    }
    features = _features({product for found in reached.values() for product in found})
    return {
        customer_id: _distinct(customer_id, (row for one in reached.get(customer_id, ()) for row in features[one]))
        for customer_id in wanted
    }


def _components(product_ids: set[str]) -> dict[str, set[str]]:
    """A bundle gives what its components give."""
    found: dict[str, set[str]] = defaultdict(set)
    rows = BundleComponent.objects.filter(product_id__in=product_ids).values_list("product_id", "component_id")
    for product_id, component_id in rows:
        found[product_id].add(component_id)
    return found


def _features(product_ids: set[str]) -> dict[str, list[ProductFeature]]:
    found: dict[str, list[ProductFeature]] = defaultdict(list)
    for row in ProductFeature.objects.filter(product_id__in=product_ids).select_related("feature"):
        found[row.product_id].append(row)
    return found


def _distinct(customer_id: str, rows: Iterable[ProductFeature]) -> list[Entitlement]:
    by_feature = {row.feature_id: row.feature for row in rows}
    entitlements = [
        Entitlement(_id(customer_id, feature.id), customer_id, feature.id, feature.lookup_key, feature.name)
        for feature in by_feature.values()
    ]
    return sorted(entitlements, key=lambda one: one.lookup_key)


def _id(customer_id: str, feature_id: str) -> str:
    return "ent_" + customer_id.rpartition("_")[2] + feature_id.rpartition("_")[2]


def entitlement(merchant_id: str, entitlement_id: str) -> Entitlement | None:
    """The customer's entitlement by its id, while it is active."""
    tail = entitlement_id.removeprefix("ent_")
    held = active_entitlements(merchant_id, f"cus_{tail[:ID_WIDTH]}")
    return next((one for one in held if one.id == entitlement_id), None)


def holders(merchant_id: str, product_id: str) -> QuerySet[SubscriptionItem, str]:
    """Ids of the customers who hold the product, by itself or in a bundle; each once."""
    bundles = BundleComponent.objects.filter(component_id=product_id).values("product_id")
    items = SubscriptionItem.objects.filter(
        Q(price__product_id=product_id) | Q(price__product_id__in=bundles),
        merchant_id=merchant_id,
        subscription__status__in=ENTITLING_STATUSES,
        deleted_at__isnull=True,
    )
    return items.order_by("subscription__customer_id").values_list("subscription__customer_id", flat=True).distinct()
