"""What the commands share: progress for people, and with --json one object on one line, the last on stdout."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext

from core.errors import OstinatoError


class JsonCommand(BaseCommand):
    """Subclasses write `arguments`, `run` (gives what --json prints) and `tell` (the same for people)."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        self.arguments(parser)

    def arguments(self, parser: CommandParser) -> None:
        """Add the command's own arguments."""

    def run(self, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def tell(self, result: dict[str, Any]) -> None:
        """Say to a person what `run` gave."""

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options.pop("json")
        # With --json only the object goes to stdout, so that a pipe gets nothing else.
        self.progress_stream = self.stderr if as_json else self.stdout
        try:
            result = self.run(**options)
        except OstinatoError as error:
            message = gettext(error.message_id) % error.params
            if as_json:
                self._print({"ok": False, "error": {"code": error.code, "param": error.param, "message": message}})
            else:
                self.stderr.write(self.style.ERROR(message))
            sys.exit(1)
        if as_json:
            self._print(result)
        else:
            self.tell(result)
        if not result.get("ok", True):
            sys.exit(1)

    def progress(self, text: str) -> None:
        self.progress_stream.write(text)
        self.progress_stream.flush()

    def _print(self, result: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(result, ensure_ascii=False, separators=(",", ":"), default=_plain))
        self.stdout.flush()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
