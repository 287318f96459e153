"""manage.py torture payments --attempts 2000 [--json] [--seed N] [--seed-bug NAME]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from billing_site.commands import JsonCommand
from billing_site.torture.bugs import BUGS
from billing_site.torture.runs import torture_payments


class Command(JsonCommand):
    requires_system_checks: list[str] = []
    help = (
        "Collect payments through a processor that loses calls and answers, with workers that are killed and webhooks"
        " that lie, in a throw-away PostgreSQL of its own; then compare our books with the processor's."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["payments"])
        parser.add_argument("--attempts", type=int, default=2000, help="charges to attempt at least")
        parser.add_argument("--seed", type=int, default=1, help="of the dice")
        parser.add_argument("--seed-bug", choices=sorted(BUGS), default="", help="a bug that the audit must catch")

    def run(self, **options: Any) -> dict[str, Any]:
        result = torture_payments(
            attempts=max(1, options["attempts"]), seed=options["seed"], bug=options["seed_bug"], say=self.progress
        )
        # With a bug seeded the command does well when the audit sees it.
        return result | {"ok": result["invariants_ok"] != bool(options["seed_bug"])}

    def tell(self, result: dict[str, Any]) -> None:
        width = max(len(name) for name in result)
        for name, value in result.items():
            self.stdout.write(f"{name:<{width}}  {value}")
