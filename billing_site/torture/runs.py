"""The torture from beginning to end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings

from billing_site.benchmarks.cluster import throw_away_cluster
from billing_site.torture.acts import Rounds
from billing_site.torture.audit import compare
from billing_site.torture.bugs import BUGS
from billing_site.torture.stripe_process import API_KEY, fake_stripe
from billing_site.torture.web import our_webhooks
from billing_site.torture.world import World
from payments.models import Charge

Say = Callable[[str], object]


def torture_payments(*, attempts: int, seed: int, bug: str = "", say: Say = lambda text: None) -> dict[str, Any]:
    """Rounds until so many attempts were made, then peace, then the books. Touches no database but its own."""
    with throw_away_cluster():
        return torture_here(attempts=attempts, seed=seed, bug=bug, say=say)


def torture_here(*, attempts: int, seed: int, bug: str = "", say: Say = lambda text: None) -> dict[str, Any]:
    """The same in the current database, which must be empty. A seeded bug stays in this process."""
    with ExitStack() as stack:
        stack.callback(logging.disable, logging.NOTSET)
        logging.disable(logging.CRITICAL)  # of things going wrong there is no end
        steer = stack.enter_context(fake_stripe())
        stack.enter_context(_settings(STRIPE_API_BASE=steer.url, STRIPE_MIRROR=False, STRIPE_READ_TIMEOUT_S=30.0))
        stack.enter_context(our_webhooks())
        began = time.perf_counter()
        world = World(API_KEY, seed, steer("advance", seconds=0)["now"])
        if bug:
            BUGS[bug]()
        rounds = Rounds(world, steer)
        while (made := Charge.objects.exclude(called_at=None).count()) < attempts:
            say(f"{made} attempts\n")
            rounds.play()
        rounds.calm_down()
        return _report(rounds, steer, time.perf_counter() - began, seed, bug)


def _report(rounds: Rounds, steer: Any, seconds: float, seed: int, bug: str) -> dict[str, Any]:
    theirs = steer("audit")
    wrong = compare(theirs)
    broken = [text for found in wrong.values() for text in found] + rounds.accepted_forgeries
    counts = rounds.counts
    return {
        "attempts": Charge.objects.exclude(called_at=None).count(),
        "invoices": rounds.world.made,
        "rounds": counts["rounds"],
        "seconds": int(seconds),
        "seed": seed,
        "seeded_bug": bug,
        "backups_tried": Charge.objects.exclude(backup_of="").count(),
        "taken": sum(row["status"] == "succeeded" for row in theirs["charge"]),
        "refunds": len(theirs["refund"]),
        "disputes": len(theirs["dispute"]),
        "faults": steer("faults"),
        "webhooks": counts["webhooks"],
        "forgeries": counts["forgeries"],
        "workers_killed": counts["killed"],
        "database_cuts": counts["cuts"],
        "unexpected_errors": counts["unexpected"],
        "double_charges": len(wrong["double_charges"]),
        "lost_payments": len(wrong["lost_payments"]),
        "unknown_after_resolver": len(wrong["unknown"]),
        "forgeries_accepted": len(rounds.accepted_forgeries),
        "broken": broken[:50],
        "invariants_ok": not broken,
    }


class _settings:
    """Settings for a while."""

    def __init__(self, **values: Any) -> None:
        self.values, self.before = values, {name: getattr(settings, name) for name in values}

    def __enter__(self) -> None:
        for name, value in self.values.items():
            setattr(settings, name, value)

    def __exit__(self, *_: object) -> None:
        for name, value in self.before.items():
            setattr(settings, name, value)
