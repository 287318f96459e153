"""What an import changes: the file against what is there already. Pure.

A product or price is known again by its `external_id`. What cannot change on a price (amount, currency, rhythm,
trial, product) makes a new one: it takes over external id and lookup key, and the old one is archived, so that
subscriptions on it go on as agreed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from catalog.imports.types import ImportedPrice, ImportedProduct

PRODUCT_FIELDS = ("name", "description", "active", "images", "url", "sku", "stock_quantity", "metadata", "deleted_at")
PRICE_FIELDS = ("nickname", "active", "sku", "stock_quantity", "deleted_at")


class ExistingProduct(Protocol):
    id: str
    external_id: str | None
    metadata: dict[str, Any]


class ExistingPrice(Protocol):
    id: str
    product_id: str
    external_id: str | None
    lookup_key: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A row and the fields to set on it."""

    row: Any
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewPrice:
    """`product_id` is blank for a product that is new itself; `lookup_key` and `metadata` come from the old price."""

    imported: ImportedPrice
    product_external_id: str
    product_id: str
    lookup_key: str | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Rows to write. `prices_replaced` are archived first: their keys move to `prices_created`."""

    products_created: tuple[ImportedProduct, ...]
    products_updated: tuple[Change, ...]
    prices_created: tuple[NewPrice, ...]
    prices_updated: tuple[Change, ...]
    prices_replaced: tuple[Change, ...]
    unchanged: int


def plan_import(
    products: Iterable[ImportedProduct],
    existing_products: Mapping[str, Any],
    existing_prices: Mapping[str, Any],
) -> ImportPlan:
    """The plan for `products`; what exists is given by external id. Rows that are not in the file stay as they are."""
    created: list[ImportedProduct] = []
    updated: list[Change] = []
    prices_created: list[NewPrice] = []
    prices_updated: list[Change] = []
    replaced: list[Change] = []
    unchanged = 0
    for product in products:
        known = existing_products.get(product.external_id)
        product_id = "" if known is None else known.id
        if known is None:
            created.append(product)
        elif fields := _product_changes(product, known):
            updated.append(Change(known, fields))
        else:
            unchanged += 1
        for price in product.prices:
            old = existing_prices.get(price.external_id)
            if old is None:
                prices_created.append(NewPrice(price, product.external_id, product_id))
            elif _money(old) != price.money or old.product_id != product_id:
                replaced.append(Change(old, {"active": False, "external_id": None, "lookup_key": None}))
                prices_created.append(
                    NewPrice(price, product.external_id, product_id, old.lookup_key, dict(old.metadata))
                )
            elif fields := _price_changes(price, old):
                prices_updated.append(Change(old, fields))
            else:
                unchanged += 1
    return ImportPlan(
        tuple(created), tuple(updated), tuple(prices_created), tuple(prices_updated), tuple(replaced), unchanged
    )


def _money(price: Any) -> tuple[object, ...]:
    return (
        price.unit_amount_decimal,
        price.currency,
        price.type,
        price.interval,
        price.interval_count,
        price.trial_period_days,
    )


def _product_changes(product: ImportedProduct, known: Any) -> dict[str, Any]:
    wanted = {
        "name": product.name,
        "description": product.description,
        "active": product.active,
        "images": list(product.images),
        "url": product.url,
        "sku": product.sku,
        "stock_quantity": product.stock_quantity,
        "metadata": known.metadata | dict(product.metadata),  # keys of the merchant's own stay
        "deleted_at": None,
    }
    return _differing(wanted, known)


def _price_changes(price: ImportedPrice, known: Any) -> dict[str, Any]:
    wanted = {
        "active": price.active,
        "sku": price.sku,
        "stock_quantity": price.stock_quantity,
        "deleted_at": None,
    }
    if price.nickname:  # a simple product's price has none: what the merchant called it stays
        wanted["nickname"] = price.nickname
    return _differing(wanted, known)


def _differing(wanted: Mapping[str, Any], row: Any) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}
