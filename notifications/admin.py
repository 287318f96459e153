"""What was said to subscribers, for staff to look at."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from merchants.staff import ReadOnlyAdmin
from notifications.models import Message, MessageSettings


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("to", "subject", "kind", "status", "locale", "merchant", "created", "sent_at")
    list_filter = ("status", ("merchant", AutocompleteSelectFilter))
    search_fields = ("id__exact", "kind__exact", "to", "customer_id__exact", "invoice_id__exact")
    list_select_related = ("merchant",)
    exclude = ("text", "html", "context")  # a mail may carry a one-time link into somebody's account


@admin.register(MessageSettings)
class MessageSettingsAdmin(ReadOnlyAdmin):
    list_display = ("merchant", "reply_to", "muted", "recorded_at")
    search_fields = ("merchant_id__exact", "merchant__name", "reply_to")
    list_select_related = ("merchant",)
