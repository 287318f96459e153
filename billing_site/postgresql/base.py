"""Django's PostgreSQL backend with our compiler and schema editor, and room for a request's prepared statements."""

from typing import Any

from django.db.backends.postgresql import base, operations

from billing_site.postgresql.schema import DatabaseSchemaEditor

# psycopg keeps a hundred for each connection; the API and the engine repeat some four hundred.
PREPARED_MAX = 500


class DatabaseOperations(operations.DatabaseOperations):
    compiler_module = "billing_site.postgresql.compiler"


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    SchemaEditorClass = DatabaseSchemaEditor

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.prepared_max = PREPARED_MAX
        return connection
