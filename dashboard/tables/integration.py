"""Lists of what connects a merchant's own systems: endpoints, deliveries, requests."""

from django.utils.translation import gettext_lazy as _

from dashboard.tables.base import ListTable
from dashboard.tables.columns import Cell, Number, When


class WebhookTable(ListTable):
    detail = "dashboard:webhook"
    url = Cell(cell="webhook", verbose_name=_("Address"))
    status = Cell(cell="webhook_status", verbose_name=_("Status"))
    failing_since = Cell(cell="moment", verbose_name=_("Failing since"), css="wide-only")
    created = When(verbose_name=_("Created"), css="wide-only")

    class Meta(ListTable.Meta):
        pass


class DeliveryTable(ListTable):
    detail = "dashboard:webhook_delivery"
    event_type = Cell(cell="webhook_delivery", verbose_name=_("Event"))
    endpoint = Cell(cell="text", verbose_name=_("Address"), orderable=False, css="wide-only")
    status = Cell(cell="delivery_status", verbose_name=_("Status"))
    attempts = Number(verbose_name=_("Tries"), css="wide-only")
    next_attempt_at = Cell(cell="moment", verbose_name=_("Next try"), css="wide-only")
    created = Cell(cell="moment", verbose_name=_("When"), css="tabular wide-only")

    class Meta(ListTable.Meta):
        pass


class RequestTable(ListTable):
    detail = "dashboard:log"
    path = Cell(cell="api_request", verbose_name=_("Request"), csv=lambda row: f"{row.method} {row.path}")
    status = Cell(cell="http_status", verbose_name=_("Status"))
    request_id = Cell(cell="code", verbose_name=_("Request id"), orderable=False, css="wide-only")
    duration_ms = Number(verbose_name=_("Milliseconds"), css="wide-only")
    created = Cell(cell="moment", verbose_name=_("When"), css="tabular wide-only")

    class Meta(ListTable.Meta):
        pass
