"""Lists of meters, schedules, quotes and API keys."""

from django.utils.translation import gettext_lazy as _

from dashboard.tables.base import ListTable
from dashboard.tables.columns import Cell, Hidden, Money, Number, Status, When


class MeterTable(ListTable):
    detail = "dashboard:meter"
    display_name = Cell(cell="meter", verbose_name=_("Meter"))
    status = Status(verbose_name=_("Status"))
    formula = Cell(cell="formula", verbose_name=_("What counts"))
    price_count = Number(verbose_name=_("Prices"), css="wide-only")
    created = When(verbose_name=_("Created"), css="wide-only")
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


class ScheduleTable(ListTable):
    detail = "dashboard:schedule"
    customer = Cell(
        cell="schedule", verbose_name=_("Customer"), order_by=("customer__name",), csv=lambda s: str(s.customer)
    )
    status = Status(verbose_name=_("Status"))
    phases = Cell(
        cell="schedule_phase",
        verbose_name=_("Phase"),
        orderable=False,
        csv=lambda s: len(s.phases),
        css="tabular wide-only",
    )
    next_action_at = When(verbose_name=_("Next step"))
    end_behavior = Cell(cell="end_behavior", verbose_name=_("At its end"), orderable=False, css="wide-only")
    created = When(verbose_name=_("Created"), css="wide-only")
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


class QuoteTable(ListTable):
    detail = "dashboard:quote"
    number = Cell(cell="quote", verbose_name=_("Quote"), empty_values=())
    status = Cell(cell="quote_status", verbose_name=_("Status"))
    customer = Cell(
        cell="of_customer",
        verbose_name=_("Customer"),
        order_by=("customer__name",),
        empty_values=(),
        css="wide-only",
    )
    computed = Money(accessor="computed__all__amount_total", verbose_name=_("Total"), orderable=False)
    expires_at = When(verbose_name=_("Valid until"), css="wide-only")
    created = When(verbose_name=_("Created"), css="wide-only")
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


class PortalTable(ListTable):
    detail = "dashboard:portal_edit"
    name = Cell(cell="portal", verbose_name=_("Configuration"))
    active = Cell(cell="portal_state", verbose_name=_("Status"))
    features = Cell(
        cell="portal_features",
        verbose_name=_("Allowed"),
        orderable=False,
        csv=lambda row: " ".join(name for name, feature in row.features.items() if feature["enabled"]),
        css="wide-only",
    )
    updated = When(verbose_name=_("Changed"), css="wide-only")
    created = When(verbose_name=_("Created"), css="wide-only")
    id = Cell(cell="code", verbose_name="ID", orderable=False, css="wide-only")

    class Meta(ListTable.Meta):
        pass


class ApiKeyTable(ListTable):
    name = Cell(cell="api_key", verbose_name=_("API key"))
    hint = Cell(cell="code", verbose_name=_("Key"), orderable=False, css="wide-only")
    state = Cell(cell="api_key_state", verbose_name=_("Status"))
    last_used_at = Cell(cell="moment", verbose_name=_("Last used"), css="wide-only")
    created = When(verbose_name=_("Created"), css="wide-only")
    revoke = Cell(cell="api_key_revoke", verbose_name="", orderable=False, empty_values=(), csv=lambda k: "", css="num")

    class Meta(ListTable.Meta):
        pass
