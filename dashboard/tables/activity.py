"""Lists of what happened: events, messages, runs, refusals, test clocks."""

from django.utils.translation import gettext_lazy as _

from dashboard.tables.base import ListTable
from dashboard.tables.columns import Cell, Hidden, Number, Status, When


class EventTable(ListTable):
    detail = "dashboard:event"
    type = Cell(cell="event", verbose_name=_("Event"))
    object_id = Cell(cell="code", verbose_name=_("Object"), orderable=False, css="wide-only")
    actor = Cell(cell="actor", verbose_name=_("By"), orderable=False, css="wide-only")
    created = Cell(cell="moment", verbose_name=_("When"))
    id = Hidden(verbose_name="ID")

    class Meta(ListTable.Meta):
        pass


class MessageTable(ListTable):
    detail = "dashboard:message"
    subject = Cell(cell="message", verbose_name=_("Message"))
    to = Hidden(verbose_name=_("To"))
    kind = Cell(cell="code", verbose_name=_("Kind"), css="wide-only")
    status = Status(verbose_name=_("Status"))
    created = Cell(cell="moment", verbose_name=_("When"))

    class Meta(ListTable.Meta):
        pass


class RunTable(ListTable):
    kind = Cell(cell="run", verbose_name=_("Run"))
    state = Cell(cell="run_state", verbose_name=_("Status"), orderable=False, csv=lambda r: bool(r.ended_at))
    done = Number(verbose_name=_("Done"))
    refused = Number(verbose_name=_("Refused"))
    chunks = Number(verbose_name=_("Chunks"), css="wide-only")
    as_of = Cell(cell="moment", verbose_name=_("As of"), css="wide-only")
    created = Cell(cell="moment", verbose_name=_("Started"), accessor="started_at")

    class Meta(ListTable.Meta):
        pass


class RefusalTable(ListTable):
    code = Cell(cell="refusal", verbose_name=_("Refusal"))
    kind = Cell(cell="code", verbose_name=_("Run"), css="wide-only")
    status = Status(verbose_name=_("Status"))
    times = Number(verbose_name=_("Times"))
    retry_at = Cell(cell="moment", verbose_name=_("Looks again"))
    created = When(verbose_name=_("First refused"))

    class Meta(ListTable.Meta):
        pass


class TestClockTable(ListTable):
    __test__ = False

    detail = "dashboard:test_clock"
    name = Cell(cell="clock", verbose_name=_("Test clock"))
    status = Status(verbose_name=_("Status"))
    frozen_time = Cell(cell="moment", verbose_name=_("Its time"))
    customers = Cell(cell="clock_customers", verbose_name=_("Customers"), orderable=False, css="num")
    created = When(verbose_name=_("Created"))

    class Meta(ListTable.Meta):
        pass
