"""A PostgreSQL backend that makes sure its server is up before each new connection."""

from pathlib import Path
from typing import Any

from billing_site.embedded_postgres.server import ensure_running
from billing_site.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Started at the first connection, not at settings import: `check` and `makemessages` need no server."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        ensure_running(Path(self.settings_dict["EMBEDDED_DIR"]))
        return super().get_new_connection(conn_params)
