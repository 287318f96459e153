"""When a scheduled end is meant to come: an instant, or a word for one of the items' period ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.errors import OstinatoError, gettext_noop


class CancelAtInPast(OstinatoError):
    code = "cancel_at_invalid"
    param = "cancel_at"
    message_id = gettext_noop("A subscription can only be set to end in the future.")


class CancelAtUnknown(OstinatoError):
    code = "parameter_invalid_enum"
    param = "cancel_at"
    message_id = gettext_noop("“%(value)s” is neither an instant nor min_period_end or max_period_end.")


class CancelTwice(OstinatoError):
    code = "parameter_invalid"
    param = "cancel_at"
    message_id = gettext_noop("Say either that the subscription ends with its period or when it ends, not both.")


def ending_instant(cancel_at: datetime | str, period_ends: Iterable[datetime], as_of: datetime) -> datetime:
    """The instant that `cancel_at` names (Stripe's min_period_end and max_period_end are words for one).

    Raises `CancelAtUnknown`, `CancelAtInPast`.
    """
    if isinstance(cancel_at, datetime):
        if cancel_at <= as_of:
            raise CancelAtInPast
        return cancel_at
    words = {"min_period_end": min, "max_period_end": max}
    if cancel_at not in words:
        raise CancelAtUnknown(value=cancel_at)
    return words[cancel_at](period_ends)
