"""What recurs, for staff to look at."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from merchants.staff import ReadOnlyAdmin, ReadOnlyInline, money
from subscriptions.models import (
    BilledPeriod,
    CheckoutSession,
    Discount,
    EntitlementSummary,
    PortalConfiguration,
    PortalSession,
    Quote,
    Subscription,
    SubscriptionItem,
)

BY_MERCHANT = ("merchant", AutocompleteSelectFilter)


class ItemInline(ReadOnlyInline):
    model = SubscriptionItem
    fields = ("price", "quantity", "current_period_start", "current_period_end", "deleted_at")
    select_related = ("price",)


class DiscountInline(ReadOnlyInline):
    model = Discount
    fields = ("coupon", "position", "start", "end", "consumed_at", "deleted_at")
    select_related = ("coupon",)


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "customer",
        "merchant",
        "status",
        "collection_method",
        "currency",
        "next_action_at",
        "created",
    )
    list_filter = ("status", "collection_method", BY_MERCHANT)
    search_fields = ("id__exact", "customer__id__exact", "customer__email", "latest_invoice_id__exact")
    list_select_related = ("customer", "merchant")
    inlines = (ItemInline, DiscountInline)


@admin.register(SubscriptionItem)
class SubscriptionItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "subscription", "price", "quantity", "current_period_start", "current_period_end")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "subscription__id__exact", "price__id__exact")
    list_select_related = ("subscription", "price")


@admin.register(Discount)
class DiscountAdmin(ReadOnlyAdmin):
    list_display = ("id", "coupon", "customer", "subscription", "start", "end", "consumed_at", "deleted_at")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "customer__id__exact", "subscription__id__exact", "coupon__api_id__exact")
    list_select_related = ("coupon", "customer", "subscription")


@admin.register(BilledPeriod)
class BilledPeriodAdmin(ReadOnlyAdmin):
    list_display = ("id", "subscription_id", "kind", "start", "end", money("amount"), "invoice_id", "reversed_at")
    money_fields = ("gross_amount", "amount")
    list_filter = ("kind",)
    search_fields = (
        "id__exact",
        "merchant_id__exact",
        "subscription_id__exact",
        "subscription_item_id__exact",
        "invoice_id__exact",
    )


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(ReadOnlyAdmin):
    list_display = ("id", "payment_link", "status", "customer_id", "merchant", "created", "completed_at")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "payment_link__id__exact", "customer_id__exact", "subscription_id__exact")
    list_select_related = ("payment_link", "merchant")
    exclude = ("secret_hash",)


@admin.register(PortalSession)
class PortalSessionAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "merchant", "created", "expires_at", "used_at")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "customer__id__exact", "customer__email")
    list_select_related = ("customer", "merchant")
    exclude = ("token_hash",)


@admin.register(PortalConfiguration)
class PortalConfigurationAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "merchant", "is_default", "active", "created")
    list_filter = ("active", BY_MERCHANT)
    search_fields = ("id__exact", "name")
    list_select_related = ("merchant",)


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    list_display = ("id", "number", "customer", "merchant", "status", "currency", "expires_at", "created")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "number__exact", "customer__id__exact", "customer__email")
    list_select_related = ("customer", "merchant")


@admin.register(EntitlementSummary)
class EntitlementSummaryAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer", "merchant", "version", "recorded_at")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "customer__id__exact")
    list_select_related = ("customer", "merchant")
