"""Filter bars of endpoints, deliveries and requests."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from api.models import ApiKey, ApiRequest, DeliveryStatus, EndpointStatus, WebhookDelivery, WebhookEndpoint
from dashboard.filters.base import ListFilter, choice, date_from, date_to

METHODS = (("GET", "GET"), ("POST", "POST"), ("DELETE", "DELETE"))
OUTCOMES = (("2", _("Succeeded")), ("4", _("Refused (4xx)")), ("5", _("Our fault (5xx)")))


class WebhookFilter(ListFilter):
    search_fields = ("url", "description")
    placeholder = _("Address or description")
    status = choice(_("Status"), EndpointStatus.choices)

    class Meta:
        model = WebhookEndpoint
        fields: list[str] = []


class DeliveryFilter(ListFilter):
    search_fields = ("event_type", "event_id", "endpoint__url")
    placeholder = _("Type, event id or address")
    status = choice(_("Status"), DeliveryStatus.choices)
    since = date_from()
    until = date_to()

    class Meta:
        model = WebhookDelivery
        fields: list[str] = []


class RequestFilter(ListFilter):
    search_fields = ("path", "request_id", "idempotency_key", "error_code")
    placeholder = _("Path, request id, idempotency key or error code")
    method = choice(_("Method"), METHODS)
    outcome = choice(_("Status"), OUTCOMES, method="by_outcome")
    key = django_filters.CharFilter(
        method="by_key",
        label=_("Key"),
        widget=forms.TextInput(
            attrs={"class": "form-control", "placeholder": _("Key"), "aria-label": _("Key"), "autocomplete": "off"}
        ),
    )
    since = date_from()
    until = date_to()

    class Meta:
        model = ApiRequest
        fields: list[str] = []

    def by_key(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """By the key's id, a part of its name, or its last characters."""
        own = ApiKey.objects.filter(id=OuterRef("key_id"), merchant_id=OuterRef("merchant_id"))
        named = Q(id=value) | Q(name__icontains=value) | Q(hint__endswith=value)
        return queryset.filter(Exists(own.filter(named)))

    def by_outcome(self, queryset: QuerySet, name: str, value: Any) -> QuerySet:
        first = int(value) * 100
        return queryset.filter(status__gte=first, status__lt=first + 100)
