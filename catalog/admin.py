"""What is sold, for staff to look at."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from catalog.models import (
    BundleComponent,
    Coupon,
    Feature,
    Meter,
    PaymentLink,
    PaymentLinkItem,
    Price,
    Product,
    ProductFeature,
    PromotionCode,
    TaxRate,
)
from merchants.staff import ReadOnlyAdmin, ReadOnlyInline, money

BY_MERCHANT = ("merchant", AutocompleteSelectFilter)


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    list_display = ("name", "merchant", "sku", "stock_quantity", "active", "created")
    list_filter = ("active", BY_MERCHANT)
    search_fields = ("id__exact", "api_id__exact", "external_id__exact", "sku__exact", "name")
    list_select_related = ("merchant",)


@admin.register(BundleComponent)
class BundleComponentAdmin(ReadOnlyAdmin):
    list_display = ("product", "component", "quantity", "merchant")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "product__name", "component__name")
    list_select_related = ("product", "component", "merchant")


@admin.register(Meter)
class MeterAdmin(ReadOnlyAdmin):
    list_display = ("display_name", "event_name", "formula", "status", "merchant", "created")
    list_filter = ("status", "formula", BY_MERCHANT)
    search_fields = ("id__exact", "event_name__exact", "display_name")
    list_select_related = ("merchant",)


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "product",
        "nickname",
        money("unit_amount_decimal"),
        "interval",
        "interval_count",
        "active",
        "merchant",
        "created",
    )
    money_fields = ("unit_amount_decimal",)
    list_filter = ("active", "type", "interval", BY_MERCHANT)
    search_fields = ("id__exact", "lookup_key__exact", "external_id__exact", "sku__exact", "nickname", "product__name")
    list_select_related = ("product", "merchant")


@admin.register(Coupon)
class CouponAdmin(ReadOnlyAdmin):
    list_display = ("name", "api_id", "percent_off", money("amount_off"), "duration", "times_redeemed", "merchant")
    money_fields = ("amount_off",)
    list_filter = ("duration", BY_MERCHANT)
    search_fields = ("id__exact", "api_id__exact", "name")
    list_select_related = ("merchant",)


@admin.register(PromotionCode)
class PromotionCodeAdmin(ReadOnlyAdmin):
    list_display = ("code", "coupon", "active", "times_redeemed", "max_redemptions", "expires_at", "merchant")
    list_filter = ("active", BY_MERCHANT)
    search_fields = ("id__exact", "code__iexact", "coupon__name", "customer_id__exact")
    list_select_related = ("coupon", "merchant")


@admin.register(TaxRate)
class TaxRateAdmin(ReadOnlyAdmin):
    list_display = ("display_name", "percentage", "inclusive", "country", "state", "active", "merchant")
    list_filter = ("active", "inclusive", "country", BY_MERCHANT)
    search_fields = ("id__exact", "display_name", "jurisdiction")
    list_select_related = ("merchant",)


class PaymentLinkItemInline(ReadOnlyInline):
    model = PaymentLinkItem
    fields = ("price", "quantity", "position")
    select_related = ("price",)


@admin.register(PaymentLink)
class PaymentLinkAdmin(ReadOnlyAdmin):
    list_display = ("name", "id", "currency", "active", "trial_period_days", "merchant", "created")
    list_filter = ("active", "currency", BY_MERCHANT)
    search_fields = ("id__exact", "name")
    list_select_related = ("merchant",)
    inlines = (PaymentLinkItemInline,)


@admin.register(PaymentLinkItem)
class PaymentLinkItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "payment_link", "price", "quantity", "merchant")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "payment_link__id__exact", "price__id__exact")
    list_select_related = ("payment_link", "price", "merchant")


@admin.register(Feature)
class FeatureAdmin(ReadOnlyAdmin):
    list_display = ("name", "lookup_key", "active", "merchant", "created")
    list_filter = ("active", BY_MERCHANT)
    search_fields = ("id__exact", "lookup_key__exact", "name")
    list_select_related = ("merchant",)


@admin.register(ProductFeature)
class ProductFeatureAdmin(ReadOnlyAdmin):
    list_display = ("id", "product", "feature", "merchant")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "product__id__exact", "feature__id__exact")
    list_select_related = ("product", "feature", "merchant")
