"""What the official SDK's classes say of Stripe's objects.

They are made from Stripe's published description: a field that is not `Optional` is always there, and a field's type,
the words of an enumeration and nested objects are what the annotation says.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import typing
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from stripe._object_classes import OBJECT_CLASSES


class _Classes(Mapping[str, type]):
    """The SDK's own table of objects; a class's module is imported when it is asked for."""

    def __getitem__(self, name: str) -> type:
        module, found = OBJECT_CLASSES[name]
        cls: type = getattr(importlib.import_module(module), found)
        return cls

    def __iter__(self) -> Iterator[str]:
        return iter(OBJECT_CLASSES)

    def __len__(self) -> int:
        return len(OBJECT_CLASSES)


def by_object() -> Mapping[str, type]:
    """The class that each `object` name stands for."""
    return _Classes()


@functools.cache
def fields_of(kind: type) -> Mapping[str, Any]:
    """A class's own fields with their types."""
    module = importlib.import_module(kind.__module__)
    inner = {name: one for name, one in vars(kind).items() if inspect.isclass(one)}
    scope = {**vars(module), **_for_checkers(module), **inner}
    own = {name: said for name, said in vars(kind).get("__annotations__", {}).items() if name != "OBJECT_NAME"}
    holder = type("Holder", (), {"__annotations__": own})
    return typing.get_type_hints(holder, globalns=scope, localns=scope)


@functools.cache
def _for_checkers(module: ModuleType) -> Mapping[str, Any]:
    """What a module of the SDK imports under `if TYPE_CHECKING`, parameters apart."""
    found: dict[str, Any] = {}
    for block in ast.parse(inspect.getsource(module)).body:
        for node in block.body if isinstance(block, ast.If) else ():
            if isinstance(node, ast.ImportFrom) and node.module and ".params" not in node.module:
                there = importlib.import_module(node.module)
                found |= {alias.asname or alias.name: getattr(there, alias.name, None) for alias in node.names}
    return found
