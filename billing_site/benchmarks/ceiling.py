"""What PostgreSQL takes on this machine when Python only formats the run's own rows and COPYs them.

The tables are copies of the real ones with their indexes, checks and defaults; the rows are those that the measured
run has just written. No planning, no reading, no locks: the distance to this is what the engine costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, models, transaction

from events.copy_text import copy_text
from events.copying import columns_of, copy_statement
from events.models import Event, ObjectVersion
from invoicing.models import Invoice, InvoiceLine, InvoiceLineTax
from payments.models import Charge, PaymentIntent
from subscriptions.models import BilledPeriod

# All that one renewal inserts, in the order in which it does.
TABLES: tuple[type[models.Model], ...] = (
    BilledPeriod,
    InvoiceLine,
    InvoiceLineTax,
    PaymentIntent,
    Charge,
    Invoice,
    Event,
    ObjectVersion,
)
# Enough to be steady; the rows wait in the workers' memory.
MOST_INVOICES = 20_000


def make_tables() -> int:
    """Empty copies of the tables. Returns how many invoices' rows will be written."""
    with connection.cursor() as cursor:
        for model in TABLES:
            table = model._meta.db_table
            cursor.execute(f'CREATE TABLE "ceiling_{table}" (LIKE "{table}" INCLUDING ALL)')
    return min(Invoice.objects.count(), MOST_INVOICES)


def written() -> dict[type[models.Model], int]:
    """How many rows the copies hold by now."""
    found = {}
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f'SELECT count(*) FROM "ceiling_{model._meta.db_table}"')  # noqa: S608 - our own names
            found[model] = cursor.fetchone()[0]
    return found


def drop_tables() -> None:
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f'DROP TABLE "ceiling_{model._meta.db_table}"')


def writer(number: int, workers: int, chunk_size: int) -> Callable[[], dict[str, float]]:
    """The `number`-th worker's rows, read now; called, it writes them, a transaction for each chunk of invoices."""
    invoices = Invoice.objects.count()
    written = min(invoices, MOST_INVOICES)
    shares = [_share(model, written / invoices, number, workers) for model in TABLES]
    mine = len(shares[TABLES.index(Invoice)][1])
    chunks = max(1, -(-mine // chunk_size))

    def work() -> dict[str, float]:
        for index in range(chunks):
            with transaction.atomic(durable=True):
                for model, (fields, rows) in zip(TABLES, shares, strict=True):
                    part = rows[len(rows) * index // chunks : len(rows) * (index + 1) // chunks]
                    _copy(model, fields, part)
        return {"done": mine, "refused": 0}

    return work


def _share(
    model: type[models.Model], part: float, number: int, workers: int
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """This worker's rows of the table, in the order of their ids, as many as belong to `part` of the invoices."""
    fields = columns_of(model)
    total = int(model._default_manager.count() * part)
    start, stop = total * number // workers, total * (number + 1) // workers
    return fields, list(model._default_manager.order_by("id").values_list(*fields)[start:stop])


def _copy(model: type[models.Model], fields: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    statement, kinds = copy_statement(model, fields, table=f"ceiling_{model._meta.db_table}")
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(copy_text(rows, kinds))
