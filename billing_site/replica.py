"""Which database a query goes to: the one there is, but for reports, which `REPLICA_URL` may serve."""

from typing import Any

from django.db import connections

from core.reading import is_reading_for_reports

REPLICA = "replica"


class ReportsRouter:
    """Reads inside `reading_for_reports()` go to the replica; a transaction that has begun stays where it is."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        if is_reading_for_reports() and not connections["default"].in_atomic_block:
            return REPLICA
        return None

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *objects: Any, **hints: Any) -> bool:
        return True  # both are the same data

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db != REPLICA
