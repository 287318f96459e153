"""The house as the tests see it: its floors, apps and files."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def floors() -> dict[str, int]:
    """App -> floor, 0 at the bottom, from the import contract in pyproject.toml: one list for imports and keys."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == "floors"]
    return {app.strip(): height for height, layer in enumerate(reversed(layers)) for app in layer.split("|")}


def python_files(*folders: str) -> Iterator[Path]:
    """Every Python file of ours that a person wrote: migrations aside."""
    for folder in folders or (*floors(), "tests", "scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts and "djstripe_migrations" not in path.parts:
                yield path


def pure_files() -> Iterator[Path]:
    """Where money is reckoned: the core, and every app's rules, types and snapshots."""
    for path in python_files(*floors()):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] == "core" or {"rules", "types", "snapshots"} & set(parts[1:]):
            yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))
