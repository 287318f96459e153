"""Writes an import's plan in bulk, and what it tells the outbox. Never opens a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.imports.planning import PRICE_FIELDS, PRODUCT_FIELDS, Change, ImportPlan, NewPrice
from catalog.imports.types import ImportedProduct
from catalog.models import Price, Product
from catalog.snapshots import price_snapshot, product_snapshot
from core.context import Context
from core.ids import new_ids
from events.copying import Row, insert_rows, new_row, update_rows
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant

Previous = Mapping[str, dict[str, Any]]

_STAMPS = ("version", "recorded_at")
_SCALARS = tuple(name for name in PRODUCT_FIELDS if name != "images")  # unnest would flatten an array column
_KEYS = ("active", "external_id", "lookup_key")


def write_plan(ctx: Context, merchant: Merchant, plan: ImportPlan) -> None:
    """Replaced prices first: the unique keys they give up are taken by the new ones."""
    previous = _apply(ctx, [*plan.products_updated, *plan.prices_replaced, *plan.prices_updated])
    new_products = _new_products(ctx, merchant, plan.products_created)
    ids = {str(row.external_id): row.id for row in new_products}
    new_prices = _new_prices(ctx, merchant, plan.prices_created, ids)

    insert_rows(Product, new_products)
    _update(Product, plan.products_updated, _SCALARS)
    with_images = [change.row for change in plan.products_updated if "images" in change.fields]
    Product.objects.bulk_update(with_images, ["images"], batch_size=1000)
    _update(Price, plan.prices_replaced, _KEYS)
    _update(Price, plan.prices_updated, PRICE_FIELDS)
    insert_rows(Price, new_prices)

    products = [*new_products, *(change.row for change in plan.products_updated)]
    prices = [*(change.row for change in (*plan.prices_replaced, *plan.prices_updated)), *new_prices]
    record_events(ctx, [*_facts(merchant, "product", products, previous), *_facts(merchant, "price", prices, previous)])


def _apply(ctx: Context, changes: Sequence[Change]) -> Previous:
    """Set the fields on the rows; gives what they were, by row id, as JSON can hold it."""
    previous: dict[str, dict[str, Any]] = {}
    for change in changes:
        row = change.row
        previous[row.id] = {name: getattr(row, name) for name in change.fields}
        for name, value in change.fields.items():
            setattr(row, name, value)
        row.version += 1
        row.recorded_at = ctx.recorded_at
    return previous


def _update(model: type[Product] | type[Price], changes: Sequence[Change], fields: tuple[str, ...]) -> None:
    names = ("id", *fields, *_STAMPS)
    update_rows(model, names, [[getattr(change.row, name) for name in names] for change in changes])


def _new_products(ctx: Context, merchant: Merchant, products: Sequence[ImportedProduct]) -> list[Row]:
    return [
        new_row(
            Product,
            id=row_id,
            merchant_id=merchant.id,
            name=product.name,
            description=product.description,
            active=product.active,
            images=list(product.images),
            url=product.url,
            sku=product.sku,
            stock_quantity=product.stock_quantity,
            external_id=product.external_id,
            metadata=dict(product.metadata),
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        for row_id, product in zip(new_ids("prod", len(products)), products, strict=True)
    ]


def _new_prices(
    ctx: Context, merchant: Merchant, prices: Sequence[NewPrice], product_ids: Mapping[str, str]
) -> list[Row]:
    return [
        new_row(
            Price,
            id=row_id,
            merchant_id=merchant.id,
            product_id=price.product_id or product_ids[price.product_external_id],
            active=price.imported.active,
            nickname=price.imported.nickname,
            type=price.imported.type,
            currency=price.imported.currency,
            unit_amount_decimal=price.imported.unit_amount,
            interval=price.imported.interval,
            interval_count=price.imported.interval_count,
            trial_period_days=price.imported.trial_period_days,
            lookup_key=price.lookup_key,
            sku=price.imported.sku,
            stock_quantity=price.imported.stock_quantity,
            external_id=price.imported.external_id,
            metadata=dict(price.metadata or {}),
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        for row_id, price in zip(new_ids("price", len(prices)), prices, strict=True)
    ]


def _facts(merchant: Merchant, kind: str, rows: Iterable[Any], previous: Previous) -> Iterable[EventRow]:
    snapshot: Any = product_snapshot if kind == "product" else price_snapshot
    for row in rows:
        was = previous.get(row.id)
        yield EventRow(
            merchant_id=merchant.id,
            type=f"{kind}.{'created' if was is None else 'updated'}",
            object_type=kind,
            object_id=row.id,
            object_version=row.version,
            previous_attributes=was,
            body=snapshot(row, livemode=merchant.livemode) if merchant.keep_event_bodies else None,
        )
