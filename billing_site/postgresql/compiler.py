"""Django works the list of columns out anew for each query: of 50 columns, most of a query's time in Python.

For plain reads of whole rows the list depends on the model and its alias alone. It is kept, with what turns the
columns' values into Python's. Measured on `POST /v1/subscriptions`: a quarter of the request.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.postgresql import compiler
from django.db.backends.postgresql.compiler import (
    SQLAggregateCompiler,
    SQLDeleteCompiler,
    SQLInsertCompiler,
    SQLUpdateCompiler,
)

__all__ = ["SQLAggregateCompiler", "SQLCompiler", "SQLDeleteCompiler", "SQLInsertCompiler", "SQLUpdateCompiler"]

_Key = tuple[type[models.Model] | None, str]
_NOTHING_DEFERRED: tuple[frozenset[str], bool] = (frozenset(), True)
# By model and alias: (select, klass_info) of Django's own `get_select`, and the columns' converters.
_selects: dict[_Key, tuple[list[Any], Any]] = {}
_converters: dict[_Key, dict[int, Any]] = {}


class SQLCompiler(compiler.SQLCompiler):
    _whole: _Key | None = None

    def get_select(self, with_col_aliases: bool = False) -> tuple[list[Any], Any, dict[str, int]]:
        if with_col_aliases or not _is_of_whole_rows(self.query):
            self._whole = None
            return super().get_select(with_col_aliases)
        self._whole = key = (self.query.model, self.query.get_initial_alias())
        if key not in _selects:
            listed, of_class, _ = super().get_select()
            _selects[key] = listed, of_class
        select, klass_info = _selects[key]
        return list(select), dict(klass_info), {}

    def get_converters(self, expressions: list[Any]) -> dict[int, Any]:
        key = self._whole
        if key is None or len(expressions) != len(_selects[key][0]) or expressions[0] is not _selects[key][0][0][0]:
            return super().get_converters(expressions)
        if key not in _converters:
            _converters[key] = super().get_converters(expressions)
        return _converters[key]


def _is_of_whole_rows(query: Any) -> bool:
    """Every column of one table and nothing else. A migration's models come and go, and are not kept."""
    return bool(
        query.default_cols
        and query.selected is None
        and query.deferred_loading == _NOTHING_DEFERRED
        and not query.select_related
        and not query.extra_select
        and not query.annotation_select
        and not query.combinator
        and not query.model._meta.parents
        and query.model.__module__ != "__fake__"
    )
