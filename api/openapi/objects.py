"""The objects of the answers as JSON Schemas: Stripe's own, and what ours have beside them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from types import NoneType
from typing import Any

from stripe._stripe_object import StripeObject

from api.openapi.annotations import by_object, fields_of
from api.webhooks.event_types import OURS as EVENT_TYPES_OF_OURS

Schema = dict[str, Any]
REF = "#/components/schemas/"
NULL: Schema = {"type": "null"}
LIST: Schema = {
    "type": "object",
    "properties": {"object": {"const": "list"}, "has_more": {"type": "boolean"}, "url": {"type": "string"}},
    "required": ["object", "data", "has_more", "url"],
}
# Words of ours in enumerations of Stripe's, by object and path.
OURS: Mapping[str, tuple[str, ...]] = {
    "billing.meter.default_aggregation.formula": ("max", "unique"),
    "event.type": tuple(sorted(EVENT_TYPES_OF_OURS)),
}


def component(kind: str) -> str:
    return kind.replace(".", "_")


def components(kinds: typing.Iterable[str]) -> dict[str, Schema]:
    """The schemas of `kinds`, and of all that these lead to."""
    found: dict[str, Schema] = {}
    waiting = [kind for kind in kinds if kind in by_object()]
    while waiting:
        kind = waiting.pop()
        if component(kind) in found:
            continue
        reached: set[str] = set()
        found[component(kind)] = _of_class(by_object()[kind], kind, reached)
        waiting += sorted(reached)
    return found


def _of_class(cls: type, path: str, reached: set[str]) -> Schema:
    told = fields_of(cls)
    return {
        "type": "object",
        "properties": {name: _of_type(said, f"{path}.{name}", reached) for name, said in told.items()},
        "required": [name for name, said in told.items() if not _optional(said)],
    }


def _optional(said: Any) -> bool:
    return typing.get_origin(said) is typing.Union and NoneType in typing.get_args(said)


def _of_type(said: Any, path: str, reached: set[str]) -> Schema:
    origin, arguments = typing.get_origin(said), typing.get_args(said)
    if origin is typing.Union:
        return _of_union(arguments, path, reached)
    if origin is typing.Literal:
        return {"enum": [*arguments, *OURS.get(path, ())]}
    if origin is list:
        return {"type": "array", "items": _of_type(arguments[0], path, reached)}
    if origin is dict:
        return {"type": "object"}
    if getattr(origin or said, "__name__", "") == "ListObject":
        items = _of_type(arguments[0], path, reached) if arguments else {}
        return LIST | {"properties": LIST["properties"] | {"data": {"type": "array", "items": items}}}
    return _of_plain(origin or said, path, reached)


def _of_union(arguments: tuple[Any, ...], path: str, reached: set[str]) -> Schema:
    kinds = [one for one in arguments if one is not NoneType]
    if any(typing.get_origin(one) is typing.Literal for one in kinds):
        # "One of these words, or any that come later": nothing of ours comes later.
        kinds = [one for one in kinds if one is not str]
    told = [_of_type(one, path, reached) for one in kinds]
    if len(kinds) < len(arguments) and NoneType in arguments:
        told.append(NULL)
    return told[0] if len(told) == 1 else {"anyOf": told}


def _of_plain(said: Any, path: str, reached: set[str]) -> Schema:
    if not inspect.isclass(said):
        return {}
    if issubclass(said, StripeObject):
        kind = said.__dict__.get("OBJECT_NAME")
        if isinstance(kind, str):
            reached.add(kind)
            return {"$ref": REF + component(kind)}
        return {"type": "object"} if said.__name__ == "UntypedStripeObject" else _of_class(said, path, reached)
    names = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object"}
    if said in names:
        return {"type": names[said]}
    return {"type": "string", "format": "decimal"} if said.__name__ == "Decimal" else {}
