"""What is read for a report, where a copy of the database some seconds behind is as good."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_for_reports: ContextVar[bool] = ContextVar("reading_for_reports", default=False)


@contextmanager
def reading_for_reports() -> Iterator[None]:
    """Reads inside go to the replica, where there is one. Nothing read so may decide over money."""
    token = _for_reports.set(True)
    try:
        yield
    finally:
        _for_reports.reset(token)


def is_reading_for_reports() -> bool:
    return _for_reports.get()
