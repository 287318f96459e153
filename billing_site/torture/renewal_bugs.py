"""Bugs of a careless billing run: each must be caught by the torture of renewals. They live in its workers only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction

from invoicing import writes as invoicing
from invoicing.models import NumberSeries
from invoicing.writes import NumberBlock
from merchants.models import Merchant
from subscriptions import writes as subscriptions

# As long as a loaded machine may take between two steps: a kill falls there more often than not.
BETWEEN_S = 0.5
# And longer than a loaded machine takes for all the rest of a chunk.
NUMBERED_S = 2.0


@dataclass(frozen=True, slots=True)
class RenewalBug:
    """`infect` is done in each worker, `prepare` once in the database before they start."""

    infect: Callable[[], None]
    prepare: Callable[[], None] = lambda: None


def advance_apart() -> None:
    """What was billed is committed, and the subscription moves on in a second transaction."""
    update_states, advance_periods = subscriptions.update_states, subscriptions.advance_periods

    def later(write: Callable[[Any], None], wait_s: float) -> Callable[[Any], None]:
        def second_transaction(rows: Sequence[Any]) -> None:
            time.sleep(wait_s)
            with transaction.atomic():
                write(rows)

        return lambda rows: transaction.on_commit(partial(second_transaction, list(rows)))

    subscriptions.update_states = later(update_states, BETWEEN_S)  # type: ignore[assignment]
    subscriptions.advance_periods = later(advance_periods, 0.0)  # type: ignore[assignment]


def drop_uniqueness() -> None:
    """Nothing but the order of work keeps a period from being billed twice.

    The bodies of objects are unique by version, which would stop most of it too: this merchant keeps none.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX billed_once")
    Merchant.objects.update(keep_event_bodies=False)


def create_sequence() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE careless_numbers MINVALUE 0")


def number_from_a_sequence() -> None:
    """Numbers come from a sequence, which no rollback gives back; the series follows it."""

    def take_numbers(counts: Mapping[str, int]) -> dict[str, NumberBlock]:
        blocks = {}
        for entity_id, count in counts.items():
            series = NumberSeries.objects.get(billing_entity_id=entity_id, customer_id="")
            first = _next_block(count)
            time.sleep(NUMBERED_S)
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE invoicing_numberseries SET next_number = greatest(next_number, %s) WHERE id = %s",
                    [first + count, series.id],
                )
            blocks[entity_id] = NumberBlock(series.id, series.prefix, series.padding, first, count)
        return blocks

    invoicing.take_numbers = take_numbers


def _next_block(count: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('careless_numbers', last_value + %s) FROM careless_numbers", [count])
        last: int = cursor.fetchone()[0]
    return last - count + 1


RENEWAL_BUGS = {
    "advance-apart": RenewalBug(advance_apart),
    "number-from-a-sequence": RenewalBug(number_from_a_sequence, create_sequence),
    # What uniqueness is there for: alone, a run that advances apart is stopped by it before it bills twice.
    "uniqueness-dropped": RenewalBug(advance_apart, drop_uniqueness),
}
