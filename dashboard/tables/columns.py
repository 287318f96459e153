"""The kinds of column that lists have. A cell is a small template; its CSV value is plain data."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.template.loader import get_template

from core.money import to_major


def follow(record: Any, path: str) -> Any:
    """`invoice.customer.name` on a row; None where a step is missing."""
    for name in path.split("."):
        record = getattr(record, name, None)
        if record is None:
            return None
    return record


class Cell(tables.Column):
    """A column drawn by `templates/dashboard/cells/<cell>.html` with `record`, `value` and `column` (this object)."""

    cell = "text"
    css = ""

    def __init__(
        self, *args: Any, cell: str = "", csv: Callable[[Any], Any] | None = None, css: str = "", **kwargs: Any
    ):
        classes = f"{self.css} {css}".strip()
        kwargs.setdefault("attrs", {"th": {"class": classes}, "td": {"class": classes}} if classes else {})
        kwargs.setdefault("empty_values", ())
        super().__init__(*args, **kwargs)
        self.template = f"dashboard/cells/{cell or self.cell}.html"
        self.csv = csv

    def render(self, record: Any, value: Any) -> str:
        return get_template(self.template).render({"record": record, "value": value, "column": self})

    def value(self, record: Any, value: Any) -> Any:
        found = self.csv(record) if self.csv else value
        if isinstance(found, datetime):
            return found.isoformat()
        return "" if found is None else found


class Status(Cell):
    cell = "status"


class When(Cell):
    """A date; the time of day is in the tooltip."""

    cell = "when"
    css = "tabular"


class Number(Cell):
    cell = "number"
    css = "num"


class Money(Cell):
    """Minor units in the currency found at `currency`; CSV has major units, which spreadsheets can add."""

    cell = "money"
    css = "num"

    def __init__(self, *args: Any, currency: str = "currency", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.currency = currency

    def render(self, record: Any, value: Any) -> str:
        context = {"record": record, "value": value, "currency": follow(record, self.currency)}
        return get_template(self.template).render(context)

    def value(self, record: Any, value: Any) -> Decimal | str:
        currency = follow(record, self.currency)
        return to_major(int(value), currency) if value is not None and currency else ""


class Hidden(Cell):
    """In the CSV only: on the page another column says it already."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, visible=False, **kwargs)
