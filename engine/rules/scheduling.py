"""When an invoice may be due and when it may finalize by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.errors import OstinatoError, gettext_noop

FARTHEST = timedelta(days=5 * 366)


class DueDatePassed(OstinatoError):
    code = "parameter_invalid"
    param = "due_date"
    message_id = gettext_noop("The due date has already passed.")


class DueDateOfCharge(OstinatoError):
    code = "parameter_invalid"
    param = "due_date"
    message_id = gettext_noop("Only an invoice that is sent has a due date; this one is charged automatically.")


class FinalizesWhen(OstinatoError):
    code = "parameter_invalid"
    param = "automatically_finalizes_at"
    message_id = gettext_noop("A draft finalizes by itself in the future, within five years.")


def check_schedule(
    as_of: datetime, collection_method: str, due_date: datetime | None, finalizes_at: datetime | None = None
) -> None:
    """Raises `DueDateOfCharge`, `DueDatePassed`, `FinalizesWhen`."""
    if due_date is not None:
        if collection_method != "send_invoice":
            raise DueDateOfCharge
        if due_date < as_of:
            raise DueDatePassed
    if finalizes_at is not None and not as_of < finalizes_at <= as_of + FARTHEST:
        raise FinalizesWhen
