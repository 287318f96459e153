"""`expand[]`: ids in an answer replaced by their objects, read in bulk, at most four deep as in Stripe.

Two ways to expand: a property that holds ids (`customer`, `discounts`) gets the objects, and a property that is only
there when asked for (`customer.subscriptions`, `invoice.payments`) is added. Both are declared by the resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.completing import complete
from api.openapi.annotations import by_object, fields_of
from core.errors import OstinatoError, gettext_noop

DEPTH_MAX = 4

# Objects by the ids that were asked for, of those that the merchant has.
Loader = Callable[[str, Sequence[str]], Mapping[str, dict[str, Any]]]
# What each object's extra property holds, by the object's id.
Includer = Callable[[str, Sequence[str]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Expandables:
    """`loaders` by property name; `includes` by (object, property)."""

    loaders: Mapping[str, Loader] = field(default_factory=dict)
    includes: Mapping[tuple[str, str], Includer] = field(default_factory=dict)


class NotExpandable(OstinatoError):
    code = "parameter_invalid"
    param = "expand"
    message_id = gettext_noop("This property cannot be expanded (%(path)s).")


class NotExpandableInList(OstinatoError):
    code = "parameter_invalid"
    param = "expand"
    message_id = gettext_noop(
        "This property cannot be expanded (%(path)s). You may want to try expanding 'data.%(path)s' instead."
    )


class ExpandedTooDeep(OstinatoError):
    code = "parameter_invalid"
    param = "expand"
    message_id = gettext_noop("You cannot expand more than %(most)s levels of a property (%(path)s).")


@dataclass(frozen=True, slots=True)
class _Reader:
    merchant_id: str
    livemode: bool
    known: Expandables


def check_depth(paths: Iterable[str]) -> None:
    """Lists are no level of their own here. Raises `ExpandedTooDeep`."""
    for path in paths:
        if len([step for step in path.split(".") if step not in ("data", "items", "lines")]) > DEPTH_MAX:
            raise ExpandedTooDeep(most=DEPTH_MAX, path=path)


def expand(body: dict[str, Any], paths: Iterable[str], *, merchant_id: str, livemode: bool, known: Expandables) -> None:
    """Expand `paths` ("data.customer", "latest_invoice.payments") in `body`, in place."""
    reader = _Reader(merchant_id, livemode, known)
    for path in sorted(set(paths)):
        holders = [body]
        for step in path.split("."):
            holders = _step(reader, holders, step, path)


def _step(reader: _Reader, holders: list[dict[str, Any]], step: str, path: str) -> list[dict[str, Any]]:
    """The objects that `step` leads to from `holders`, after their ids were replaced."""
    _include(reader, holders, step)
    having = [holder for holder in holders if step in holder]
    if holders and not having and not _is_left_out(holders, step):
        raise NotExpandable(path=path)
    _load(reader, having, step, path)
    reached: list[dict[str, Any]] = []
    for holder in having:
        value = holder[step]
        reached.extend(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))
    return reached


def _is_left_out(holders: list[dict[str, Any]], step: str) -> bool:
    """Whether the objects that lack `step` might have had it: what leads nowhere at all was refused by its path."""
    kinds = {str(holder["object"]) for holder in holders if holder.get("object") in by_object()}
    return all(step in fields_of(by_object()[kind]) for kind in kinds)


def _include(reader: _Reader, holders: list[dict[str, Any]], step: str) -> None:
    bare = [
        holder for holder in holders if step not in holder and (holder.get("object"), step) in reader.known.includes
    ]
    for kind in {holder["object"] for holder in bare}:
        of_kind = [holder for holder in bare if holder["object"] == kind]
        found = reader.known.includes[kind, step](reader.merchant_id, sorted({holder["id"] for holder in of_kind}))
        for holder in of_kind:
            holder[step] = found.get(holder["id"])
        _complete(reader, [holder[step] for holder in of_kind])


def _load(reader: _Reader, holders: list[dict[str, Any]], step: str, path: str) -> None:
    ids = sorted({one for holder in holders for one in _ids(holder[step])})
    if not ids:
        return
    loader = reader.known.loaders.get(step)
    if loader is None:
        raise NotExpandable(path=path)
    found = loader(reader.merchant_id, ids)
    _complete(reader, list(found.values()))
    for holder in holders:
        value = holder[step]
        if isinstance(value, list):
            holder[step] = [found.get(one, one) if isinstance(one, str) else one for one in value]
        elif isinstance(value, str):
            holder[step] = found.get(value, value)


def _complete(reader: _Reader, bodies: list[Any]) -> None:
    complete({"all": bodies}, merchant_id=reader.merchant_id, livemode=reader.livemode)


def _ids(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
