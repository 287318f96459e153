"""Stripe's request bodies: form encoding with brackets, `metadata[a]=1`, `items[0][price]=x`, `expand[]=y`."""

import re
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl


def parse(encoded: str) -> dict[str, Any]:
    """Nested dicts and lists; every leaf is a string."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        path = [part for part in re.split(r"[\[\]]+", name) if part] + ([""] if name.endswith("[]") else [])
        branch = tree
        for part in path[:-1]:
            branch = branch.setdefault(part, {})
        leaf = str(len(branch)) if path[-1] == "" else path[-1]
        branch[leaf] = value
    return {name: _listed(value) for name, value in tree.items()}


def multipart(kind: str, body: bytes) -> dict[str, Any]:
    """Texts as they are, of a file its name and what it holds."""
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    found: dict[str, Any] = {}
    for part in message.get_payload():
        content = part.get_payload(decode=True)
        name = str(part.get_param("name", header="content-disposition"))
        filename = part.get_filename()
        found[name] = {"filename": filename, "content": content.decode("latin-1")} if filename else content.decode()
    return found


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    found = {name: _listed(inner) for name, inner in value.items()}
    return [found[name] for name in sorted(found, key=int)] if found and all(map(str.isdigit, found)) else found


def flag(value: Any) -> bool:
    return value == "true"
