"""What `serve` says when the house answers: where the faces are, and the demo's logins and links."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FACES = (("merchants", "/dashboard/"), ("subscribers", "/portal/"), ("staff", "/admin/"))
RULE = "-" * 78


def banner(address: str, demo_file: Path | None) -> str:
    """The text; `demo_file` holds the JSON object that `manage.py demo --json` ended with."""
    lines = ["", RULE, f"  Ostinato is up: {address}/", ""]
    lines += [f"  {who:<14}{address}{path}" for who, path in FACES]
    if demo_file and demo_file.exists():
        facts = _facts(json.loads(demo_file.read_text() or "{}"))
        said = {f"{address}{path}" for _, path in FACES}
        lines += ["", *(f"  {line}" for line in facts if line.split()[-1] not in said)]
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", RULE, ""])


def _facts(value: Any, label: str = "") -> Iterator[str]:
    if isinstance(value, dict) and {"email", "password"} <= value.keys():
        role = value.get("role") or value.get("face") or label
        yield f"{role:<14}{value['email']}  {value['password']}"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _facts(inner, str(key).replace("_", " "))
    elif isinstance(value, list):
        for inner in value:
            yield from _facts(inner, label)
    elif value not in (None, ""):
        yield f"{label:<14}{value}"
