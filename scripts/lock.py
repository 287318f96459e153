"""Write the exact versions of what requirements*.in ask for, as installed in this environment."""

from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEAD = "# Made by `make lock`: exact versions, tested together.\n"


def asked_for(path: str) -> list[str]:
    with open(path) as lines:
        return [line.strip() for line in lines if line.strip() and line[0] not in "#-"]


def with_what_they_need(requirements: Iterable[str]) -> set[str]:
    """Names of the packages and of all that these need on this machine."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        for text in metadata.distribution(requirement.name).requires or []:
            needed = Requirement(text)
            extras = ["", *requirement.extras]
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return {name for name, _ in seen}


def write(path: str, names: set[str], head: str = HEAD) -> None:
    with open(path, "w") as lock:
        lock.write(head + "".join(f"{name}=={metadata.version(name)}\n" for name in sorted(names)))


if __name__ == "__main__":
    product = with_what_they_need(asked_for("requirements.in"))
    tools = with_what_they_need(asked_for("requirements-dev.in")) - product
    write("requirements.lock", product)
    write("requirements-dev.lock", tools, HEAD + "-r requirements.lock\n")
