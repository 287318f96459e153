"""What every list has in common."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import django_tables2 as tables
from django.db.models import QuerySet
from django.urls import reverse

CHUNK = 500
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def row_href(record: Any, table: "ListTable") -> str | None:
    return reverse(table.detail, args=[record.pk]) if table.detail else None


class ListTable(tables.Table):
    """A list whose rows open their detail page."""

    detail = ""  # url name

    class Meta:
        template_name = "tables/table.html"
        attrs = {"class": "data"}
        row_attrs = {"data-row-href": row_href}
        order_by = "-created"
        order_by_field = "sort"

    @classmethod
    def as_csv_rows(cls, queryset: QuerySet) -> Iterator[list[Any]]:
        """Header, then every row, some hundreds at a time: memory stays flat however long the list is."""
        records = queryset.iterator(chunk_size=CHUNK)
        yield list(next(iter(cls([]).as_values())))
        while chunk := list(islice(records, CHUNK)):
            for row in islice(cls(chunk).as_values(), 1, None):
                yield [_harmless(value) for value in row]


def _harmless(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula is given a quote; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
