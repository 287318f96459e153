"""Search clauses as conditions on rows, and Stripe's search_result object.

What may be asked of each kind of object is a table of columns: text (exact whatever the letter case, ~ for a part of
it), token (exact only), id, number (compared), instant (compared in whole seconds), flag, metadata, and unset for
what is null on every object here.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from api.paging import DEFAULT_LIMIT
from api.protocol.operation import Call, Json
from api.protocol.schema import Fields, integer, text
from api.protocol.search_query import QUERY_MAX, SUBSTRING_LEAST, Clause, parse_query
from core.errors import OstinatoError, gettext_noop

Row = TypeVar("Row", bound=Model)
SEARCH: Fields = {
    "limit": integer(least=1, most=100),
    "page": text(most=500),
    "query": text(required=True, most=QUERY_MAX),
}
_SIDES = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_NUMBER_MAX = 10**15
_LATEST = 253402300799  # 31 December 9999


class FieldNotSearchable(OstinatoError):
    code = "parameter_invalid"
    param = "query"
    message_id = gettext_noop("Field `%(field)s` is an unsupported search field for resource `%(resource)s`.")


class OperatorNotSupported(OstinatoError):
    code = "parameter_invalid"
    param = "query"
    message_id = gettext_noop("The operator %(operator)s cannot be used with the search field `%(field)s`.")


class SearchValueInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "query"
    message_id = gettext_noop("“%(value)s” is not a value that the search field `%(field)s` can have.")


class PageUnknown(OstinatoError):
    code = "parameter_invalid"
    param = "page"
    message_id = gettext_noop("There is no such page of this search. Take next_page as it came.")


@dataclass(frozen=True, slots=True)
class Column:
    """Where a search field is found. `meaning` translates a shown word to the stored ones."""

    kind: str  # text, token, id, number, instant, flag, metadata, unset
    path: str = ""
    meaning: Mapping[str, tuple[str, ...]] | None = None


Columns = Mapping[str, Column]


def search(
    rows: QuerySet[Row], call: Call, columns: Columns, render: Callable[[list[Row]], list[Json]], *, url: str
) -> Json:
    """One page of what the query finds, the latest first, as Stripe's search_result."""
    found = matching(rows, call.params["query"], columns, resource=url.split("/")[2])
    limit = call.params.get("limit", DEFAULT_LIMIT)
    wanted = found.filter(_beyond(found, call)) if "page" in call.params else found
    page = list(wanted.order_by("-created", "-id")[: limit + 1])
    shown = page[:limit]
    more = len(page) > limit
    body: Json = {
        "object": "search_result",
        "url": f"{url}/search",
        "has_more": more,
        "next_page": _token(str(shown[-1].pk)) if more else None,
        "data": render(shown),
    }
    if "total_count" in call.expand:
        body["total_count"] = found.order_by().count()
    return body


def matching(rows: QuerySet[Row], query: str, columns: Columns, *, resource: str) -> QuerySet[Row]:
    """`rows` that the query describes. Raises the errors above and those of the query's grammar."""
    parsed = parse_query(query)
    conditions: list[Q] = []
    for number, clause in enumerate(parsed.clauses):
        column = columns.get(clause.field)
        if column is None or (clause.key is None) == (column.kind == "metadata"):
            raise FieldNotSearchable(field=clause.name, resource=resource)
        if column.kind == "metadata" and clause.value is not None:
            alias = f"searched_{number}"
            value = Coalesce(KeyTextTransform(clause.key, column.path), Value(""), output_field=TextField())
            rows = rows.alias(**{alias: value})
            column = Column("text", alias)
        condition = _condition(clause, column)
        conditions.append(~condition if clause.negated else condition)
    joined = conditions[0]
    for condition in conditions[1:]:
        joined = joined | condition if parsed.any_of else joined & condition
    return rows.filter(joined)


def _condition(clause: Clause, column: Column) -> Q:
    if clause.value is None:
        return _is_null(clause, column)
    return _CONDITIONS[column.kind](clause, column, clause.value)


def _is_null(clause: Clause, column: Column) -> Q:
    if clause.operator != ":":
        raise OperatorNotSupported(operator=clause.operator, field=clause.name)
    if column.kind == "metadata":
        return ~Q(**{f"{column.path}__has_key": clause.key})
    if column.kind == "unset":
        return ~Q(pk__in=())
    empty = Q(**{f"{column.path}__isnull": True})
    return empty | Q(**{column.path: ""}) if column.kind in ("text", "token") else empty


def _text(clause: Clause, column: Column, value: str) -> Q:
    if clause.operator == "~":
        if len(value) < SUBSTRING_LEAST:
            raise SearchValueInvalid(field=clause.name, value=value)
        return Q(**{f"{column.path}__icontains": value})
    return _token_is(clause, column, value)


def _token_is(clause: Clause, column: Column, value: str) -> Q:
    if clause.operator != ":":
        raise OperatorNotSupported(operator=clause.operator, field=clause.name)
    if column.meaning is not None:
        return Q(**{f"{column.path}__in": column.meaning.get(value.lower(), ())})
    return Q(**{column.path if column.kind == "id" else f"{column.path}__iexact": value})


def _number(clause: Clause, column: Column, value: str) -> Q:
    number = _whole(clause, value, _NUMBER_MAX)
    if clause.operator == ":":
        return Q(**{column.path: number})
    return Q(**{f"{column.path}__{_side(clause)}": number})


def _instant(clause: Clause, column: Column, value: str) -> Q:
    second = datetime.fromtimestamp(max(_whole(clause, value, _LATEST), 0), UTC)
    after = second.replace(microsecond=999_999)
    if clause.operator == ":":
        return Q(**{f"{column.path}__gte": second, f"{column.path}__lte": after})
    side = _side(clause)
    return Q(**{f"{column.path}__{side}": after if side in ("gt", "lte") else second})


def _flag(clause: Clause, column: Column, value: str) -> Q:
    if clause.operator != ":":
        raise OperatorNotSupported(operator=clause.operator, field=clause.name)
    if value.lower() not in ("true", "false"):
        raise SearchValueInvalid(field=clause.name, value=value[:50])
    return Q(**{column.path: value.lower() == "true"})


def _unset(clause: Clause, _column: Column, _value: str) -> Q:
    if clause.operator != ":":
        raise OperatorNotSupported(operator=clause.operator, field=clause.name)
    return Q(pk__in=())


_CONDITIONS: Mapping[str, Callable[[Clause, Column, str], Q]] = {
    "text": _text,
    "token": _token_is,
    "id": _token_is,
    "number": _number,
    "instant": _instant,
    "flag": _flag,
    "unset": _unset,
}


def _side(clause: Clause) -> str:
    if clause.operator not in _SIDES:
        raise OperatorNotSupported(operator=clause.operator, field=clause.name)
    return _SIDES[clause.operator]


def _whole(clause: Clause, value: str, most: int) -> int:
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18 or int(digits) > most:
        raise SearchValueInvalid(field=clause.name, value=value[:50])
    return int(value)


def _token(row_id: str) -> str:
    return urlsafe_b64encode(row_id.encode()).decode().rstrip("=")


def _beyond(rows: QuerySet[Any], call: Call) -> Q:
    token = call.params["page"]
    try:
        row_id = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (BadBase64, ValueError):
        raise PageUnknown from None
    # The row may have changed since, and no longer be among those that are found.
    known = rows.model._default_manager.filter(merchant_id=call.merchant_id, pk=row_id.replace("\x00", ""))
    place = known.values_list("created", flat=True).first()
    if place is None:
        raise PageUnknown
    return Q(created__lt=place) | Q(created=place, id__lt=row_id)
