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


def stored(record: Any, bound_column: Any) -> Any:
    """The value as stored: tables2 itself hands over a choice's translated label."""
    return bound_column.accessor.resolve(record, quiet=True)


class Cell(tables.Column):
    """A column drawn by `templates/dashboard/cells/<cell>.html` with `record` and `value`."""

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

    def render(self, record: Any, bound_column: Any) -> str:
        return get_template(self.template).render(self.context(record, stored(record, bound_column)))

    def context(self, record: Any, value: Any) -> dict[str, Any]:
        return {"record": record, "value": value}

    def value(self, record: Any, bound_column: Any) -> Any:
        found = self.csv(record) if self.csv else stored(record, bound_column)
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

    def context(self, record: Any, value: Any) -> dict[str, Any]:
        return super().context(record, value) | {"currency": follow(record, self.currency)}

    def value(self, record: Any, bound_column: Any) -> Decimal | str:
        value, currency = stored(record, bound_column), follow(record, self.currency)
        return to_major(int(value), currency) if value is not None and currency else ""


class Hidden(Cell):
    """In the CSV only: on the page another column says it already."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, visible=False, **kwargs)
