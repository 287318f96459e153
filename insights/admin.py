"""Movements of what recurs, for staff to look at."""

from django.contrib import admin

from insights.models import MrrMovement
from merchants.staff import ReadOnlyAdmin, money


@admin.register(MrrMovement)
class MrrMovementAdmin(ReadOnlyAdmin):
    list_display = ("id", "subscription_id", "type", money("amount"), money("mrr_after"), "merchant_id", "created")
    money_fields = ("amount", "mrr_after")
    list_filter = ("type",)
    search_fields = ("id__exact", "merchant_id__exact", "customer_id__exact", "subscription_id__exact")
