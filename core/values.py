"""Frozen, slotted dataclasses changed by making another: the hot path's `dataclasses.replace`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar

Value = TypeVar("Value")

_make = object.__new__


def changed(value: Value, /, **changes: Any) -> Value:
    """As `dataclasses.replace`, at a third of its cost: slots are copied, no constructor is run.

    Only for slotted dataclasses whose constructor checks nothing. Raises `TypeError` for a field that there is not,
    and for any other class.
    """
    made = _make(type(value))
    left = len(changes)
    for name, read, write in _slots(type(value)):  # type: ignore[arg-type]
        if left and name in changes:
            left -= 1
            write(made, changes[name])
        else:
            write(made, read(value))
    if left:
        raise TypeError(f"{type(value).__name__} has no field among {sorted(changes)} that is not its own")
    return made


@lru_cache(maxsize=128)
def _slots(cls: type[Any]) -> tuple[tuple[str, Callable[[Any], Any], Callable[[Any, Any], None]], ...]:
    names = [field.name for field in fields(cls)]
    if hasattr(cls, "__post_init__") or set(names) - set(_slot_names(cls)):
        raise TypeError(f"{cls.__name__} is no plain slotted dataclass")
    slots = [(name, getattr(cls, name)) for name in names]
    return tuple((name, slot.__get__, slot.__set__) for name, slot in slots)


def _slot_names(cls: type) -> list[str]:
    return [name for base in cls.__mro__ for name in getattr(base, "__slots__", ())]
