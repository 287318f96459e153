"""Rows into PostgreSQL in bulk: COPY for inserts, unnest for updates. The lowest room that may know SQL.

Neither opens a transaction. `cursor.copy` raises `psycopg.Error`, not `django.db.Error`: a caller that
handles failures catches `DATABASE_ERRORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import Error, connection, models

from events.copy_text import array_text, copy_text, plain_text

DATABASE_ERRORS = (Error, psycopg.Error)


def copy_rows(model: type[models.Model], fields: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> int:
    """COPY `rows`, whose values follow `fields` (attribute names: "merchant_id"), into the model's table.

    Every column without a default in the database has to be named: Django's defaults are Python's.
    JSON fields take plain Python values. Returns the number of rows. Raises `psycopg.Error`.
    """
    if not rows:
        return 0
    if len(rows) <= FEW:
        return _insert_few(model, fields, rows)
    statement, kinds = copy_statement(model, fields)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(copy_text(rows, kinds))
    return len(rows)


# A COPY is parsed each time, an INSERT of so many rows only once: of few rows, half the time in both processes.
FEW = 4


def _insert_few(model: type[models.Model], fields: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> int:
    statement, kinds = _insert_statement(model, fields, len(rows))
    values = [plain_text(value, kind) for row in rows for value, kind in zip(row, kinds, strict=True)]
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement, values)
        except Error as error:
            raise error.__cause__ or error from None  # psycopg's own, as of a COPY
    return len(rows)


_NOTHING: Mapping[str, Any] = {}


class Row(MutableMapping[str, Any]):
    """A table's row as plain values by attribute name, read like a model's instance at a fraction of its cost.

    Writers COPY it and `snapshots.py` turn it into JSON, so what is stored and what is told are the same values.
    Attributes are the interpreter's own (`__dict__`): a dict with `__getattr__` is five times slower to read, and a
    row is read a hundred times for each time that it is made.
    """

    def __init__(self, values: Mapping[str, Any] = _NOTHING, /, **more: Any) -> None:
        self.__dict__.update(values, **more)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        del self.__dict__[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __or__(self, other: Mapping[str, Any]) -> Row:
        return Row(self.__dict__, **other)

    def update(self, values: Any = _NOTHING, /, **more: Any) -> None:
        self.__dict__.update(values, **more)

    def __repr__(self) -> str:
        return f"Row({self.__dict__!r})"


def new_row(model: type[models.Model], /, **values: Any) -> Row:
    """A row with Django's plain defaults where `values` say nothing; the id has to be given.

    Default lists and dicts are shared: never change them in place.
    """
    row = Row(_defaults(model))
    row.__dict__.update(values)
    return row


def insert_rows(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> int:
    """COPY complete rows (`new_row`), every column by name; the database fills what it has defaults for.

    Returns the number of rows. Raises `KeyError` for a value that is neither given nor has a default,
    `psycopg.Error`.
    """
    if not rows:
        return 0
    fields, values_of = _insert_layout(model)
    return copy_rows(model, fields, [values_of(row.__dict__ if isinstance(row, Row) else row) for row in rows])


def update_rows(
    model: type[models.Model],
    fields: tuple[str, ...],
    rows: Sequence[Sequence[Any]],
    *,
    extra: str = "",
    returning: str = "",
) -> list[tuple[Any, ...]]:
    """One `UPDATE ... FROM unnest(...)`: the first field is the primary key, the others are set.

    `extra` is SQL appended to SET ("version = t.version + 1"), where `t` is the table and `v` the new values;
    `returning` names what to give back. Returns those rows, else []. Raises `django.db.Error`.
    """
    if not rows:
        return []
    statement, kinds = _update_statement(model, fields, extra, returning, len(rows) == 1)
    if len(rows) == 1:
        columns = [plain_text(value, kind) for value, kind in zip(rows[0], kinds, strict=True)]
    else:
        columns = [array_text(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)
        return cursor.fetchall() if returning else []


def columns_of(model: type[models.Model]) -> tuple[str, ...]:
    """The columns that a writer gives, by attribute name: all but those that the database fills."""
    return tuple(field.attname for field in model._meta.concrete_fields if not _filled_by_database(field))


@lru_cache(maxsize=256)
def _insert_layout(model: type[models.Model]) -> tuple[tuple[str, ...], Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    fields = columns_of(model)
    return fields, itemgetter(*fields)


@lru_cache(maxsize=256)
def _defaults(model: type[models.Model]) -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or _filled_by_database(field):
            continue
        if field.has_default():
            value = field.get_default()
            defaults[field.attname] = getattr(value, "value", value)  # an enumeration's member as its text
        elif field.null:
            defaults[field.attname] = None
    return defaults


def _filled_by_database(field: models.Field) -> bool:
    return field.db_default is not models.NOT_PROVIDED or isinstance(field, models.AutoField)


@lru_cache(maxsize=256)
def copy_statement(model: type[models.Model], fields: tuple[str, ...], table: str = "") -> tuple[str, tuple[str, ...]]:
    """The COPY of these columns, into `table` when it is another of the same shape, and their database types."""
    columns = [_field(model, name) for name in fields]
    names = ", ".join(f'"{field.column}"' for field in columns)
    return f'COPY "{table or model._meta.db_table}" ({names}) FROM STDIN', tuple(_kind(field) for field in columns)


@lru_cache(maxsize=512)
def _insert_statement(model: type[models.Model], fields: tuple[str, ...], rows: int) -> tuple[str, tuple[str, ...]]:
    columns = [_field(model, name) for name in fields]
    names = ", ".join(f'"{field.column}"' for field in columns)
    row = "(" + ", ".join(f"%s::{_kind(field)}" for field in columns) + ")"
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES {", ".join([row] * rows)}'  # noqa: S608 - as above
    return statement, tuple(_kind(field) for field in columns)


@lru_cache(maxsize=256)
def _update_statement(
    model: type[models.Model], fields: tuple[str, ...], extra: str, returning: str, one: bool
) -> tuple[str, tuple[str, ...]]:
    """One row's values stand by themselves: PostgreSQL plans that once and for all, and arrays each time."""
    columns = [_field(model, name) for name in fields]
    key = columns[0].column
    arrays = ", ".join(f"%s::{_array_type(field)}" for field in columns)
    names = ", ".join(f'"{field.column}"' for field in columns)
    values = f"unnest({arrays}) AS v({names})"
    if one:
        values = "(SELECT " + ", ".join(f'%s::{_kind(field)} AS "{field.column}"' for field in columns) + ") AS v"
    sets = [f'"{field.column}" = v."{field.column}"' for field in columns[1:]]
    if extra:
        sets.append(extra)
    statement = (
        f'UPDATE "{model._meta.db_table}" AS t SET {", ".join(sets)} '  # noqa: S608 - names come from the models
        f'FROM {values} WHERE t."{key}" = v."{key}"'
    )
    if returning:
        statement += f" RETURNING {returning}"
    return statement, tuple(_kind(field) for field in columns)


def _field(model: type[models.Model], name: str) -> models.Field:
    for field in model._meta.concrete_fields:
        if name in (field.attname, field.name):
            return field
    raise ValueError(f"{model.__name__} has no field {name}")


def _kind(field: models.Field) -> str:
    """The column's type in the database."""
    kind = field.rel_db_type(connection) if field.is_relation else field.db_type(connection)
    assert kind, f"{field.column} has no column type"
    return kind


def _array_type(field: models.Field) -> str:
    kind = _kind(field)
    assert not kind.endswith("[]"), f"unnest would flatten the array column {field.column}"
    return f"{kind}[]"
