"""What the official SDK's classes say of an object, held against what was answered.

The SDK's annotations are made from Stripe's published API description: a field that is not `Optional` is always there,
and a field's type, the words of an enumeration and nested objects are what the annotation says.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any

import stripe
from stripe._stripe_object import StripeObject

from api.openapi.annotations import by_object, fields_of


def faults(body: Any, path: str = "") -> Iterator[str]:
    """What is wrong with every object in `body`, one sentence each."""
    if isinstance(body, list):
        for number, one in enumerate(body):
            yield from faults(one, f"{path}[{number}]")
    elif isinstance(body, dict):
        kind = by_object().get(body.get("object", ""))
        if body.get("deleted") is True:
            yield from _deletion_faults(body, path)
        elif kind is not None and body["object"] not in ("list", "search_result"):
            yield from of_class(body, kind, path or body["object"])
        else:
            for name, value in body.items():
                yield from faults(value, f"{path}.{name}")


def _deletion_faults(body: dict[str, Any], path: str) -> Iterator[str]:
    if not isinstance(body.get("object"), str):
        yield f"{path}.object: missing from a deletion"


def of_class(body: Mapping[str, Any], kind: type, path: str) -> Iterator[str]:
    for name, said in fields_of(kind).items():
        here = f"{path}.{name}"
        if name in body:
            yield from _value_faults(body[name], said, here)
        elif not _optional(said):
            yield f"{here}: missing"


def _optional(said: Any) -> bool:
    return typing.get_origin(said) is typing.Union and NoneType in typing.get_args(said)


def _value_faults(value: Any, said: Any, path: str) -> Iterator[str]:
    origin, arguments = typing.get_origin(said), typing.get_args(said)
    if origin is typing.Union:
        words = [one for one in arguments if typing.get_origin(one) is typing.Literal]
        if words and isinstance(value, str):
            # "One of these words, or any that come later": nothing of ours comes later.
            arguments = tuple(words)
        told = [list(_value_faults(value, one, path)) for one in arguments]
        if all(told):
            # What came nearest: an object's own faults say more than "is no string".
            objects = [
                one for one, kind in zip(told, arguments, strict=True) if isinstance(value, dict) and _holds(kind)
            ]
            yield from min(objects or told, key=len)
    elif origin is typing.Literal:
        if value not in arguments:
            yield f"{path}: {value!r} is none of {arguments}"
    elif origin is list:
        yield from _list_faults(value, arguments[0], path)
    elif origin is dict or said is typing.Any:
        return
    elif getattr(origin or said, "__name__", "") == "ListObject":
        yield from _page_faults(value, arguments[0] if arguments else typing.Any, path)
    elif inspect.isclass(said) or inspect.isclass(origin):
        yield from _plain_faults(value, origin or said, path)


def _holds(kind: Any) -> bool:
    plain = typing.get_origin(kind) or kind
    return inspect.isclass(plain) and issubclass(plain, (StripeObject, dict))


def _list_faults(value: Any, element: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is no list"
        return
    for number, one in enumerate(value):
        yield from _value_faults(one, element, f"{path}[{number}]")


def _page_faults(value: Any, element: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("object") != "list":
        yield f"{path}: {value!r} is no list object"
        return
    for name, kind in (("data", list), ("has_more", bool), ("url", str)):
        if not isinstance(value.get(name), kind):
            yield f"{path}.{name}: {value.get(name)!r} is no {kind.__name__}"
    yield from _list_faults(value.get("data", []), element, f"{path}.data")


def _plain_faults(value: Any, said: type, path: str) -> Iterator[str]:
    if issubclass(said, StripeObject):
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no {said.__name__}"
        elif said.__name__ != "UntypedStripeObject":
            yield from of_class(value, said, path)
    elif said.__name__ == "Decimal":
        if not isinstance(value, str):
            yield f"{path}: {value!r} is no decimal in a string"
    elif said is float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            yield f"{path}: {value!r} is no number"
    elif not isinstance(value, said) or (said is int and isinstance(value, bool)):
        yield f"{path}: {value!r} is no {said.__name__}"


def absent(body: Mapping[str, Any], kind: type) -> list[str]:
    """Optional fields that are not there at all: reading one as an attribute raises in the SDK."""
    return [name for name in fields_of(kind) if name not in body and name != "deleted"]


class Watched(stripe.RequestsClient):
    """The SDK's own HTTP client, which also holds every answer against the SDK's classes."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.kinds: set[str] = set()

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **options: Any) -> Any:
        answer = super().request(method, url, headers, post_data, **options)
        body = json.loads(answer[0])
        self.faults += [f"{method} {url}: {fault}" for fault in faults(body)]
        self.kinds |= set(_kinds(body))
        return answer


def _kinds(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        if isinstance(body.get("object"), str):
            yield body["object"]
        body = body.values()
    if not isinstance(body, (str, int, float, NoneType)):
        for one in body:
            yield from _kinds(one)
