"""What a schedule would come to. Amounts in minor units, instants aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.types.requests import ChangePreview, InvoicePreview


@dataclass(frozen=True, slots=True)
class PhasePreview:
    """A phase with its instants worked out and the invoice that it would begin with, were it a new subscription's."""

    start: datetime
    end: datetime
    invoice: InvoicePreview


@dataclass(frozen=True, slots=True)
class SchedulePreview:
    """`change` is what another current phase would do to the running subscription now; None: nothing."""

    phases: tuple[PhasePreview, ...]
    change: ChangePreview | None = None
