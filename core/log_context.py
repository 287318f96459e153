"""What every log line of a piece of work says of it: ids only, set at the edges, read by the formatter."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

_ids: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("log_ids", default=())


def bind(**ids: str) -> Token[tuple[tuple[str, str], ...]]:
    """Add ids (request_id, merchant_id, run_id) to what this thread or task logs from here on; `unbind` ends it."""
    return _ids.set(tuple({**dict(_ids.get()), **ids}.items()))


def unbind(token: Token[tuple[tuple[str, str], ...]]) -> None:
    _ids.reset(token)


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    token = bind(**ids)
    try:
        yield
    finally:
        unbind(token)


def bound_ids() -> dict[str, str]:
    return dict(_ids.get())
