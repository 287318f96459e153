"""The fixed dates and contexts that tests live in."""

from datetime import UTC, datetime

from core.context import Context

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
WALL = datetime(2024, 1, 1, 12, tzinfo=UTC)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """An instant in UTC."""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def context(as_of: datetime = NEW_YEAR, *, recorded_at: datetime | None = None, actor: str = "system") -> Context:
    """A context at that business time; the wall shows the same time unless told."""
    return Context(as_of=as_of, recorded_at=recorded_at or as_of, actor=actor, request_id="req_test")
