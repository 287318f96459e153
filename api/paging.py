"""Cursor pagination over (created, id), newest first, and Stripe's list object."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from api.protocol.operation import Call, Json
from core.errors import OstinatoError, gettext_noop

Row = TypeVar("Row", bound=Model)
DEFAULT_LIMIT = 10


class CursorUnknown(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("No such object to page from: '%(id)s'")


class CursorsExclusive(OstinatoError):
    code = "parameters_exclusive"
    param = "ending_before"
    message_id = gettext_noop("You may send starting_after or ending_before, not both.")


def page(
    rows: QuerySet[Row], call: Call, render: Callable[[list[Row]], list[Json]], *, url: str, by: str = "created"
) -> Json:
    """One page of `rows` as a list object, the latest first `by` that column.

    `render` gets the page's rows at once, so that it can read in bulk.
    """
    limit = call.params.get("limit", DEFAULT_LIMIT)
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise CursorsExclusive
    if before:
        wanted = rows.filter(_beyond(rows, before, "ending_before", "gt", by))
        found = list(wanted.order_by(by, "id")[: limit + 1])
    else:
        wanted = rows.filter(_beyond(rows, after, "starting_after", "lt", by)) if after else rows
        found = list(wanted.order_by(f"-{by}", "-id")[: limit + 1])
    shown = found[:limit]
    if before:
        shown.reverse()
    return {"object": "list", "url": url, "has_more": len(found) > limit, "data": render(shown)}


def _beyond(rows: QuerySet[Row], row_id: str, param: str, side: str, by: str) -> Q:
    at = rows.model._default_manager.filter(pk__in=rows.filter(pk=row_id)).values_list(by, flat=True).first()
    if at is None:
        raise CursorUnknown(param=param, id=row_id)
    return Q(**{f"{by}__{side}": at}) | Q(**{by: at, f"id__{side}": row_id})


def in_range(rows: QuerySet[Row], field: str, wanted: datetime | dict[str, datetime] | None) -> QuerySet[Row]:
    """`rows` whose `field` is at an instant or within {gt, gte, lt, lte}, in the whole seconds that callers see."""
    if wanted is None:
        return rows
    sides = {"gte": wanted, "lte": wanted} if isinstance(wanted, datetime) else wanted
    return rows.filter(**{f"{field}__{side}": _edge(side, value) for side, value in sides.items()})


def _edge(side: str, second: datetime) -> datetime:
    """After a second is after all of it, up to it is up to its end: rows keep microseconds, answers don't."""
    return second.replace(microsecond=999_999) if side in ("gt", "lte") else second


def page_of(data: list[Json], call: Call, *, url: str) -> Json:
    """One page of objects that were all read, in the order they are shown in."""
    params = call.params
    limit = params.get("limit", DEFAULT_LIMIT)
    if "starting_after" in params and "ending_before" in params:
        raise CursorsExclusive
    ids = [one["id"] for one in data]
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in ids:
            raise CursorUnknown(param=name, id=params[name])
    if "ending_before" in params:
        before = data[: ids.index(params["ending_before"])]
        return {"object": "list", "url": url, "has_more": len(before) > limit, "data": before[-limit:]}
    rest = data[ids.index(params["starting_after"]) + 1 :] if "starting_after" in params else data
    return {"object": "list", "url": url, "has_more": len(rest) > limit, "data": rest[:limit]}


def whole_list(data: list[Any], *, url: str) -> Json:
    """A list object that holds everything."""
    return {"object": "list", "url": url, "has_more": False, "data": data}
