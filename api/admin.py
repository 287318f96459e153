"""API keys and the answers owed under idempotency keys, for staff: to be looked at, never changed."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from api.models import ApiKey, ApiRequest, IdempotentRequest, WebhookDelivery, WebhookEndpoint
from merchants.staff import ReadOnlyAdmin

BY_MERCHANT = ("merchant", AutocompleteSelectFilter)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("hint", "name", "merchant", "created", "expires_at", "revoked_at")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "name", "merchant__name")
    list_select_related = ("merchant",)
    exclude = ("secret_hash",)


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(ReadOnlyAdmin):
    list_display = ("key", "status", "merchant", "request_id", "recorded_at")
    list_filter = (BY_MERCHANT,)  # all values of a column without choices would be read from the whole table
    search_fields = ("id__exact", "key__exact", "request_id__exact")
    list_select_related = ("merchant",)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = ("url", "status", "failing_since", "merchant", "created", "deleted_at")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "url", "merchant__name")
    list_select_related = ("merchant",)
    exclude = ("secret_sealed", "secret_before_sealed")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("event_type", "status", "attempts", "last_status", "next_attempt_at", "endpoint", "created")
    list_filter = ("status",)
    search_fields = ("id__exact", "event_id__exact", "merchant_id__exact", "endpoint__id__exact")
    list_select_related = ("endpoint",)


@admin.register(ApiRequest)
class ApiRequestAdmin(ReadOnlyAdmin):
    list_display = ("method", "path", "status", "error_code", "duration_ms", "merchant_id", "created")
    search_fields = ("id__exact", "request_id__exact", "key_id__exact", "merchant_id__exact")
