"""API keys and the answers owed under idempotency keys, for staff: to be looked at, never changed."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from api.models import ApiKey, IdempotentRequest
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
