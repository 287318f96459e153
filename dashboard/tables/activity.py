"""Lists of what happened: events, messages, runs, refusals, test clocks."""

from django.utils.translation import gettext_lazy as _

from dashboard.run_words import run_rate, run_seconds
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
    kind = Cell(cell="mail_kind", verbose_name=_("Kind"), css="wide-only")
    status = Status(verbose_name=_("Status"))
    created = Cell(cell="moment", verbose_name=_("When"))

    class Meta(ListTable.Meta):
        pass


class RunTable(ListTable):
    kind = Cell(cell="run", verbose_name=_("Run"))
    state = Status(verbose_name=_("Status"), orderable=False)
    done = Number(verbose_name=_("Done"))
    refused = Number(verbose_name=_("Refused"))
    chunks = Number(verbose_name=_("Chunks"), css="wide-only")
    seconds = Cell(cell="run_seconds", verbose_name=_("Seconds"), orderable=False, css="num wide-only", csv=run_seconds)
    rate = Cell(cell="run_rate", verbose_name=_("Per second"), orderable=False, css="num wide-only", csv=run_rate)
    as_of = Cell(cell="moment", verbose_name=_("As of"), css="wide-only")
    created = Cell(cell="moment", verbose_name=_("Started"), accessor="started_at")

    class Meta(ListTable.Meta):
        pass


class RefusalTable(ListTable):
    pick = Cell(cell="refusal_pick", verbose_name="", orderable=False, exclude_from_export=True, accessor="id")
    code = Cell(cell="refusal", verbose_name=_("Refusal"))
    kind = Cell(cell="run_kind", verbose_name=_("Run"), css="wide-only")
    status = Cell(cell="refusal_status", verbose_name=_("Status"), css="wide-only")
    times = Number(verbose_name=_("Times"), css="wide-only")
    retry_at = Cell(cell="moment", verbose_name=_("Looks again"), css="wide-only")
    created = When(verbose_name=_("First refused"), css="wide-only")
    retry = Cell(cell="refusal_retry", verbose_name="", orderable=False, exclude_from_export=True, accessor="id")

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
