"""What ran and what it refused, for staff to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext, gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from engine.models import BillingRun, DryRun, PendingSubscribe, Refusal
from merchants.staff import ReadOnlyAdmin

BY_MERCHANT = ("merchant", AutocompleteSelectFilter)


@admin.register(BillingRun)
class BillingRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "as_of", "worker", "chunks", "done", "refused", "started_at", "noted_at", "ended_at")
    search_fields = ("id__exact", "kind__exact", "worker", "test_clock_id__exact")


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdmin):
    list_display = ("object_id", "kind", "code", "reason", "times", "status", "retry_at", "merchant")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "object_id__exact", "code__exact", "message")
    list_select_related = ("merchant",)

    @admin.display(description=_("Reason"), ordering="message")
    def reason(self, row: Refusal) -> str:
        try:
            return gettext(row.message) % row.params
        except (KeyError, TypeError, ValueError):
            return row.message


@admin.register(DryRun)
class DryRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "as_of", "status", "merchant", "actor", "created", "finished_at")
    list_filter = ("status", BY_MERCHANT)
    search_fields = ("id__exact", "actor__exact")
    list_select_related = ("merchant",)


@admin.register(PendingSubscribe)
class PendingSubscribeAdmin(ReadOnlyAdmin):
    list_display = ("id", "customer_id", "status", "subscription_id", "merchant", "created")
    list_filter = (BY_MERCHANT,)
    search_fields = ("id__exact", "customer_id__exact", "subscription_id__exact", "payment_intent_id__exact")
    list_select_related = ("merchant",)
