"""What may be said on an invoice's paper beside its amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class InvoiceTexts:
    """None leaves a thing as it is. `custom_fields` are {"name", "value"}; `effective_at` is the date printed."""

    footer: str | None = None
    custom_fields: tuple[Mapping[str, str], ...] | None = None
    statement_descriptor: str | None = None
    effective_at: datetime | None = None

    def columns(self) -> dict[str, Any]:
        """The columns that are said, as they are stored."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        values = {name: value for name, value in said.items() if value is not None}
        if self.custom_fields is not None:
            values["custom_fields"] = [dict(one) for one in self.custom_fields]
        return values


NO_TEXTS = InvoiceTexts()
