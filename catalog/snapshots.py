"""A catalog row's facts as Stripe's JSON objects: one place for the API, events and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from catalog.page_terms import page_terms_snapshot
from core.json_values import epoch, json_number, plain_decimal

Json = dict[str, Any]


class ProductRow(Protocol):
    id: str
    api_id: str | None
    name: str
    description: str
    active: bool
    images: list[str]
    url: str
    statement_descriptor: str
    tax_code: str
    unit_label: str
    default_price_id: str
    marketing_features: list[str]
    package_dimensions: dict[str, Any] | None
    shippable: bool | None
    metadata: Mapping[str, str]
    created: datetime
    recorded_at: datetime


class PriceRow(Protocol):
    id: str
    api_id: str | None
    product_id: str
    active: bool
    nickname: str
    type: str
    currency: str
    billing_scheme: str
    unit_amount_decimal: Decimal
    interval: str
    interval_count: int | None
    usage_type: str
    meter_id: str | None
    tiers_mode: str
    tiers: list[dict[str, Any]]
    transform_quantity: dict[str, Any] | None
    percentage: Decimal | None
    minimum_amount: int | None
    currency_options: dict[str, dict[str, Any]]
    trial_period_days: int | None
    tax_behavior: str
    lookup_key: str | None
    metadata: Mapping[str, str]
    created: datetime


class CouponRow(Protocol):
    id: str
    api_id: str | None
    name: str
    percent_off: Decimal | None
    amount_off: int | None
    currency: str
    currency_options: Mapping[str, int]
    duration: str
    duration_in_months: int | None
    max_redemptions: int | None
    times_redeemed: int
    redeem_by: datetime | None
    applies_to_product_ids: list[str]
    metadata: Mapping[str, str]
    created: datetime


class PromotionCodeRow(Protocol):
    id: str
    code: str
    code_as_written: str
    active: bool
    coupon_id: str
    customer_id: str
    expires_at: datetime | None
    first_time_transaction: bool
    minimum_amount: int | None
    minimum_amount_currency: str
    currency_options: Mapping[str, int]
    max_redemptions: int | None
    times_redeemed: int
    metadata: Mapping[str, str]
    created: datetime


class TaxRateRow(Protocol):
    id: str
    active: bool
    display_name: str
    description: str
    percentage: Decimal
    inclusive: bool
    country: str
    state: str
    jurisdiction: str
    tax_type: str
    metadata: Mapping[str, str]
    created: datetime


class PaymentLinkRow(Protocol):
    id: str
    active: bool
    after_completion_url: str
    currency: str
    allow_promotion_codes: bool
    trial_period_days: int | None
    terms: Mapping[str, Any]
    metadata: Mapping[str, str]
    created: datetime


def product_snapshot(product: ProductRow, *, livemode: bool) -> Json:
    return {
        "id": product.api_id or product.id,
        "object": "product",
        "active": product.active,
        "created": epoch(product.created),
        "default_price": product.default_price_id or None,
        "description": product.description or None,
        "images": list(product.images),
        "livemode": livemode,
        "marketing_features": [{"name": name} for name in product.marketing_features],
        "metadata": dict(product.metadata),
        "name": product.name,
        "package_dimensions": _dimensions(product.package_dimensions),
        "shippable": product.shippable,
        "statement_descriptor": product.statement_descriptor or None,
        "tax_code": product.tax_code or None,
        "type": "service",
        "unit_label": product.unit_label or None,
        "updated": epoch(product.recorded_at),
        "url": product.url or None,
    }


def _dimensions(given: Mapping[str, Any] | None) -> Json | None:
    return None if given is None else {name: json_number(Decimal(value)) for name, value in given.items()}


def price_snapshot(price: PriceRow, *, livemode: bool, product_api_id: str = "") -> Json:
    """Stripe's price, `tiers` and `currency_options` expanded; `percentage` and `minimum_amount` are ours."""
    unit = None if price.billing_scheme == "tiered" else price.unit_amount_decimal
    return {
        "id": price.api_id or price.id,
        "object": "price",
        "active": price.active,
        "billing_scheme": price.billing_scheme,
        "created": epoch(price.created),
        "currency": price.currency,
        "currency_options": _currency_options(price),
        "custom_unit_amount": None,
        "livemode": livemode,
        "lookup_key": price.lookup_key,
        "metadata": dict(price.metadata),
        "minimum_amount": price.minimum_amount,
        "nickname": price.nickname or None,
        "percentage": None if price.percentage is None else json_number(price.percentage),
        "product": product_api_id or price.product_id,
        "recurring": _recurring(price),
        "tax_behavior": price.tax_behavior,
        "tiers": _tiers(price.tiers),
        "tiers_mode": price.tiers_mode or None,
        "transform_quantity": price.transform_quantity,
        "type": price.type,
        **_amount("unit_amount", unit),
    }


def _amount(name: str, value: Decimal | str | None) -> Json:
    """An amount as Stripe has it twice: whole minor units (None for fractions), and exact text."""
    if value is None:
        return {name: None, f"{name}_decimal": None}
    exact = Decimal(value)
    whole = exact == exact.to_integral_value()
    return {name: int(exact) if whole else None, f"{name}_decimal": plain_decimal(exact)}


def _tiers(tiers: list[dict[str, Any]]) -> list[Json] | None:
    return [
        {
            "up_to": tier["up_to"],
            **_amount("unit_amount", tier["unit_amount_decimal"]),
            **_amount("flat_amount", tier["flat_amount_decimal"]),
        }
        for tier in tiers
    ] or None


def _currency_options(price: PriceRow) -> dict[str, Json]:
    """What it costs in each currency, its own among them, as Stripe has it."""
    if not price.currency_options:
        return {}
    own = {"tax_behavior": price.tax_behavior, "tiers": price.tiers, "unit_amount_decimal": price.unit_amount_decimal}
    return {code: _currency_option(given) for code, given in {price.currency: own, **price.currency_options}.items()}


def _currency_option(given: Mapping[str, Any]) -> Json:
    tiers = _tiers(given["tiers"])
    return {
        "custom_unit_amount": None,
        "tax_behavior": given["tax_behavior"],
        "tiers": tiers,
        **_amount("unit_amount", None if tiers else given["unit_amount_decimal"]),
    }


def _recurring(price: PriceRow) -> Json | None:
    if price.type != "recurring":
        return None
    return {
        "interval": price.interval,
        "interval_count": price.interval_count,
        "meter": price.meter_id,
        "trial_period_days": price.trial_period_days,
        "usage_type": price.usage_type,
    }


class MeterRow(Protocol):
    id: str
    display_name: str
    event_name: str
    formula: str
    customer_key: str
    value_key: str
    event_time_window: str
    status: str
    deactivated_at: datetime | None
    created: datetime
    recorded_at: datetime


def meter_snapshot(meter: MeterRow, *, livemode: bool) -> Json:
    return {
        "id": meter.id,
        "object": "billing.meter",
        "created": epoch(meter.created),
        "customer_mapping": {"type": "by_id", "event_payload_key": meter.customer_key},
        "default_aggregation": {"formula": meter.formula},
        "display_name": meter.display_name,
        "event_name": meter.event_name,
        "event_time_window": meter.event_time_window or None,
        "livemode": livemode,
        "status": meter.status,
        "status_transitions": {"deactivated_at": epoch(meter.deactivated_at)},
        "updated": epoch(meter.recorded_at),
        "value_settings": {"event_payload_key": meter.value_key},
    }


def coupon_snapshot(coupon: CouponRow, *, livemode: bool, valid: bool) -> Json:
    return {
        "id": coupon.api_id or coupon.id,
        "object": "coupon",
        "amount_off": coupon.amount_off,
        "created": epoch(coupon.created),
        "currency": coupon.currency or None,
        "duration": coupon.duration,
        "duration_in_months": coupon.duration_in_months,
        "livemode": livemode,
        "max_redemptions": coupon.max_redemptions,
        "metadata": dict(coupon.metadata),
        "name": coupon.name or None,
        "percent_off": None if coupon.percent_off is None else json_number(coupon.percent_off),
        "redeem_by": epoch(coupon.redeem_by),
        "times_redeemed": coupon.times_redeemed,
        "valid": valid,
    }


def promotion_code_snapshot(code: PromotionCodeRow, *, livemode: bool) -> Json:
    return {
        "id": code.id,
        "object": "promotion_code",
        "active": code.active,
        "code": code.code_as_written or code.code,
        "created": epoch(code.created),
        "customer": code.customer_id or None,
        "expires_at": epoch(code.expires_at),
        "livemode": livemode,
        "max_redemptions": code.max_redemptions,
        "metadata": dict(code.metadata),
        "promotion": {"type": "coupon", "coupon": code.coupon_id},
        "restrictions": {
            **(
                {
                    "currency_options": {
                        currency: {"minimum_amount": amount} for currency, amount in code.currency_options.items()
                    }
                }
                if code.currency_options
                else {}
            ),
            "first_time_transaction": code.first_time_transaction,
            "minimum_amount": code.minimum_amount,
            "minimum_amount_currency": code.minimum_amount_currency or None,
        },
        "times_redeemed": code.times_redeemed,
    }


def tax_rate_snapshot(rate: TaxRateRow, *, livemode: bool) -> Json:
    return {
        "id": rate.id,
        "object": "tax_rate",
        "active": rate.active,
        "country": rate.country or None,
        "created": epoch(rate.created),
        "description": rate.description or None,
        "display_name": rate.display_name,
        "inclusive": rate.inclusive,
        "jurisdiction": rate.jurisdiction or None,
        "livemode": livemode,
        "metadata": dict(rate.metadata),
        "percentage": json_number(rate.percentage),
        "state": rate.state or None,
        "tax_type": rate.tax_type or None,
    }


def payment_link_snapshot(link: PaymentLinkRow, *, livemode: bool) -> Json:
    """Stripe's payment_link. Its `url`, and how many of a limit were bought, are put in where it is shown."""
    terms = link.terms
    said = terms.get("subscription", {})
    at_end, limit = said.get("trial_missing_payment_method"), terms.get("completed_sessions_limit")
    words = terms.get("confirmation_message") or None
    after: Json = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": words}}
    if link.after_completion_url:
        after = {"type": "redirect", "redirect": {"url": link.after_completion_url}}
    return {
        "id": link.id,
        "object": "payment_link",
        "active": link.active,
        "after_completion": after,
        "allow_promotion_codes": link.allow_promotion_codes,
        "created": epoch(link.created),
        "currency": link.currency,
        "livemode": livemode,
        "metadata": dict(link.metadata),
        "subscription_data": {
            "description": said.get("description") or None,
            "invoice_settings": {"issuer": {"type": "self"}},
            "metadata": dict(said.get("metadata", {})),
            "trial_period_days": link.trial_period_days,
            "trial_settings": {"end_behavior": {"missing_payment_method": at_end}} if at_end else None,
        },
        "inactive_message": terms.get("inactive_message") or None,
        "restrictions": {"completed_sessions": {"count": 0, "limit": limit}} if limit else None,
        **page_terms_snapshot(terms),
    }


def feature_snapshot(feature: Any, *, livemode: bool) -> Json:
    """Stripe's entitlements.feature."""
    return {
        "id": feature.id,
        "object": "entitlements.feature",
        "active": feature.active,
        "livemode": livemode,
        "lookup_key": feature.lookup_key,
        "metadata": dict(feature.metadata),
        "name": feature.name,
    }


def product_feature_snapshot(attached: Any, *, livemode: bool) -> Json:
    """Stripe's product_feature, its feature read with it."""
    return {
        "id": attached.id,
        "object": "product_feature",
        "entitlement_feature": feature_snapshot(attached.feature, livemode=livemode),
        "livemode": livemode,
    }
