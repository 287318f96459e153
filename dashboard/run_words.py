"""A run's figures as lists and pages show them."""

from decimal import Decimal

from engine.models import BillingRun


def run_seconds(run: BillingRun) -> Decimal | None:
    """How long it took, or has taken so far; None for one that has not noted anything yet."""
    last = run.ended_at or run.noted_at
    return Decimal((last - run.started_at).total_seconds()).quantize(Decimal("0.1")) if last else None


def run_rate(run: BillingRun) -> int | None:
    """Objects done per second; None for what was over within a second, where the figure says nothing."""
    seconds = run_seconds(run)
    return int(run.done / seconds) if seconds and seconds >= 1 else None
