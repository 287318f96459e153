"""Filter bars of meters, schedules, quotes and API keys."""

from django.utils.translation import gettext_lazy as _, pgettext_lazy

from api.models import ApiKey
from catalog.models import Meter
from dashboard.filters.base import ListFilter, choice, date_from, date_to
from subscriptions.models import PortalConfiguration, Quote, QuoteStatus, ScheduleStatus, SubscriptionSchedule

KEY_STATES = (
    ("active", pgettext_lazy("a key", "Active")),
    ("expired", pgettext_lazy("a key", "Expired")),
    ("revoked", pgettext_lazy("a key", "Revoked")),
)


class MeterFilter(ListFilter):
    search_fields = ("display_name", "event_name")
    placeholder = _("Name or event name")
    status = choice(_("Status"), (("active", _("Active")), ("inactive", _("Inactive"))))

    class Meta:
        model = Meter
        fields: list[str] = []


class ScheduleFilter(ListFilter):
    search_fields = ("customer__name", "customer__email")
    placeholder = _("Customer or id")
    status = choice(_("Status"), ScheduleStatus.choices)
    since = date_from()
    until = date_to()

    class Meta:
        model = SubscriptionSchedule
        fields: list[str] = []


class QuoteFilter(ListFilter):
    search_fields = ("number", "customer__name", "customer__email")
    placeholder = _("Number, customer or id")
    status = choice(_("Status"), QuoteStatus.choices)
    since = date_from()
    until = date_to()

    class Meta:
        model = Quote
        fields: list[str] = []


class PortalFilter(ListFilter):
    search_fields = ("name", "headline")
    placeholder = _("Name or heading")

    class Meta:
        model = PortalConfiguration
        fields: list[str] = []


class ApiKeyFilter(ListFilter):
    search_fields = ("name", "hint")
    placeholder = _("Name or last characters")
    state = choice(_("Status"), KEY_STATES)

    class Meta:
        model = ApiKey
        fields: list[str] = []
