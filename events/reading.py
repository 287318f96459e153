"""Rows out of PostgreSQL in bulk: querysets written by Django's names, read without its per-row cost."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Field, ForeignKey, Lookup
from psycopg.adapt import Buffer, Loader

from events.copy_text import array_text
from events.copying import Row


class InstantLoader(Loader):
    """A timestamptz as the session's UTC text, parsed by the interpreter: Django's loader takes six times as long."""

    def load(self, data: Buffer) -> datetime:
        return datetime.fromisoformat(bytes(data).decode())


class Blank(str):
    """A value that a `Statement` leaves out: what a text column takes for its value, and `__any` for its array."""

    array_of: str = ""  # the elements' type, when it is an array
    is_single: bool = False  # an array of one value

    def of(self, kind: str) -> Blank:
        blank = Blank(self)
        blank.array_of = kind
        return blank

    def single_in(self, names: Collection[str]) -> Blank:
        self.is_single = self in names
        return self

    def filled(self, value: Any) -> Any:
        if self.array_of:
            return array_text(value, self.array_of)
        return value[0] if self.is_single else value


@ForeignKey.register_lookup
@Field.register_lookup
class AnyOf(Lookup):  # type: ignore[type-arg]
    """`filter(id__any=ids)`: one array instead of `IN` with a placeholder for each of a thousand ids."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, params = self.process_lhs(compiler, connection)
        if isinstance(self.rhs, Blank) and self.rhs.is_single:
            return f"{left} = %s", (*params, self.rhs)
        kind = self.lhs.output_field.rel_db_type(connection) or "text"
        return f"{left} = ANY(%s::{kind}[])", (*params, self._array(kind))

    def _array(self, kind: str) -> str:
        if isinstance(self.rhs, Blank):
            return self.rhs.of(kind)
        values = [value for value in self.rhs if value is not None]
        if not values:
            raise EmptyResultSet
        return array_text(values, kind)


def read_rows(queryset: models.QuerySet[Any]) -> list[Row]:
    """All of the queryset's rows with every column of its model, by attribute name. One query, or none when it can
    match nothing. Raises `django.db.Error`."""
    model: type[models.Model] = queryset.model
    query = queryset.query
    assert query.default_cols, "whole rows"
    assert not query.annotation_select, "and nothing else"
    assert not query.select_related, "nor of other tables"
    try:
        statement, params = query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.adapters.register_loader("timestamptz", InstantLoader)
        cursor.execute(statement, params)
        rows = cursor.fetchall()
    names, converters = names_of(model), converters_of(model)
    return [row_of(names, values, converters) for values in rows]


def row_of(names: list[str], values: tuple[Any, ...], converters: list[tuple[int, Callable[[Any], Any]]]) -> Row:
    row = Row(dict(zip(names, values, strict=True)))
    for index, convert in converters:
        if values[index] is not None:
            row.__dict__[names[index]] = convert(values[index])
    return row


@cache
def names_of(model: type[models.Model]) -> list[str]:
    """Every column, by attribute name."""
    return [field.attname for field in model._meta.concrete_fields]


@cache
def converters_of(model: type[models.Model]) -> list[tuple[int, Callable[[Any], Any]]]:
    found = [(index, _converter(field)) for index, field in enumerate(model._meta.concrete_fields)]
    return [(index, convert) for index, convert in found if convert is not None]


def _converter(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """What Django does to the column's value; None when nothing. JSON comes as text, and mostly as an empty one."""
    if isinstance(field, models.JSONField):
        return _json
    assert not field.get_db_converters(connection), f"{field} needs a converter"
    return None


def _json(text: str) -> Any:
    if text == "{}":
        return {}
    if text == "[]":
        return []
    return orjson.loads(text)
