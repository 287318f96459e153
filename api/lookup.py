"""Objects by the id in an address or a parameter, always within the caller's merchant."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from api.protocol.schema import merged_metadata
from core.errors import OstinatoError, gettext_noop
from events.statements import Statement

Row = TypeVar("Row", bound=Model)


class NoSuchObject(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("No such %(what)s: '%(id)s'")


def found(rows: QuerySet[Row], given: str, what: str, *, param: str = "id", chosen_ids: bool = False) -> Row:
    """The row by its id, or by the id that a client chose. Raises `NoSuchObject`."""
    wanted = Q(pk=given) | Q(api_id=given) if chosen_ids else Q(pk=given)
    row = rows.filter(wanted).first()
    if row is None:
        raise NoSuchObject(param=param, what=what, id=given)
    return row


def found_by(one: Statement[Row], merchant_id: str, given: str, what: str, *, param: str = "id") -> Row:
    """The merchant's row by its id, for what is looked up all day (`one` takes both). Raises `NoSuchObject`."""
    rows = one.models(merchant=merchant_id, id=given)
    if not rows:
        raise NoSuchObject(param=param, what=what, id=given)
    return rows[0]


def sent(params: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those of `names` that were sent; what was cleared is blank, as text columns have it."""
    return {name: "" if params[name] is None else params[name] for name in names if name in params}


def new_metadata(params: dict[str, Any]) -> dict[str, str]:
    return merged_metadata({}, params.get("metadata", {}))


def blanked_metadata(row: Any, params: dict[str, Any]) -> dict[str, str]:
    """What was sent of metadata for a service that merges it: a key to remove is blank."""
    sent = params["metadata"]
    merged_metadata(row.metadata, sent)  # refused before anything is written
    return dict.fromkeys(row.metadata, "") if sent is None else {key: value or "" for key, value in sent.items()}


def deleted(kind: str, row_id: str) -> dict[str, Any]:
    """Stripe's answer to a deletion."""
    return {"id": row_id, "object": kind, "deleted": True}
