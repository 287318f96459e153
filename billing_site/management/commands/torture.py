"""manage.py torture payments --attempts 2000 | renewals --rows 60000 --workers 3 --kills 30
[--json] [--seed N] [--seed-bug NAME]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from billing_site.commands import JsonCommand
from billing_site.torture.bugs import BUGS
from billing_site.torture.renewal_bugs import RENEWAL_BUGS
from billing_site.torture.renewals import Orders, torture_renewals
from billing_site.torture.runs import torture_payments


class Command(JsonCommand):
    requires_system_checks: list[str] = []
    help = (
        "payments: collect through a processor that loses calls and answers, with workers that are killed and webhooks"
        " that lie, then compare our books with the processor's. renewals: bill while workers are killed, sessions cut"
        " and the postmaster falls, then see that each period was billed once. In a throw-away PostgreSQL of its own."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["payments", "renewals"])
        parser.add_argument("--attempts", type=int, default=2000, help="payments: charges to attempt at least")
        parser.add_argument("--rows", type=int, default=60_000, help="renewals: due subscriptions")
        parser.add_argument("--workers", type=int, default=3, help="renewals: worker processes")
        parser.add_argument("--kills", type=int, default=30, help="renewals: workers to kill")
        parser.add_argument("--seed", type=int, default=1, help="of the dice")
        bugs = sorted(BUGS.keys() | RENEWAL_BUGS.keys())
        parser.add_argument("--seed-bug", choices=bugs, default="", help="a bug that must be caught")

    def run(self, **options: Any) -> dict[str, Any]:
        bugs = BUGS.keys() if options["what"] == "payments" else RENEWAL_BUGS.keys()
        if options["seed_bug"] and options["seed_bug"] not in bugs:
            raise CommandError(f"{options['what']} knows the bugs {', '.join(sorted(bugs))}")
        result = self._payments(**options) if options["what"] == "payments" else self._renewals(**options)
        # With a bug seeded the command does well when the audit sees it.
        return result | {"ok": result["invariants_ok"] != bool(options["seed_bug"])}

    def _payments(self, **options: Any) -> dict[str, Any]:
        return torture_payments(
            attempts=max(1, options["attempts"]), seed=options["seed"], bug=options["seed_bug"], say=self.progress
        )

    def _renewals(self, **options: Any) -> dict[str, Any]:
        if options["rows"] < 1 or options["workers"] < 1 or options["kills"] < 0:
            raise CommandError("--rows and --workers are at least 1, --kills is not negative")
        orders = Orders(options["rows"], options["workers"], options["kills"], options["seed"], options["seed_bug"])
        return torture_renewals(orders, self.progress)

    def tell(self, result: dict[str, Any]) -> None:
        width = max(len(name) for name in result)
        for name, value in result.items():
            self.stdout.write(f"{name:<{width}}  {value}")
