"""The use case: bring an export into a merchant's catalog, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

import psycopg
from django.db import IntegrityError, connection, transaction

from catalog import rules
from catalog.imports import writes
from catalog.imports.planning import plan_import
from catalog.imports.types import ImportedProduct, ImportOptions, Note, ParsedExport, Problem
from catalog.imports.woocommerce import parse_woocommerce
from catalog.models import Price, Product
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from merchants.models import Merchant

T = TypeVar("T")

CHUNK = 5_000  # products held in memory with their JSON; the number of queries grows by this, not by rows


class CatalogChangedMeanwhile(OstinatoError):
    code = "lock_timeout"
    message_id = gettext_noop("Somebody changed the catalog during the import. Nothing was changed; try again.")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was done, or would be under a dry run. With `problems` nothing was."""

    rows: int
    products: int
    prices: int
    products_created: int = 0
    products_updated: int = 0
    prices_created: int = 0
    prices_updated: int = 0
    prices_archived: int = 0
    unchanged: int = 0
    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = field(default=())


def import_woocommerce(
    *,
    ctx: Context,
    merchant_id: str,
    content: bytes,
    options: ImportOptions,
    encoding: str = "utf-8",
    dry_run: bool = False,
) -> ImportReport:
    """Read the export, then write all of it in one transaction, or nothing when any cell is wrong.

    Raises `catalog.imports.reading`'s errors for a file that cannot be read, `catalog.rules`' for the options.
    """
    options = _checked(options)
    parsed = parse_woocommerce(content, options, encoding=encoding)
    report = ImportReport(
        rows=parsed.rows,
        products=len(parsed.products),
        prices=sum(len(product.prices) for product in parsed.products),
        problems=parsed.problems,
        notes=parsed.notes,
    )
    if parsed.problems:
        return report
    try:
        return _write(ctx, merchant_id, parsed, report, dry_run=dry_run)
    except (IntegrityError, psycopg.IntegrityError) as error:
        raise CatalogChangedMeanwhile from error


def _checked(options: ImportOptions) -> ImportOptions:
    """The options as the rules for prices want them. Raises `UnknownCurrency`, `IntervalTooLong`, …"""
    probe: dict[str, Any] = {"unit_amount_decimal": "0", "currency": options.currency, "type": "one_time"}
    if not options.one_time:
        probe |= {"type": "recurring", "interval": options.interval, "interval_count": options.interval_count}
    return replace(options, currency=rules.check_price(probe)["currency"])


@transaction.atomic
def _write(
    ctx: Context, merchant_id: str, parsed: ParsedExport, report: ImportReport, *, dry_run: bool
) -> ImportReport:
    # One import at a time per merchant: two would plan the same rows as new.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"catalog import {merchant_id}"])
    merchant = Merchant.objects.get(id=merchant_id)
    for products in _chunks(parsed.products, CHUNK):
        plan = plan_import(products, *_existing(merchant_id, products))
        if not dry_run:
            writes.write_plan(ctx, merchant, plan)
        report = replace(
            report,
            products_created=report.products_created + len(plan.products_created),
            products_updated=report.products_updated + len(plan.products_updated),
            prices_created=report.prices_created + len(plan.prices_created),
            prices_updated=report.prices_updated + len(plan.prices_updated),
            prices_archived=report.prices_archived + len(plan.prices_replaced),
            unchanged=report.unchanged + plan.unchanged,
        )
    return report


def _existing(merchant_id: str, products: list[ImportedProduct]) -> tuple[dict[str, Product], dict[str, Price]]:
    """What the chunk's rows were before, locked, by external id; deleted ones too, for their ids are taken."""
    product_ids = [product.external_id for product in products]
    price_ids = [price.external_id for product in products for price in product.prices]
    found_products = Product.objects.filter(merchant_id=merchant_id, external_id__in=product_ids)
    found_prices = Price.objects.filter(merchant_id=merchant_id, external_id__in=price_ids)
    return (
        {str(row.external_id): row for row in found_products.order_by("id").select_for_update(no_key=True)},
        {str(row.external_id): row for row in found_prices.order_by("id").select_for_update(no_key=True)},
    )


def _chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk
