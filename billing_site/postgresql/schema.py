"""No twin for `LIKE` of an index: our ids are in byte order (collation "C"), where a plain one serves prefixes too."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import schema

BYTE_ORDER = "C"


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    def _create_like_index_sql(self, model: Any, field: Any) -> Any:
        """Django makes a second index (`…_like`) for every key that is a text, whatever its collation: each row would
        be written into twice as many. https://www.postgresql.org/docs/current/indexes-opclass.html
        """
        column = field.target_field if field.is_relation else field
        if getattr(column, "db_collation", None) == BYTE_ORDER:
            return None
        return super()._create_like_index_sql(model, field)  # type: ignore[misc]
