"""Write the one migration that stands for all of dj-stripe's own. Run after each upgrade of dj-stripe."""

import pkgutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import djstripe.migrations
from django.apps import apps
from django.core.management.base import BaseCommand
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.operations import CreateModel
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import MigrationWriter

from billing_site.migration_operations import CreateModelsTogether

FOLDER = Path(__file__).resolve().parents[2] / "djstripe_migrations"


class Command(BaseCommand):
    """dj-stripe's own migrations take minutes, all of it rendering models; one fresh migration takes seconds."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = ProjectState.from_apps(apps)
        without = wanted.clone()
        for label, name in list(without.models):
            if label == "djstripe":
                del without.models[label, name]
        changes = MigrationAutodetector(without, wanted, MigrationQuestioner(specified_apps={"djstripe"})).changes(
            MigrationGraph(), trim_to_apps={"djstripe"}, convert_apps={"djstripe"}
        )
        (migration,) = changes["djstripe"]
        migration.name = f"0001_squashed_{version('dj-stripe').replace('.', '_')}"
        created = [operation for operation in migration.operations if isinstance(operation, CreateModel)]
        others = [operation for operation in migration.operations if not isinstance(operation, CreateModel)]
        migration.operations = [CreateModelsTogether(created), *others]  # type: ignore[misc]
        upstream = sorted(module.name for module in pkgutil.iter_modules(djstripe.migrations.__path__))
        migration.replaces = [("djstripe", name) for name in upstream]  # type: ignore[misc]
        for old in FOLDER.glob("0001_squashed_*.py"):
            old.unlink()
        (FOLDER / f"{migration.name}.py").write_text(MigrationWriter(migration).as_string())
        self.stdout.write(f"{migration.name} stands for {', '.join(upstream)}; look at the diff before committing it")
