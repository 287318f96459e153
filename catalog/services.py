"""Use cases of the catalog: create and change what is sold. Each is one transaction and tells the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from catalog import rules
from catalog.baskets import MixedCurrencies as MixedCurrencies, NothingToSell as NothingToSell, put_items, sold_rows
from catalog.models import (
    BundleComponent,
    Coupon,
    Meter,
    PaymentLink,
    Price,
    Product,
    PromotionCode,
    TaxRate,
)
from catalog.saving import AlreadyTaken as AlreadyTaken, create_row, save_row, update_row
from catalog.selectors import find
from core.context import Context
from core.errors import OstinatoError, gettext_noop


class PriceMoneyIsFixed(OstinatoError):
    code = "parameter_invalid"
    param = "unit_amount"
    message_id = gettext_noop("The amount, currency and interval of a price never change: create a new price.")


class TaxBehaviorIsFixed(OstinatoError):
    code = "parameter_invalid"
    param = "tax_behavior"
    message_id = gettext_noop("Once a price is inclusive or exclusive of tax it stays so: create a new price.")


class CurrencyOptionIsFixed(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("What a price costs in %(currency)s is set and never changes: create a new price.")


class DefaultPriceInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "default_price"
    message_id = gettext_noop("A product's default price is one of its own prices, and active.")


class DefaultPriceInUse(OstinatoError):
    code = "parameter_invalid"
    param = "active"
    message_id = gettext_noop(
        "This is its product's default price: make another one the default before it is archived."
    )


class MeterInactive(OstinatoError):
    code = "parameter_invalid"
    param = "recurring[meter]"
    message_id = gettext_noop("The meter “%(meter)s” is not active.")


class BundleOfBundles(OstinatoError):
    code = "parameter_invalid"
    param = "components"
    message_id = gettext_noop("A bundle is composed of products that are no bundles, each once and at least one of it.")


class CouponIsOver(OstinatoError):
    code = "coupon_expired"
    param = "promotion[coupon]"
    message_id = gettext_noop("The coupon %(coupon)s cannot be given any more.")


_PRODUCT_FIELDS = frozenset(
    {
        "name",
        "description",
        "active",
        "images",
        "url",
        "statement_descriptor",
        "tax_code",
        "unit_label",
        "default_price_id",
        "marketing_features",
        "package_dimensions",
        "shippable",
        "sku",
        "stock_quantity",
        "metadata",
    }
)
_PRICE_FIELDS = frozenset(
    {"active", "currency_options", "nickname", "lookup_key", "tax_behavior", "metadata", "sku", "stock_quantity"}
)
_PRICE_MONEY = frozenset(
    {
        "unit_amount_decimal",
        "currency",
        "interval",
        "interval_count",
        "type",
        "billing_scheme",
        "tiers",
        "tiers_mode",
        "transform_quantity",
        "usage_type",
        "meter_id",
        "percentage",
        "minimum_amount",
    }
)
_COUPON_FIELDS = frozenset({"name", "metadata", "currency_options"})
_PROMOTION_CODE_FIELDS = frozenset({"active", "metadata", "currency_options"})
_TAX_RATE_FIELDS = frozenset(
    {"active", "display_name", "description", "country", "state", "jurisdiction", "tax_type", "metadata"}
)
_PAYMENT_LINK_FIELDS = frozenset(
    {
        "name",
        "active",
        "allow_promotion_codes",
        "adjustable_quantity",
        "terms",
        "trial_period_days",
        "tax_rate_ids",
        "after_completion_url",
        "metadata",
    }
)


def create_product(*, ctx: Context, merchant_id: str, **fields: Any) -> Product:
    """A product from the model's field names. Raises `catalog.rules` errors and `AlreadyTaken`."""
    rules.check_product(fields)
    return create_row(ctx, Product, merchant_id, fields)


def update_product(*, ctx: Context, merchant_id: str, product_id: str, **fields: Any) -> Product:
    with transaction.atomic():
        product = find(Product, merchant_id, product_id, lock=True)
        rules.check_product({"name": product.name} | fields)
        _check_default_price(product, fields.get("default_price_id"))
        return update_row(ctx, product, fields, _PRODUCT_FIELDS)


def _check_default_price(product: Product, price_id: str | None) -> None:
    if price_id and not product.prices.filter(id=price_id, active=True, deleted_at__isnull=True).exists():
        raise DefaultPriceInvalid


def delete_product(*, ctx: Context, merchant_id: str, product_id: str) -> Product:
    """It is no longer there for anybody. Who calls makes sure that it has no prices."""
    with transaction.atomic():
        product = find(Product, merchant_id, product_id, lock=True)
        if product.deleted_at is None:
            product.deleted_at, product.active = ctx.as_of, False
            save_row(ctx, product, "deleted", previous=None)
        return product


def delete_price(*, ctx: Context, merchant_id: str, price_id: str) -> Price:
    """It is no longer there for anybody. Who calls makes sure that nobody is billed by it.

    Raises `DefaultPriceInUse`.
    """
    with transaction.atomic():
        price = find(Price, merchant_id, price_id, lock=True)
        if price.deleted_at is None:
            _check_price_change(price, {"active": False})
            price.deleted_at, price.active, price.lookup_key = ctx.as_of, False, None
            save_row(ctx, price, "deleted", previous=None)
        return price


def set_bundle(*, ctx: Context, merchant_id: str, product_id: str, components: Sequence[tuple[str, int]]) -> None:
    """Make the product a bundle of `components`, (product id, quantity) each; none makes it a plain product again.

    Paper that was written keeps what it says. Raises `NotInCatalog`, `BundleOfBundles`.
    """
    with transaction.atomic():
        product = find(Product, merchant_id, product_id, lock=True)
        ids = [component_id for component_id, _ in components]
        for component_id in ids:
            find(Product, merchant_id, component_id)
        nested = BundleComponent.objects.filter(merchant_id=merchant_id, product_id__in=ids).exists()
        inside = BundleComponent.objects.filter(merchant_id=merchant_id, component_id=product_id).exists()
        wrong = product_id in ids or len(set(ids)) < len(ids) or any(quantity < 1 for _, quantity in components)
        if wrong or (components and (nested or inside)):
            raise BundleOfBundles
        BundleComponent.objects.filter(merchant_id=merchant_id, product_id=product_id).delete()
        BundleComponent.objects.bulk_create(
            BundleComponent(
                merchant_id=merchant_id, product_id=product_id, component_id=inner, quantity=n, position=place
            )
            for place, (inner, n) in enumerate(components)
        )
        save_row(ctx, product, "updated", previous=None)


def create_meter(*, ctx: Context, merchant_id: str, display_name: str, event_name: str, **fields: Any) -> Meter:
    """A meter; `formula` (sum unless told), `customer_key`, `value_key`. Raises `catalog.rules` errors, `AlreadyTaken`
    for an event name that an active meter has."""
    fields = {"formula": "sum"} | fields | {"display_name": display_name, "event_name": event_name}
    rules.check_product({"name": display_name})
    rules.check_meter(fields)
    return create_row(ctx, Meter, merchant_id, fields)


def update_meter(*, ctx: Context, merchant_id: str, meter_id: str, display_name: str) -> Meter:
    """Only the name of a meter changes: what it counted stays what it was."""
    rules.check_product({"name": display_name})
    with transaction.atomic():
        row = find(Meter, merchant_id, meter_id, lock=True)
        return update_row(ctx, row, {"display_name": display_name}, frozenset({"display_name"}))


def set_meter_status(*, ctx: Context, merchant_id: str, meter_id: str, status: str) -> Meter:
    """`inactive`: its events are refused from now on; what was counted is still billed. `active` takes that back."""
    changes = {"status": status, "deactivated_at": ctx.as_of if status == "inactive" else None}
    with transaction.atomic():
        row = find(Meter, merchant_id, meter_id, lock=True)
        return row if row.status == status else update_row(ctx, row, changes, frozenset(changes))


def create_price(
    *, ctx: Context, merchant_id: str, product_id: str, transfer_lookup_key: bool = False, **fields: Any
) -> Price:
    """A price of `product_id`; `unit_amount_decimal` in minor units, the rest as `catalog.rules.check_price` says.

    `transfer_lookup_key` takes `lookup_key` from the price that has it. Raises `catalog.rules` errors,
    `NotInCatalog`, `MeterInactive`, `AlreadyTaken`.
    """
    find(Product, merchant_id, product_id)
    fields = rules.check_price(fields)
    meter_id = fields.get("meter_id")
    if meter_id and find(Meter, merchant_id, meter_id, param="recurring[meter]").status != "active":
        raise MeterInactive(meter=fields["meter_id"])
    with transaction.atomic():
        if transfer_lookup_key:
            _release_lookup_key(ctx, merchant_id, fields.get("lookup_key"))
        return create_row(ctx, Price, merchant_id, fields | {"product_id": product_id})


def update_price(
    *, ctx: Context, merchant_id: str, price_id: str, transfer_lookup_key: bool = False, **fields: Any
) -> Price:
    """Change what may change; `currency_options` are added to those it has.

    Raises `PriceMoneyIsFixed` for what decides the money, `CurrencyOptionIsFixed`, `TaxBehaviorIsFixed`,
    `DefaultPriceInUse`, and what `catalog.rules.added_options` raises.
    """
    if set(fields) & _PRICE_MONEY:
        raise PriceMoneyIsFixed
    with transaction.atomic():
        price = find(Price, merchant_id, price_id, lock=True)
        _check_price_change(price, fields)
        if "currency_options" in fields:
            fields["currency_options"] = _more_options(price, fields["currency_options"])
        if transfer_lookup_key and fields.get("lookup_key") != price.lookup_key:
            _release_lookup_key(ctx, merchant_id, fields.get("lookup_key"))
        return update_row(ctx, price, fields, _PRICE_FIELDS)


def _check_price_change(price: Price, fields: dict[str, Any]) -> None:
    if fields.get("tax_behavior", price.tax_behavior) != price.tax_behavior and price.tax_behavior != "unspecified":
        raise TaxBehaviorIsFixed
    if fields.get("active", True) is False and price.product.default_price_id == price.id:
        raise DefaultPriceInUse


def _more_options(price: Price, given: Mapping[str, Any]) -> dict[str, Any]:
    """The price's currencies with those that are given. One that it has may only be repeated as it is."""
    facts = {name: getattr(price, name) for name in ("type", "billing_scheme", "tiers_mode", "percentage")}
    added = rules.added_options(facts, price.currency, given)
    for code, option in added.items():
        known = price.currency_options.get(code)
        if known is not None and known != option:
            raise CurrencyOptionIsFixed(param=f"currency_options[{code}]", currency=code.upper())
    return {**price.currency_options, **added}


def _release_lookup_key(ctx: Context, merchant_id: str, lookup_key: str | None) -> None:
    holder = Price.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, lookup_key=lookup_key).first()
    if holder is not None and lookup_key:
        update_row(ctx, holder, {"lookup_key": None}, _PRICE_FIELDS)


def create_coupon(*, ctx: Context, merchant_id: str, **fields: Any) -> Coupon:
    """A coupon; `api_id` is the id people type, `percent_off` a Decimal, `amount_off` minor units of `currency`."""
    fields = rules.check_coupon({"duration": "once"} | fields, as_of=ctx.as_of)
    return create_row(ctx, Coupon, merchant_id, fields)


def update_coupon(*, ctx: Context, merchant_id: str, coupon_id: str, **fields: Any) -> Coupon:
    """`currency_options` are added to those there are, or take their place. What it takes off is fixed otherwise."""
    with transaction.atomic():
        coupon = find(Coupon, merchant_id, coupon_id, lock=True)
        if "currency_options" in fields:
            merged = {**coupon.currency_options, **fields["currency_options"]}
            fields["currency_options"] = rules.coupon_options(merged, coupon.currency)
        return update_row(ctx, coupon, fields, _COUPON_FIELDS)


def delete_coupon(*, ctx: Context, merchant_id: str, coupon_id: str) -> Coupon:
    """Nobody can redeem it any more; discounts that were given go on."""
    with transaction.atomic():
        coupon = find(Coupon, merchant_id, coupon_id, lock=True)
        if coupon.deleted_at is None:
            coupon.deleted_at = ctx.as_of
            save_row(ctx, coupon, "deleted", previous=None)
        return coupon


def create_promotion_code(*, ctx: Context, merchant_id: str, coupon_id: str, code: str, **fields: Any) -> PromotionCode:
    """A code for a coupon. Raises `CodeInvalid`, `AlreadyTaken`, `CouponIsOver` and what the rules of limits say."""
    coupon = find(Coupon, merchant_id, coupon_id)
    if coupon.deleted_at is not None or (coupon.redeem_by is not None and coupon.redeem_by <= ctx.as_of):
        raise CouponIsOver(coupon=str(coupon))
    rules.check_limits(fields.get("max_redemptions"), fields.get("expires_at"), as_of=ctx.as_of, name="expires_at")
    fields = rules.check_minimums(fields)
    fields |= {"coupon_id": coupon_id, "code": rules.canonical_code(code), "code_as_written": code.strip()}
    return create_row(ctx, PromotionCode, merchant_id, fields)


def update_promotion_code(*, ctx: Context, merchant_id: str, promotion_code_id: str, **fields: Any) -> PromotionCode:
    """`active`, `metadata`, `currency_options` (minimums that are added). Raises `CouponIsOver`, `AlreadyTaken`.

    A code cannot be made active again once its coupon is deleted.
    """
    with transaction.atomic():
        row = find(PromotionCode, merchant_id, promotion_code_id, lock=True)
        if fields.get("active") and not row.active and row.coupon.deleted_at is not None:
            raise CouponIsOver(param="active", coupon=str(row.coupon))
        if "currency_options" in fields:
            merged = {**row.currency_options, **fields["currency_options"]}
            fields["currency_options"] = rules.minimum_options(merged, row.minimum_amount_currency)
        return update_row(ctx, row, fields, _PROMOTION_CODE_FIELDS)


def create_tax_rate(
    *, ctx: Context, merchant_id: str, display_name: str, percentage: Decimal, **fields: Any
) -> TaxRate:
    fields = fields | {"display_name": display_name, "percentage": percentage}
    rules.check_tax_rate(fields)
    return create_row(ctx, TaxRate, merchant_id, fields)


def update_tax_rate(*, ctx: Context, merchant_id: str, tax_rate_id: str, **fields: Any) -> TaxRate:
    """Everything but the percentage: a new percentage is a new rate."""
    with transaction.atomic():
        row = find(TaxRate, merchant_id, tax_rate_id, lock=True)
        return update_row(ctx, row, fields, _TAX_RATE_FIELDS)


def create_payment_link(
    *,
    ctx: Context,
    merchant_id: str,
    items: Sequence[tuple[str, int]],
    line_terms: Sequence[Mapping[str, Any]] = (),
    **fields: Any,
) -> PaymentLink:
    """A public page that sells `items`, (price id, quantity) each, with `line_terms` (`baskets.put_items`).

    Raises `NothingToSell`, `MixedCurrencies`.
    """
    rows = sold_rows(merchant_id, items)
    with transaction.atomic():
        link = create_row(ctx, PaymentLink, merchant_id, fields | {"currency": rows[0][0].currency})
        put_items(link, rows, line_terms)
        return link


def update_payment_link(*, ctx: Context, merchant_id: str, payment_link_id: str, **fields: Any) -> PaymentLink:
    with transaction.atomic():
        row = find(PaymentLink, merchant_id, payment_link_id, lock=True)
        return update_row(ctx, row, fields, _PAYMENT_LINK_FIELDS)
