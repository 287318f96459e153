"""Django's PostgreSQL backend with our compiler and schema editor."""

from django.db.backends.postgresql import base, operations

from billing_site.postgresql.schema import DatabaseSchemaEditor


class DatabaseOperations(operations.DatabaseOperations):
    compiler_module = "billing_site.postgresql.compiler"


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    SchemaEditorClass = DatabaseSchemaEditor
