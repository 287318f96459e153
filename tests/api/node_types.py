"""What the official Node SDK's types say of an object, held against what was answered.

The Python SDK says of a field only that it may be None. The types of the Node SDK tell apart what is always there, if
only as null (`name: string | null`), from what is left out where there is none of it (`name?: string`, never null).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from api.webhooks.event_types import OURS as EVENT_TYPES_OF_OURS

RESOURCES = Path(__file__).parents[2] / "node_modules/stripe/esm/resources"
_DECLARED = re.compile(r"(?:export\s+)?(?:declare\s+)?(interface|namespace|type)\s+(\w+)")
_NAMED = re.compile(r"\s*(?:readonly\s+)?'?(\w+)'?(\?)?\s*:")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_PLAIN: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "Metadata": (dict,),
    "Decimal": (str,),
    "Stripe.Decimal": (str,),
}


# Words of ours in enumerations of Stripe's, by object and field.
OURS = {"event.type": EVENT_TYPES_OF_OURS}


class Said(NamedTuple):
    """One field: whether it may be left out, and its type as it is written."""

    optional: bool
    type: str


class Types(NamedTuple):
    interfaces: dict[str, dict[str, Said]]
    aliases: dict[str, str]
    objects: dict[str, str]  # the interface of each `object`


def faults(body: Any) -> Iterator[str]:
    """What is wrong with every object in `body`, one sentence each."""
    if isinstance(body, list):
        for one in body:
            yield from faults(one)
    elif isinstance(body, dict) and body.get("deleted") is not True:
        kind = body.get("object")
        if isinstance(kind, str) and kind not in ("list", "search_result") and kind in types().objects:
            yield from _interface_faults(body, types().objects[kind], kind)
        for value in body.values():
            yield from faults(value)


@functools.cache
def types() -> Types:
    found = Types({}, {}, {})
    for path in sorted(RESOURCES.rglob("*.d.ts")):
        room = "".join(f"{part}." for part in path.parent.relative_to(RESOURCES).parts)
        _read(_COMMENT.sub("", path.read_text()), room, found)
    for name, told in found.interfaces.items():
        word = told["object"].type if "object" in told else ""
        # What is sent has parts of the same names as what is answered.
        sent = "Params" in name or name.rpartition(".")[2].startswith("Deleted")
        if word.startswith("'") and "|" not in word and not sent:
            found.objects.setdefault(word.strip("'"), name)
    return found


def _read(text: str, within: str, found: Types) -> None:
    place = 0
    while declared := _DECLARED.search(text, place):
        kind, name = declared.groups()
        if kind == "type":
            start = text.index("=", declared.end()) + 1
            place = _end(text, start)
            found.aliases[within + name] = text[start:place].strip()
            continue
        start = text.index("{", declared.end())
        place = _closing(text, start)
        body = text[start + 1 : place]
        if kind == "namespace":
            _read(body, f"{within}{name}.", found)
        else:
            found.interfaces.setdefault(within + name, _fields(body))


def _fields(body: str) -> dict[str, Said]:
    told, place = {}, 0
    while place < len(body):
        if named := _NAMED.match(body, place):
            place = _end(body, named.end())
            told[named[1]] = Said(bool(named[2]), " ".join(body[named.end() : place].split()))
        else:
            place = body.find(";", place) if ";" in body[place:] else len(body)
        place += 1
    return told


def _closing(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if not depth:
            return place
    raise AssertionError("a brace is not closed")


def _end(text: str, start: int) -> int:
    """Where the statement's own semicolon is."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "{([<") - (text[place] in "})]>")
        if text[place] == ";" and not depth:
            return place
    return len(text)


def _interface_faults(value: dict[str, Any], name: str, path: str) -> Iterator[str]:
    for field, said in types().interfaces[name].items():
        here = f"{path}.{field}"
        if field not in value:
            if not said.optional and field not in ("deleted", "lastResponse"):
                yield f"{here}: missing"
        elif value[field] is None and said.optional and "null" not in _alternatives(said.type):
            yield f"{here}: null where it is left out"
        elif here not in OURS or value[field] not in OURS[here]:
            yield from _faults(value[field], said.type, name, here)


def _faults(value: Any, said: str, scope: str, path: str) -> Iterator[str]:
    told = [(one, list(_of_one(value, one, scope, path))) for one in _alternatives(said)]
    if all(wrong for _, wrong in told):
        deepest = [wrong for _, wrong in told if wrong[0].partition(":")[0].count(".") > path.count(".")]
        yield from min(deepest, key=len, default=[f"{path}: {str(value)[:60]!r} is no {said[:80]}"])


def _of_one(value: Any, said: str, scope: str, path: str) -> Iterator[str]:
    """Why `value` is not of the one type `said`."""
    if held := re.fullmatch(r"(?:Stripe\.)?(Array|ApiList)<(.*)>", said):
        rows = value.get("data") if held[1] == "ApiList" and isinstance(value, dict) else value
        if isinstance(rows, list):
            for number, one in enumerate(rows):
                yield from _faults(one, held[2], scope, f"{path}[{number}]")
            return
    elif said not in _PLAIN and not said.startswith("'") and (name := _resolved(said.removeprefix("Stripe."), scope)):
        if name in types().aliases:
            yield from _faults(value, types().aliases[name], name, path)
            return
        if isinstance(value, dict):
            yield from _object_faults(value, name, path)
            return
    elif _is(value, said):
        return
    yield f"{path}: {str(value)[:60]!r} is no {said[:80]}"


def _is(value: Any, said: str) -> bool:
    if said in ("true", "false"):
        return value is (said == "true")
    if said in _PLAIN:
        return isinstance(value, _PLAIN[said]) and not (said == "number" and isinstance(value, bool))
    return value == said.strip("'") if said.startswith("'") else True


def _object_faults(value: dict[str, Any], name: str, path: str) -> Iterator[str]:
    told = types().interfaces[name]
    if isinstance(value.get("object"), str) and "object" in told:
        # An object is looked at for itself; here only whether it is of the kind.
        if value["object"] not in told["object"].type:
            yield f"{path}: a {value['object']} is no {name}"
    elif path not in ("event.data.object", "event.data.previous_attributes"):
        yield from _interface_faults(value, name, path)


def _alternatives(said: str) -> list[str]:
    """`said` taken apart at its own bars."""
    parts, depth = [""], 0
    for mark in said:
        depth += (mark in "{([<") - (mark in "})]>")
        if mark == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += mark
    return [part.strip() for part in parts if part.strip()]


def _resolved(name: str, scope: str) -> str:
    """The interface or alias that `name` is, seen from `scope`; "" for what is anything."""
    known, within = types(), scope.split(".")
    for length in range(len(within), -1, -1):
        full = ".".join([*within[:length], name])
        if full in known.interfaces or full in known.aliases:
            return full
    return ""
