"""Django's migrate, with dj-stripe's tables last."""

from typing import Any
from unittest.mock import patch

from django.core.management.commands import migrate
from django.db.migrations.executor import MigrationExecutor


class DjstripeLast(MigrationExecutor):
    """Its 62 models hang on our User: once they are there, every further change of ours renders them all anew."""

    def migration_plan(self, targets: Any, clean_start: bool = False) -> Any:
        return super().migration_plan(sorted(targets, key=lambda target: target[0] == "djstripe"), clean_start)


class Command(migrate.Command):
    """The same command; only the order of a plan with everything in it differs."""

    def handle(self, *args: Any, **options: Any) -> None:
        with patch.object(migrate, "MigrationExecutor", DjstripeLast):
            super().handle(*args, **options)
