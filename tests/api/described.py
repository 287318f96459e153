"""Every answer of the API held against its own published description.

A checker for the part of JSON Schema that the description uses. The libraries' ones either take ten seconds to compile
it in each test process, or tens of milliseconds for each answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api.openapi.document import answer_schema, document
from api.openapi.objects import REF
from api.protocol.operation import Download, Operation

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
KNOWN = {"type", "properties", "required", "items", "enum", "const", "anyOf", "$ref", "format"}


def fault(operation: Operation, status: int, body: Any) -> str:
    """What is wrong with an answer; "" when it is as described."""
    if status == 200 and operation.media_type:
        return "" if isinstance(body, Download) else f"{operation.path}: no file"
    schema = answer_schema(operation) if status == 200 else {"$ref": REF + "error"}
    first = next(faults(body, schema, "body"), "")
    return first and f"{operation.method} {operation.path} {status}: {first}"


def faults(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """One sentence for each thing that is not as `schema` says."""
    assert schema.keys() <= KNOWN, f"the checker does not know {schema.keys() - KNOWN}"
    if "$ref" in schema:
        yield from faults(value, document()["components"]["schemas"][schema["$ref"].removeprefix(REF)], path)
    if "anyOf" in schema:
        told = [list(faults(value, one, path)) for one in schema["anyOf"]]
        if all(told):
            yield max(told, key=lambda said: max(one.count(".") for one in said))[0]
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{path}: {str(value)[:80]!r} is no {schema['type']}"
        return
    yield from _parts(value, schema, path)


def _is(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and not (name in ("integer", "number") and isinstance(value, bool))


def _parts(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{path}.{name}: missing" for name in schema.get("required", ()) if name not in value)
        for name, one in schema.get("properties", {}).items():
            if name in value:
                yield from faults(value[name], one, f"{path}.{name}")
    elif isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            yield from faults(one, schema["items"], f"{path}[{number}]")
