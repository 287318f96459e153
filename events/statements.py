"""Querysets that are written once, worked out once, and then only asked.

Django makes a queryset's SQL anew each time: of a request that asks sixty questions that is half the Python. A
`Statement` stays a queryset, in Django's names, with the values left out; the SQL of its first use is kept.

    _held = Statement(lambda ids: Invoice.objects.filter(id__any=ids).order_by("id").select_for_update(no_key=True))
    rows = _held.rows(ids=invoice_ids)

Values are texts, or arrays of them where the lookup is `__any`: the SQL must not depend on how many there are. But an
array of one is asked for by equality: PostgreSQL plans that once and for all, and arrays each time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection, models

from events.copying import Row
from events.reading import Blank, InstantLoader, converters_of, names_of, row_of

M = TypeVar("M", bound=models.Model)


class Statement(Generic[M]):
    """A queryset of whole rows of one model (`rows`, `models`), or of some columns (`tuples`), by named values."""

    def __init__(self, queryset: Callable[..., models.QuerySet[M, Any]]) -> None:
        self._queryset = queryset
        self._made: dict[frozenset[str], _Made[M]] = {}  # by which arrays hold one value: these are plain equality

    def rows(self, **values: str | Iterable[str]) -> list[Row]:
        """Every column by attribute name."""
        made, found = self._asked(values)
        model = made.of_whole_rows()
        names, converters = names_of(model), converters_of(model)
        return [row_of(names, one, converters) for one in found]

    def models(self, **values: str | Iterable[str]) -> list[M]:
        """The rows as the model's instances."""
        made, found = self._asked(values)
        model = made.of_whole_rows()
        return [instance(model, one) for one in found]

    def tuples(self, **values: str | Iterable[str]) -> list[tuple[Any, ...]]:
        """The columns as the database gives them, JSON as its text."""
        return self._asked(values)[1]

    def _asked(self, values: Mapping[str, str | Iterable[str]]) -> tuple[_Made[M], list[tuple[Any, ...]]]:
        """Nothing is asked where all arrays are empty."""
        given = {name: value if isinstance(value, str) else _listed(value) for name, value in values.items()}
        arrays = {name: value for name, value in given.items() if not isinstance(value, str)}
        made = self._statement(frozenset(name for name, value in arrays.items() if len(value) == 1))
        if arrays and not any(arrays.values()):
            return made, []
        asked = [param.filled(given[param]) if isinstance(param, Blank) else param for param in made.params]
        with connection.cursor() as cursor:
            cursor.adapters.register_loader("timestamptz", InstantLoader)
            cursor.execute(made.sql, asked)
            return made, cursor.fetchall()

    def _statement(self, single: frozenset[str]) -> _Made[M]:
        found = self._made.get(single)
        if found is None:
            names = inspect.signature(self._queryset).parameters
            queryset = self._queryset(**{name: Blank(name).single_in(single) for name in names})
            query = queryset.query
            sql, params = query.sql_with_params()
            blanks = {str(param) for param in params if isinstance(param, Blank)}
            assert blanks == set(names), f"{set(names) - blanks} is not in the statement as it was given"
            whole = bool(query.default_cols and not query.annotation_select and not query.select_related)
            found = self._made[single] = _Made(sql, tuple(params), queryset.model, whole)
        return found


@dataclass(frozen=True, slots=True)
class _Made(Generic[M]):
    sql: str
    params: tuple[Any, ...]
    model: type[M]
    whole: bool

    def of_whole_rows(self) -> type[M]:
        """The model whose rows these are, with every column."""
        assert self.whole, "whole rows of one table"
        return self.model


def instance(model: type[M], values: Sequence[Any]) -> M:
    """The model's instance of a whole row's columns, as a statement's `tuples` give them."""
    return model.from_db(connection.alias, names_of(model), _converted(values, converters_of(model)))


def _listed(values: Iterable[str | None]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value is not None]


def _converted(values: Sequence[Any], converters: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    found = list(values)
    for index, convert in converters:
        if found[index] is not None:
            found[index] = convert(found[index])
    return found
