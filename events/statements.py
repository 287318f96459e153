"""Querysets that are written once, worked out once, and then only asked.

Django makes a queryset's SQL anew each time: of a request that asks sixty questions that is half the Python. A
`Statement` stays a queryset, in Django's names, with the values left out; the SQL of its first use is kept.

    _held = Statement(lambda ids: Invoice.objects.filter(id__any=ids).order_by("id").select_for_update(no_key=True))
    rows = _held.rows(ids=invoice_ids)

Values are texts, or arrays of them where the lookup is `__any`: the SQL must not depend on how many there are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection, models

from events.copying import Row
from events.reading import Blank, InstantLoader, converters_of, row_of

M = TypeVar("M", bound=models.Model)


class Statement(Generic[M]):
    """A queryset of whole rows of one model (`rows`, `models`), or of some columns (`tuples`), by named values."""

    def __init__(self, queryset: Callable[..., models.QuerySet[M, Any]]) -> None:
        self._queryset = queryset
        self._compiled: tuple[str, tuple[Any, ...], type[M], bool] | None = None

    def rows(self, **values: str | Iterable[str]) -> list[Row]:
        """Every column by attribute name."""
        _, _, model, whole = self._sql()
        assert whole, "whole rows of one table"
        names = [field.attname for field in model._meta.concrete_fields]
        converters = converters_of(model)
        return [row_of(names, found, converters) for found in self.tuples(**values)]

    def models(self, **values: str | Iterable[str]) -> list[M]:
        """The rows as the model's instances."""
        _, _, model, whole = self._sql()
        assert whole, "whole rows of one table"
        names = [field.attname for field in model._meta.concrete_fields]
        converters = converters_of(model)
        found = self.tuples(**values)
        return [model.from_db(connection.alias, names, _converted(one, converters)) for one in found]

    def tuples(self, **values: str | Iterable[str]) -> list[tuple[Any, ...]]:
        """The columns as the database gives them, JSON as its text. Nothing is asked where all arrays are empty."""
        sql, params, _, _ = self._sql()
        given = {name: value if isinstance(value, str) else _listed(value) for name, value in values.items()}
        arrays = [value for value in given.values() if not isinstance(value, str)]
        if arrays and not any(arrays):
            return []
        asked = [param.filled(given[param]) if isinstance(param, Blank) else param for param in params]
        with connection.cursor() as cursor:
            cursor.adapters.register_loader("timestamptz", InstantLoader)
            cursor.execute(sql, asked)
            return cursor.fetchall()

    def _sql(self) -> tuple[str, tuple[Any, ...], type[M], bool]:
        if self._compiled is None:
            names = inspect.signature(self._queryset).parameters
            queryset = self._queryset(**{name: Blank(name) for name in names})
            query = queryset.query
            sql, params = query.sql_with_params()
            blanks = {str(param) for param in params if isinstance(param, Blank)}
            assert blanks == set(names), f"{set(names) - blanks} is not in the statement as it was given"
            whole = query.default_cols and not query.annotation_select and not query.select_related
            self._compiled = sql, tuple(params), queryset.model, bool(whole)
        return self._compiled


def _listed(values: Iterable[str | None]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value is not None]


def _converted(values: tuple[Any, ...], converters: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    found = list(values)
    for index, convert in converters:
        if found[index] is not None:
            found[index] = convert(found[index])
    return found
