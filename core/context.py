"""When and by whom: the two times and the actor that every use case takes."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Context:
    """What an edge knows and the engine never asks a clock for.

    `as_of` is business time (a test clock's time for customers on one); `recorded_at` is wall time. `actor` is
    "user:usr_…", "customer:cus_…", "api:key_…", "run" or "system".
    """

    as_of: datetime
    recorded_at: datetime
    actor: str = "system"
    request_id: str = ""
    idempotency_key: str = ""
