"""What stories need: a day passes, and everything that is due on it is done by the product's own run."""

from datetime import datetime

from engine.due import run_all_due
from engine.services.resolve import resolve_unknown
from invoicing.models import Invoice
from tests.factories.times import context


def day(moment: datetime) -> None:
    """The run is woken once at that moment, as its schedules would."""
    run_all_due(context(moment, actor="run"), None)
    resolve_unknown(ctx=context(moment, actor="run"))


def paper(**filters) -> list[tuple[str | None, str, int]]:
    """(number, status, total) of every invoice, in the order of their making."""
    rows = Invoice.objects.filter(**filters).order_by("created", "id")
    return list(rows.values_list("number", "status", "total"))
