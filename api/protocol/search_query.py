"""Stripe's search language: `email:"a@b.c" AND -metadata["tier"]:"gold"`. Pure: a text in, clauses out.

A clause is a field, an operator and a value, `-` before it turns it round. Clauses are joined by a space or AND, or
by OR; one query does not mix the two, and there are no brackets. Source: https://docs.stripe.com/search.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import OstinatoError, gettext_noop

CLAUSES_MAX = 10
QUERY_MAX = 2000
SUBSTRING_LEAST = 3

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<join>(?:AND|OR)(?=\s|$))
      | (?P<clause>
            (?P<minus>-)?
            (?P<field>[A-Za-z_][A-Za-z0-9_.]*)
            (?:\[\s*(?:"(?P<key2>(?:\\.|[^"\\])*)"|'(?P<key1>(?:\\.|[^'\\])*)')\s*\])?
            \s*(?P<operator>:|~|>=|<=|>|<)\s*
            (?:"(?P<value2>(?:\\.|[^"\\])*)"|'(?P<value1>(?:\\.|[^'\\])*)'|(?P<bare>-?[0-9]+|null|true|false))
            (?=\s|$)
        )
    )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


class QueryUnreadable(OstinatoError):
    code = "parameter_invalid"
    param = "query"
    message_id = gettext_noop("We were unable to parse your search query from “%(rest)s” on: %(reason)s")


class QueryMixed(OstinatoError):
    code = "parameter_invalid"
    param = "query"
    message_id = gettext_noop("A search query joins its clauses by AND or by OR; it cannot mix the two.")


class QueryTooLong(OstinatoError):
    code = "parameter_invalid"
    param = "query"
    message_id = gettext_noop("A search query has at most %(most)s clauses.")


@dataclass(frozen=True, slots=True)
class Clause:
    """`operator` is one of : ~ > < >= <=. `value` is None for a bare null. `key` is metadata's."""

    field: str
    operator: str
    value: str | None
    key: str | None = None
    negated: bool = False

    @property
    def name(self) -> str:
        """As it was written, for messages."""
        return self.field if self.key is None else f'{self.field}["{self.key}"]'


@dataclass(frozen=True, slots=True)
class Query:
    clauses: tuple[Clause, ...]
    any_of: bool = False  # joined by OR


def parse_query(text: str) -> Query:
    """The clauses of `text`. Raises `QueryUnreadable`, `QueryMixed`, `QueryTooLong`."""
    clauses: list[Clause] = []
    joins: set[str] = set()
    at, waiting = 0, ""
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise QueryUnreadable(rest=text[at:].strip()[:60], reason='write clauses as field:"value", texts in quotes')
        at = match.end()
        if match["join"]:
            if not clauses or waiting:
                raise QueryUnreadable(rest=match["join"], reason="it stands between two clauses")
            waiting = match["join"].upper()
            continue
        if clauses:
            joins.add(waiting or "AND")
        waiting = ""
        clauses.append(_clause(match))
    if waiting or not clauses:
        raise QueryUnreadable(rest=waiting or text[:60], reason="a clause is missing")
    if len(joins) > 1:
        raise QueryMixed
    if len(clauses) > CLAUSES_MAX:
        raise QueryTooLong(most=CLAUSES_MAX)
    return Query(tuple(clauses), any_of="OR" in joins)


def _clause(match: re.Match[str]) -> Clause:
    key = match["key2"] if match["key2"] is not None else match["key1"]
    quoted = match["value2"] if match["value2"] is not None else match["value1"]
    value = _unescaped(quoted) if quoted is not None else match["bare"]
    if quoted is None and value.lower() == "null":
        value = None
    return Clause(
        field=match["field"].lower(),
        operator=match["operator"],
        value=value,
        key=None if key is None else _unescaped(key),
        negated=bool(match["minus"]),
    )


def _unescaped(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
