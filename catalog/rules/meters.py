"""What a meter must be. Pure."""

from __future__ import annotations

import re
from typing import Any

from core.errors import OstinatoError, gettext_noop

# Stripe has sum, count and last; max and unique are ours.
FORMULAS = ("sum", "count", "last", "max", "unique")
_EVENT_NAME = re.compile(r"\S(?:.{0,98}\S)?")


class MeterEventNameInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "event_name"
    message_id = gettext_noop("An event name has 1 to 100 characters and no space at its ends.")


class MeterFormulaInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "default_aggregation[formula]"
    message_id = gettext_noop("“%(formula)s” is no way to aggregate usage: choose one of %(choices)s.")


class MeterKeyInvalid(OstinatoError):
    code = "parameter_invalid"
    message_id = gettext_noop("A payload key has 1 to 100 characters.")


def check_meter(fields: dict[str, Any]) -> None:
    """`event_name`, `formula` and the two payload keys. Raises the errors above; names are checked elsewhere."""
    if not _EVENT_NAME.fullmatch(fields.get("event_name", "")):
        raise MeterEventNameInvalid
    if fields.get("formula") not in FORMULAS:
        raise MeterFormulaInvalid(formula=fields.get("formula", ""), choices=", ".join(FORMULAS))
    for key, param in (
        ("customer_key", "customer_mapping[event_payload_key]"),
        ("value_key", "value_settings[event_payload_key]"),
    ):
        if key in fields and not 1 <= len(fields[key]) <= 100:
            raise MeterKeyInvalid(param=param)
