"""What an `expand` path leads to, by the SDK's annotations: known before anything is read or written.

A path that leads nowhere is refused, and so is one through objects that a restricted key may not read
(https://docs.stripe.com/stripe-apps/reference/permissions: a permission for each object that is expanded).
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from stripe._stripe_object import StripeObject

from api.expanding import NotExpandable, NotExpandableInList
from api.openapi.annotations import by_object, fields_of
from api.openapi.document import is_page, kind_of, kinds_of
from api.protocol.operation import Operation
from api.routes import EXPANDABLES, OPERATIONS
from api.scopes import READ, Scopes, check_resource, resource_of

# Objects that have no address of their own belong to what they are made of.
_BELONGING = {"discount": "coupon"}
# Inside an event's object anything may be met; there a property is told by its name.
_BY_PROPERTY = {
    "default_payment_method": "payment_method",
    "default_price": "price",
    "default_tax_rates": "tax_rate",
    "discounts": "discount",
    "feature": "entitlements.feature",
    "latest_charge": "charge",
    "latest_invoice": "invoice",
    "schedule": "subscription_schedule",
    "test_clock": "test_helpers.test_clock",
}


def check_expansions(
    operation: Operation, paths: Iterable[str], *, scopes: Scopes | None, key: str, account: str
) -> None:
    """Raises `NotExpandable`, `NotExpandableInList`, `MorePermissionsNeeded`."""
    for path in paths:
        for name in _resources(operation.method, operation.path, path):
            check_resource(scopes, resource=name, access=READ, key=key, account=account)


@functools.lru_cache(maxsize=2000)
def _resources(method: str, template: str, path: str) -> tuple[str, ...]:
    """The resources of the objects that expanding `path` reads."""
    operation = next(one for one in OPERATIONS if (one.method, one.path) == (method, template))
    kinds = kinds_of(operation)
    if not kinds:
        return ()
    steps = path.split(".")
    if is_page(operation):
        if steps == ["total_count"] and template.endswith("/search"):
            return ()
        if steps[0] != "data":
            raise NotExpandableInList(path=path)
        steps = steps[1:]
    read: set[str] = set()
    reached: set[Any] = {by_object()[kind] for kind in kinds}
    for step in steps:
        reached = _after(reached, step, path, read)
    known = _resource_of_kind()
    return tuple(sorted({known[one] for one in read if one in known}))


def _after(holders: set[Any], step: str, path: str, read: set[str]) -> set[Any]:
    """The classes that `step` leads to from `holders`; an empty set where nothing more is known of it."""
    if not holders:
        if step in EXPANDABLES.loaders:
            read.add(_BY_PROPERTY.get(step, step))
        return holders
    found = [(holder, said) for holder in holders if (said := _said(holder, step)) is not None]
    if not found:
        raise NotExpandable(path=path)
    reached: set[Any] = set()
    for holder, said in found:
        kinds = set(_classes(said))
        if _is_read(holder, step, said):
            read |= {name for one in kinds for name in _names(one)}
        if not kinds and _is_plain(said):
            raise NotExpandable(path=path)
        reached |= kinds
    return reached


def _said(holder: Any, step: str) -> Any:
    """The annotation of a property; of a list's `data` what it holds."""
    if _is_list(holder):
        return typing.get_args(holder)[0] if step == "data" and typing.get_args(holder) else None
    return fields_of(holder).get(step)


def _classes(said: Any) -> Iterator[Any]:
    """The objects that an annotation may stand for: classes, and pages of them."""
    origin = typing.get_origin(said)
    if _is_list(said):
        yield said
    elif origin is typing.Union or origin is list:
        for one in typing.get_args(said):
            yield from _classes(one)
    elif inspect.isclass(said) and issubclass(said, StripeObject) and said.__name__ != "UntypedStripeObject":
        yield said


def _is_list(said: Any) -> bool:
    return getattr(typing.get_origin(said), "__name__", "") == "ListObject"


def _is_plain(said: Any) -> bool:
    """Whether there is nothing in it to expand: a text, a number, a flag, a list of such."""
    parts = typing.get_args(said) if typing.get_origin(said) in (typing.Union, list) else (said,)
    return all(one in (str, int, bool, float, type(None)) or typing.get_origin(one) is typing.Literal for one in parts)


def _is_read(holder: Any, step: str, said: Any) -> bool:
    """Whether the property is looked up (an id else, or left out), or is whole without it."""
    return _may_be_id(said) or any((name, step) in EXPANDABLES.includes for name in _names(holder))


def _may_be_id(said: Any) -> bool:
    return said is str or any(_may_be_id(one) for one in typing.get_args(said) if not _is_list(said))


def _names(cls: Any) -> list[str]:
    inner = typing.get_args(cls) if _is_list(cls) else (cls,)
    return [name for one in inner if isinstance(name := vars(one).get("OBJECT_NAME"), str)]


@functools.cache
def _resource_of_kind() -> dict[str, str]:
    """The resource that reads each kind of object, of several the one with the shortest address."""
    reading = sorted((one for one in OPERATIONS if one.method == "GET"), key=lambda one: -len(one.path))
    return {kind_of(one): resource_of(one.path) for one in reading} | _BELONGING
