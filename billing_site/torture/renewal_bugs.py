"""Bugs of a careless billing run: each must be caught by the torture of renewals. They live in its workers only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from subscriptions import writes as subscriptions

# As long as a loaded database may take between two transactions.
BETWEEN_S = 0.05


@dataclass(frozen=True, slots=True)
class RenewalBug:
    """`infect` is done in each worker."""

    infect: Callable[[], None]


def advance_apart() -> None:
    """What was billed is committed, and the subscription moves on in a second transaction."""
    update_states, advance_periods = subscriptions.update_states, subscriptions.advance_periods

    def later(write: Callable[[Any], None]) -> Callable[[Any], None]:
        def put_off(rows: Sequence[Any]) -> None:
            rows = list(rows)

            def second_transaction() -> None:
                time.sleep(BETWEEN_S)
                with transaction.atomic():
                    write(rows)

            transaction.on_commit(second_transaction)

        return put_off

    subscriptions.update_states = later(update_states)  # type: ignore[assignment]
    subscriptions.advance_periods = later(advance_periods)  # type: ignore[assignment]


RENEWAL_BUGS = {
    "advance-apart": RenewalBug(advance_apart),
}
