"""Stripe's form encoding with brackets as nested values: items[0][price]=price_1 -> {"items": {"0": {"price": …}}}.

Pure and bounded. Whether {"0": …} is a list is the schema's business, since a form cannot tell a list from a
mapping with number keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from core.errors import OstinatoError, gettext_noop

MAX_DEPTH = 8
MAX_PAIRS = 2000

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


class MalformedParameter(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("The parameter “%(name)s” is not well formed.")


class TooManyParameters(OstinatoError):
    code = "parameters_exclusive"
    message_id = gettext_noop("A request has at most %(most)s parameters.")


class NestedTooDeep(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("Parameters are nested at most %(most)s deep.")


class ParameterTwice(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("The parameter “%(name)s” is given twice, or both as a value and as a hash.")


def decode(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Nested mappings of strings (and files, as they are) from (name, value) pairs in the order they came.

    `name[]=a&name[]=b` gets the keys "0" and "1". Raises the errors above; nothing is guessed.
    """
    tree: dict[str, Any] = {}
    for number, (name, value) in enumerate(pairs):
        if number >= MAX_PAIRS:
            raise TooManyParameters(most=MAX_PAIRS)
        _put(tree, _path(name), value, name)
    return tree


def _path(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if match is None or "\x00" in name:
        raise MalformedParameter(param=name[:100], name=name[:100])
    path = [match[1], *_PART.findall(match[2])]
    if len(path) > MAX_DEPTH:
        raise NestedTooDeep(param=name[:100], most=MAX_DEPTH)
    return path


def _put(tree: dict[str, Any], path: list[str], value: Any, name: str) -> None:
    *parents, leaf = path
    for depth, part in enumerate(parents):
        tree = tree.setdefault(part or _element(tree, path[depth + 1 :]), {})
        if not isinstance(tree, dict):
            raise ParameterTwice(param=name, name=name)
    leaf = leaf or str(len(tree))
    if leaf in tree:
        raise ParameterTwice(param=name, name=name)
    tree[leaf] = value


def _element(tree: dict[str, Any], rest: list[str]) -> str:
    """The element that `[]` stands for: the last one until it has what comes (`items[][price]`, `items[][quantity]`),
    then a new one, as Rack and so Stripe read it."""
    last = str(len(tree) - 1)
    inside: Any = tree.get(last)
    if not isinstance(inside, dict) or not rest[0]:
        return str(len(tree))
    for part in rest:
        if not isinstance(inside, dict) or part not in inside:
            return last
        inside = inside[part]
    return str(len(tree))
