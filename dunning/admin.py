"""How failed payments are chased, for staff."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from dunning.models import RecoveryCase, RecoveryPolicy
from merchants.staff import ReadOnlyAdmin, StaffAdmin

BY_MERCHANT = ("merchant", AutocompleteSelectFilter)


@admin.register(RecoveryPolicy)
class RecoveryPolicyAdmin(StaffAdmin):
    """A change counts from the next failure on. Policies are kept: their cases name them."""

    list_display = ("name", "merchant", "is_default", "retry_delays_hours", "end_behavior")
    list_filter = ("end_behavior", BY_MERCHANT)
    search_fields = ("id__exact", "name", "merchant__name")
    list_select_related = ("merchant",)
    readonly_fields = ("merchant", "is_default")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(RecoveryCase)
class RecoveryCaseAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "invoice",
        "status",
        "failures",
        "last_decline_code",
        "next_attempt_at",
        "merchant",
        "created",
    )
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "invoice__id__exact", "invoice__number__exact", "customer_id__exact")
    list_select_related = ("invoice", "merchant")
