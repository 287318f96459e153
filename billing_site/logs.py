"""Log lines: JSON for machines by setting, and no secret in either form."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from core.log_context import bound_ids
from core.secrets import without_secrets

# Beside keys and card numbers: what is secret by its place. What is kept says what it was.
_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 …"),
    (re.compile(r"(?i)\b((?:[a-z]+\+?)*[a-z]+://[^\s:/@]*):[^\s/@]+@"), r"\1:…@"),
    (
        re.compile(r"(?i)\b((?:[a-z_]*(?:password|passwd|secret|token|api_key|secret_key))[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]+"),
        r"\1…",
    ),
)  # fmt: skip
# What every record has; the rest was given with `extra=`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "exc_info"}


def redacted(text: str) -> str:
    """The text without keys, tokens, passwords and card numbers."""
    text = without_secrets(text)
    for pattern, kept in _SECRETS:
        text = pattern.sub(kept, text)
    return text


class LineFormatter(logging.Formatter):
    """For people: one line, and the traceback beneath."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, bound ids, what `extra` gave, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
            "process": record.process,
            **bound_ids(),
        }
        for name, value in vars(record).items():
            if name not in _OWN and not name.startswith("_"):
                values[name] = value if isinstance(value, int | float | bool | None) else redacted(str(value))
        if record.exc_info:
            values["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(values, ensure_ascii=False)
