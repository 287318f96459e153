"""The API's description (OpenAPI 3.1), made of the operations that answer: nothing in it is written by hand."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from api.openapi.annotations import by_object
from api.openapi.objects import LIST, NULL, REF, Schema, component, components
from api.protocol.operation import Operation
from api.protocol.schema import Fields, required_names, told_field, told_object
from api.resources.events import API_VERSION
from api.routes import OPERATIONS
from api.scopes import access_of, permission, resource_of

# Where an address's last noun is not the object's name.
KINDS = {
    "customer/balance_transaction": "customer_balance_transaction",
    "customer/source": "payment_source",
    "invoice/line": "line_item",
    "credit_note/line": "credit_note_line_item",
    "quote/line_item": "item",
    "payment_link/line_item": "item",
    "checkout/session": "checkout.session",
    "checkout_session/line_item": "item",
    "product/feature": "product_feature",
    "billing_meter/event_summary": "billing.meter_event_summary",
    "quote/computed_upfront_line_item": "item",
}
# What is of one kind or another.
UNIONS = {"payment_source": ("card", "source")}
_PREFIXES = ("", "billing.", "billing_portal.", "checkout.", "entitlements.", "test_helpers.")
ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "type": {"enum": ["api_error", "card_error", "idempotency_error", "invalid_request_error"]},
                "message": {"type": "string"},
                "code": {"type": "string"},
                "param": {"type": "string"},
                "decline_code": {"type": "string"},
                "request_id": {"type": "string"},
                "request_log_url": {"type": "string"},
            },
            "required": ["type", "message"],
        }
    },
    "required": ["error"],
}
DELETED: Schema = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "object": {"type": "string"}, "deleted": {"const": True}},
    "required": ["object", "deleted"],
}


@functools.cache
def document() -> dict[str, Any]:
    """The whole description; the first to ask waits for it."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in OPERATIONS:
        paths[one.path][one.method.lower()] = _operation(one)
    kinds = {kind for one in OPERATIONS for kind in kinds_of(one)}
    unions = {name: {"anyOf": [{"$ref": REF + component(one)} for one in of]} for name, of in UNIONS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ostinato", "version": API_VERSION, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": settings.SITE_URL}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"error": ERROR, "deleted": DELETED, **unions, **dict(sorted(components(kinds).items()))},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def kinds_of(operation: Operation) -> tuple[str, ...]:
    """The kinds of object that an operation may be about."""
    kind = kind_of(operation)
    return UNIONS.get(kind, (kind,) if kind else ())


def kind_of(operation: Operation) -> str:
    """The `object` that an operation is about; "" where it has no class of Stripe's."""
    words = [part for part in operation.path.removeprefix("/v1/").split("/") if not part.startswith("{")]
    for length in range(len(words), 0, -1):
        noun = resource_of("/v1/" + words[length - 1])
        before = resource_of("/v1/" + "/".join(words[: length - 1])) if length > 1 else ""
        if f"{before}/{noun}" in KINDS:
            return KINDS[f"{before}/{noun}"]
        if named := _named(noun):
            return named
    return ""


def _named(noun: str) -> str:
    return next((prefix + noun for prefix in _PREFIXES if prefix + noun in by_object()), "")


def is_page(operation: Operation) -> bool:
    """Whether it answers with several objects, listed or searched."""
    last = operation.path.rpartition("/")[2]
    return operation.method == "GET" and (last == "search" or (last.endswith("s") and not last.startswith("{")))


def answer_schema(operation: Operation) -> Schema:
    """What a successful answer is: an object, a page of them, or a deletion."""
    kind = kind_of(operation)
    one: Schema = {"$ref": REF + component(kind)} if kind else {"type": "object", "required": ["object"]}
    last = operation.path.rpartition("/")[2]
    if last == "search":
        rows: Schema = {"type": "array", "items": one}
        return {
            "type": "object",
            "properties": {"object": {"const": "search_result"}, "data": rows, "has_more": {"type": "boolean"}},
            "required": ["object", "data", "has_more", "url"],
        }
    if is_page(operation):
        return LIST | {"properties": LIST["properties"] | {"data": {"type": "array", "items": one}}}
    gone: Schema = {"$ref": REF + "deleted"}
    # A deleted object still answers, as a deletion.
    return {"anyOf": [gone, one]}


def _operation(one: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation_id(one),
        "tags": [resource_of(one.path)],
        "x-permission": permission(resource_of(one.path), access_of(one.method)),
        "parameters": [*_of_path(one.path), *([] if one.method == "POST" else _of_query(one.parameters))],
        "responses": {
            "200": {"description": "Success", "content": _content(one)},
            "default": {
                "description": "A refusal",
                "content": {"application/json": {"schema": {"$ref": REF + "error"}}},
            },
        },
    }
    if one.method == "POST":
        form = {"schema": told_object(one.parameters), "encoding": _encoding(one.parameters)}
        said["requestBody"] = {
            "required": bool(required_names(one.parameters)),
            "content": {"multipart/form-data" if one.upload_most else "application/x-www-form-urlencoded": form},
        }
    return said


def _content(one: Operation) -> dict[str, Any]:
    if one.media_type:
        return {one.media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": answer_schema(one)}}


def operation_id(one: Operation) -> str:
    """get_v1_customers_id"""
    return re.sub(r"[^a-z0-9]+", "_", f"{one.method}{one.path}".lower()).strip("_")


def _of_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": 255}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _of_query(parameters: Fields) -> list[dict[str, Any]]:
    needed = set(required_names(parameters))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in needed,
            "style": "deepObject",
            "explode": True,
            "schema": told_field(field),
        }
        for name, field in parameters.items()
    ]


def _encoding(parameters: Fields) -> dict[str, Any]:
    nested = [name for name, field in parameters.items() if field.told.get("type") not in ("string", "integer")]
    return {name: {"style": "deepObject", "explode": True} for name in nested}


def reference() -> list[dict[str, Any]]:
    """The operations for people: by resource, each with its parameters in words. Needs no object's schema."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in OPERATIONS:
        needed = set(required_names(one.parameters))
        groups[resource_of(one.path)].append(
            {
                "method": one.method,
                "path": one.path,
                "permission": permission(resource_of(one.path), access_of(one.method)),
                "parameters": [
                    {"name": name, "type": type_words(field.told), "required": name in needed}
                    for name, field in one.parameters.items()
                ],
            }
        )
    return [
        {"resource": name, "title": name.replace("_", " ").capitalize(), "operations": found}
        for name, found in sorted(groups.items())
    ]


def type_words(told: Any) -> str:
    """A JSON Schema in a few words: "integer, 1 to 100"; "array of string"."""
    if "anyOf" in told:
        return " or ".join(dict.fromkeys(type_words(one) for one in told["anyOf"] if one != NULL))
    if "enum" in told:
        return " | ".join(str(word) for word in told["enum"])
    if told.get("type") == "array":
        return f"array of {type_words(told['items'])}"
    if told.get("type") == "object" and told.get("properties"):
        return "hash: " + ", ".join(told["properties"])
    names: Sequence[str] = [str(told.get("type", "any")), *([told["format"]] if "format" in told else [])]
    return " ".join(names)
