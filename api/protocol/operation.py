"""One operation of the API, declared: method, path, parameters, and the function that answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.protocol.schema import EXPAND, Fields, fields
from core.context import Context

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request as an operation sees it: whose, when, the ids in its path, its typed parameters."""

    ctx: Context
    merchant_id: str
    livemode: bool
    ids: Mapping[str, str]
    params: dict[str, Any]
    expand: frozenset[str] = frozenset()  # what is to be expanded, for what is costly to work out
    prices_made: list[str] = field(default_factory=list)  # inline, by this very request

    @property
    def id(self) -> str:
        return self.ids["id"]


Answer = Callable[[Call], Json]


class Download(dict[str, Any]):
    """An answer that is a file: its bytes are sent in the place of the object, which the log keeps."""

    def __init__(self, content: bytes, name: str, media_type: str) -> None:
        super().__init__(filename=name, size=len(content), type=media_type)
        self.content, self.media_type = content, media_type


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` has its ids in braces: /v1/customers/{id}. Every operation takes `expand`.

    `media_type` is what is sent where that is a file (`Download`), "*/*" where it is any. With `upload_most` it takes
    a file of at most that many bytes, as multipart/form-data.
    """

    method: str
    path: str
    answer: Answer
    schema: Fields = field(default_factory=dict)
    media_type: str = ""
    upload_most: int = 0

    @property
    def parameters(self) -> Fields:
        return fields(self.schema, EXPAND)

    @property
    def pattern(self) -> re.Pattern[str]:
        # "search" is an address of Stripe's, never an id: where it is missing, the door says so.
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>(?!search$)[^/]{1,255})", self.path))


class Routes:
    """Operations found by method and path. Paths without ids win over paths with them."""

    def __init__(self, operations: list[Operation]) -> None:
        self.operations = operations
        self._fixed = {(one.method, one.path): one for one in operations if "{" not in one.path}
        self._patterns = [(one.method, one.pattern, one) for one in operations if "{" in one.path]
        assert len({(one.method, one.path) for one in operations}) == len(operations), "an operation is declared twice"

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation and the ids in the path; None when there is no such operation."""
        if (method, path) in self._fixed:
            return self._fixed[method, path], {}
        for wanted, pattern, operation in self._patterns:
            if wanted == method and (match := pattern.fullmatch(path)):
                return operation, match.groupdict()
        return None
