"""What was used, for staff to look at."""

from __future__ import annotations

from django.contrib import admin

from merchants.staff import ReadOnlyAdmin
from usage.models import AlertTrigger, UsageAlert, UsageBucket, UsageCursor, UsageEvent, UsageIdentifier


@admin.register(UsageEvent)
class UsageEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "meter_id", "customer_id", "value", "label", "timestamp", "reported_at", "merchant_id")
    search_fields = ("id__exact", "identifier__exact", "meter_id__exact", "customer_id__exact")
    exclude = ("xid",)


@admin.register(UsageIdentifier)
class UsageIdentifierAdmin(ReadOnlyAdmin):
    list_display = ("identifier", "id", "merchant_id", "recorded_at")
    search_fields = ("id__exact", "identifier__exact")


@admin.register(UsageCursor)
class UsageCursorAdmin(ReadOnlyAdmin):
    list_display = ("reader", "xid", "event_id", "recorded_at")
    search_fields = ("reader__exact",)


@admin.register(UsageBucket)
class UsageBucketAdmin(ReadOnlyAdmin):
    list_display = ("hour", "meter_id", "customer_id", "state", "seen", "events", "total", "touched_at", "merchant_id")
    search_fields = ("meter_id__exact", "customer_id__exact", "merchant_id__exact")


@admin.register(UsageAlert)
class UsageAlertAdmin(ReadOnlyAdmin):
    list_display = ("title", "meter", "customer", "gte", "status", "merchant", "created")
    list_filter = ("status",)
    search_fields = ("id__exact", "meter__id__exact", "customer__id__exact")
    list_select_related = ("meter", "customer", "merchant")


@admin.register(AlertTrigger)
class AlertTriggerAdmin(ReadOnlyAdmin):
    list_display = ("alert", "customer", "value", "round", "created", "merchant")
    search_fields = ("id__exact", "alert__id__exact", "customer__id__exact")
    list_select_related = ("alert", "customer", "merchant")
