"""Grow a merchant's past: subscribers who sign up, change, fail to pay, come back and leave, day by day."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from billing_site.commands import JsonCommand
from billing_site.demo.simulation import simulate
from core.errors import OstinatoError, gettext_noop
from merchants.selectors import merchant_by_id, only_live_merchant


class DateUnclear(OstinatoError):
    code = "parameter_invalid"
    param = "from"
    message_id = gettext_noop("“%(date)s” is not a date in the past: write it as 2025-01-31.")


class SubscribersOutOfRange(OstinatoError):
    code = "parameter_invalid_integer"
    param = "subscribers"
    message_id = gettext_noop("Between 1 and %(most)s subscribers can be simulated.")


MOST = 100_000


class Command(JsonCommand):
    help = "Grow a believable past for a merchant that sells something recurring, through the product's own services."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--merchant", default="", help="id; not needed when there is one live merchant")
        parser.add_argument("--from", dest="start", required=True, help="first day, as 2025-01-31")
        parser.add_argument("--subscribers", type=int, default=100)
        parser.add_argument("--seed", type=int, default=1, help="another seed tells another story")

    def run(self, **options: Any) -> dict[str, Any]:
        now = timezone.now()
        merchant = merchant_by_id(options["merchant"]) if options["merchant"] else only_live_merchant()
        if not 1 <= options["subscribers"] <= MOST:
            raise SubscribersOutOfRange(most=MOST)
        began = time.monotonic()
        report = simulate(
            merchant=merchant,
            start=_day(options["start"], now),
            now=now,
            subscribers=options["subscribers"],
            seed=options["seed"],
            progress=self.progress,
        )
        return {
            "ok": True,
            "merchant": merchant.id,
            "days": report.days,
            "subscribers": report.subscribers,
            "done": dict(sorted(report.done.items())),
            "refused": dict(sorted(report.refused.items())),
            "seconds": round(time.monotonic() - began, 1),
        }

    def tell(self, result: dict[str, Any]) -> None:
        self.stdout.write(self.style.SUCCESS(f"{result['days']} days, {result['subscribers']} subscribers"))
        for title in ("done", "refused"):
            for name, times in result[title].items():
                self.stdout.write(f"  {title:<8}{times:>6}  {name}")


def _day(text: str, now: datetime) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise DateUnclear(date=text) from None
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if start >= now:
        raise DateUnclear(date=text)
    return start
