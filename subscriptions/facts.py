"""Rows (or model instances) read as the facts that rules take. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.periods import Interval
from subscriptions.types import (
    BilledUsage,
    CouponFacts,
    CurrencyOptionFacts,
    DebitFacts,
    DiscountAmount,
    DiscountFacts,
    ItemFacts,
    PackageFacts,
    PlannedTax,
    PriceFacts,
    PriceLeft,
    PromotionCodeFacts,
    SubscriptionFacts,
    TierFacts,
    UsageSpan,
)


def price_facts(price: Any, product: Any, components: Iterable[tuple[str, int]] = ()) -> PriceFacts:
    """A price with its product; `components` are the (product name, quantity) of a bundle."""
    package = price.transform_quantity
    return PriceFacts(
        id=price.id,
        product_id=price.product_id,
        product_name=product.name,
        currency=price.currency,
        unit_amount_decimal=price.unit_amount_decimal,
        interval=Interval(price.interval, price.interval_count) if price.interval else None,
        nickname=price.nickname,
        unit_label=product.unit_label,
        billing_scheme=price.billing_scheme,
        usage_type=price.usage_type,
        trial_period_days=price.trial_period_days,
        cycle_day=price.cycle_day,
        tax_behavior=price.tax_behavior,
        active=price.active,
        tiers_mode=price.tiers_mode,
        tiers=_tiers(price.tiers),
        package=PackageFacts(package["divide_by"], package["round"]) if package else None,
        percentage=price.percentage,
        minimum_amount=price.minimum_amount,
        meter_id=price.meter_id or "",
        currency_options=tuple(
            CurrencyOptionFacts(
                currency,
                Decimal(given["unit_amount_decimal"]),
                _tiers(given["tiers"]),
                given["minimum_amount"],
                given["tax_behavior"],
            )
            for currency, given in price.currency_options.items()
        ),
        components=tuple(components),
    )


def _tiers(tiers: Iterable[Mapping[str, Any]]) -> tuple[TierFacts, ...]:
    return tuple(
        TierFacts(
            tier["up_to"],
            Decimal(tier["unit_amount_decimal"] or 0),
            Decimal(tier["flat_amount_decimal"] or 0),
        )
        for tier in tiers
    )


def coupon_facts(coupon: Any) -> CouponFacts:
    return CouponFacts(
        id=coupon.id,
        name=coupon.name or coupon.api_id or coupon.id,
        percent_off=coupon.percent_off,
        amount_off=coupon.amount_off,
        currency=coupon.currency,
        currency_options=tuple(coupon.currency_options.items()),
        duration=coupon.duration,
        duration_in_months=coupon.duration_in_months,
        max_redemptions=coupon.max_redemptions,
        times_redeemed=coupon.times_redeemed,
        redeem_by=coupon.redeem_by,
        applies_to_product_ids=frozenset(coupon.applies_to_product_ids),
        deleted=coupon.deleted_at is not None,
    )


def promotion_code_facts(code: Any) -> PromotionCodeFacts:
    return PromotionCodeFacts(
        id=code.id,
        code=code.code,
        coupon_id=code.coupon_id,
        active=code.active,
        customer_id=code.customer_id,
        expires_at=code.expires_at,
        max_redemptions=code.max_redemptions,
        times_redeemed=code.times_redeemed,
        first_time_transaction=code.first_time_transaction,
        minimum_amount=code.minimum_amount,
        minimum_amount_currency=code.minimum_amount_currency,
        minimum_options=tuple(code.currency_options.items()),
    )


def discount_facts(discount: Any, coupon: CouponFacts) -> DiscountFacts:
    return DiscountFacts(
        id=discount.id,
        coupon=coupon,
        start=discount.start,
        end=discount.end,
        consumed_at=discount.consumed_at,
        position=discount.position,
        subscription_item_id=discount.subscription_item_id,
        promotion_code_id=discount.promotion_code_id,
    )


def item_facts(item: Any, prices: Mapping[str, PriceFacts]) -> ItemFacts:
    """An item with its price and those it left, all among `prices`."""
    price = prices[item.price_id]
    return ItemFacts(
        id=item.id,
        price=price,
        quantity=item.quantity,
        current_period_start=item.current_period_start,
        current_period_end=item.current_period_end,
        sequence=item.sequence,
        tax_rate_ids=tuple(item.tax_rate_ids),
        prices_left=tuple(
            PriceLeft(
                prices[left["price"]],
                left["sequence"],
                datetime.fromisoformat(left["at"]),
                _instant(left.get("recorded_at")),
            )
            for left in item.prices_left
        ),
        billing_threshold_usage=item.billing_threshold_usage,
        metadata=item.metadata,
    )


def prices_left_to_json(prices_left: Iterable[PriceLeft], recorded_at: datetime) -> list[dict[str, Any]]:
    """As the item's column keeps them. What the plan leaves is written down at `recorded_at`."""
    return [
        {
            "price": left.price.id,
            "sequence": left.sequence,
            "at": left.at.isoformat(),
            "recorded_at": (left.recorded_at or recorded_at).isoformat(),
        }
        for left in prices_left
    ]


_REPORTED = ("reported_from", "reported_until", "recorded_from", "recorded_until")


def span_to_json(span: UsageSpan | None) -> dict[str, Any] | None:
    """As a billed period in arrears keeps it."""
    if span is None:
        return None
    edges = {name: getattr(span, name) for name in _REPORTED}
    return {
        "meter": span.meter_id,
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        **{name: edge.isoformat() if edge else None for name, edge in edges.items()},
    }


def span_from_json(span: Mapping[str, Any]) -> UsageSpan:
    """The other way round."""
    start, end = datetime.fromisoformat(span["start"]), datetime.fromisoformat(span["end"])
    return UsageSpan(span["meter"], start, end, *(_instant(span.get(name)) for name in _REPORTED))


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def billed_usage(period: Any, price: PriceFacts) -> BilledUsage:
    return BilledUsage(
        subscription_item_id=period.subscription_item_id,
        kind=period.kind,
        start=period.start,
        end=period.end,
        sequence=period.sequence,
        price=price,
        quantity=period.quantity,
        gross_amount=period.gross_amount,
        span=span_from_json(period.usage_span),
    )


def subscription_facts(row: Any, items: tuple[ItemFacts, ...]) -> SubscriptionFacts:
    return SubscriptionFacts(
        id=row.id,
        merchant_id=row.merchant_id,
        customer_id=row.customer_id,
        billing_entity_id=row.billing_entity_id,
        status=row.status,
        currency=row.currency,
        billing_cycle_anchor=row.billing_cycle_anchor,
        start_date=row.start_date,
        items=items,
        collection_method=row.collection_method,
        timezone=row.timezone,
        anchor_day_of_month=row.anchor_day_of_month,
        trial_start=row.trial_start,
        trial_end=row.trial_end,
        trial_missing_payment_method=row.trial_missing_payment_method,
        trial_will_end_sent_at=row.trial_will_end_sent_at,
        cancel_at_period_end=row.cancel_at_period_end,
        cancel_at=row.cancel_at,
        canceled_at=row.canceled_at,
        ended_at=row.ended_at,
        cancellation_reason=row.cancellation_reason,
        cancellation_feedback=row.cancellation_feedback,
        cancellation_comment=row.cancellation_comment,
        days_until_due=row.days_until_due,
        billing_threshold_amount=row.billing_threshold_amount,
        billing_threshold_resets_anchor=row.billing_threshold_resets_anchor,
        default_payment_method_id=row.default_payment_method_id,
        save_default_payment_method=row.save_default_payment_method,
        default_tax_rate_ids=tuple(row.default_tax_rate_ids),
        latest_invoice_id=row.latest_invoice_id,
        incomplete_expires_at=row.incomplete_expires_at,
        pause_behavior=row.pause_behavior,
        pause_resumes_at=row.pause_resumes_at,
        pending_update_expires_at=row.pending_update_expires_at,
        next_action_at=row.next_action_at,
        description=row.description,
        metadata=row.metadata,
        test_clock_id=row.test_clock_id,
        version=row.version,
    )


def debit_facts(
    period: Any,
    price: PriceFacts,
    *,
    invoice_status: str = "",
    discount_amounts: tuple[DiscountAmount, ...] = (),
    tax_rate_ids: tuple[str, ...] = (),
    share_of: DebitFacts | None = None,
) -> DebitFacts:
    return DebitFacts(
        id=period.id,
        subscription_item_id=period.subscription_item_id,
        kind=period.kind,
        start=period.start,
        end=period.end,
        sequence=period.sequence,
        price=price,
        quantity=period.quantity,
        gross_amount=period.gross_amount,
        amount=period.amount,
        taxes=taxes_from_json(period.taxes),
        invoice_id=period.invoice_id,
        invoice_status=invoice_status,
        invoice_item_id=period.invoice_item_id,
        tax_rate_ids=tax_rate_ids,
        discount_amounts=discount_amounts,
        credited_from=period.credited_from,
        share_of=share_of,
    )


def taxes_to_json(taxes: Iterable[PlannedTax]) -> list[dict[str, Any]]:
    """Taxes as a billed period or a pending item keeps them."""
    return [
        {
            "tax_rate": tax.tax_rate_id,
            "display_name": tax.display_name,
            "percentage": str(tax.percentage),
            "inclusive": tax.inclusive,
            "taxable_amount": tax.taxable_amount,
            "amount": tax.amount,
            "taxability_reason": tax.taxability_reason,
        }
        for tax in taxes
    ]


def taxes_from_json(taxes: Iterable[Mapping[str, Any]]) -> tuple[PlannedTax, ...]:
    """The other way round."""
    return tuple(
        PlannedTax(
            tax_rate_id=tax["tax_rate"],
            display_name=tax["display_name"],
            percentage=Decimal(tax["percentage"]),
            inclusive=tax["inclusive"],
            taxable_amount=tax["taxable_amount"],
            amount=tax["amount"],
            taxability_reason=tax["taxability_reason"],
        )
        for tax in taxes
    )


def discount_amounts_from_json(amounts: Iterable[Mapping[str, Any]]) -> tuple[DiscountAmount, ...]:
    """A line's `discount_amounts` column as facts."""
    return tuple(DiscountAmount(given["discount"], given["amount"], given.get("of_line", False)) for given in amounts)


def discount_amounts_to_json(amounts: Iterable[DiscountAmount]) -> list[dict[str, Any]]:
    """The other way round."""
    return [
        {"discount": given.discount_id, "amount": given.amount} | ({"of_line": True} if given.of_line else {})
        for given in amounts
    ]
