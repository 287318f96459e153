"""Make the demo merchant, once, and say how to get in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from billing_site.commands import JsonCommand
from billing_site.demo.seeding import DAYS, SEED, SUBSCRIBERS, seed_demo, summary


class Command(JsonCommand):
    help = (
        "A Quebec online shop with fourteen months of subscribers. Run again, it changes nothing and says the logins."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--subscribers", type=int, default=SUBSCRIBERS)
        parser.add_argument("--days", type=int, default=DAYS, help="how long the shop has been open")
        parser.add_argument("--seed", type=int, default=SEED)

    def run(self, **options: Any) -> dict[str, Any]:
        now = timezone.now()
        demo = seed_demo(
            now=now,
            progress=self.progress,
            subscribers=options["subscribers"],
            seed=options["seed"],
            days=options["days"],
        )
        return summary(demo, now=now)

    def tell(self, result: dict[str, Any]) -> None:
        for login in result["logins"]:
            self.stdout.write(f"{login['role']:<14}{login['email']}  {login['password']}")
        for name in ("dashboard", "admin", "payment_link", "portal_link", "sandbox"):
            if result[name]:
                self.stdout.write(f"{name.replace('_', ' '):<14}{result[name]}")
