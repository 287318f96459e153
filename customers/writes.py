"""Writers of the customers' tables. They never open a transaction: their caller's is the one."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core.context import Context
from core.ids import new_id
from customers.models import (
    CreditGrant,
    CreditGrantTransaction,
    Customer,
    CustomerBalanceTransaction,
    PaymentMethod,
    TestClock,
)
from customers.rules import check_balance_currency, ending_balance
from customers.selectors import CustomerNotFound
from customers.types import BalanceEntry, GrantEntry
from events.copying import Row, update_rows
from events.reading import read_rows


def lock_customers(merchant_id: str, customer_ids: Iterable[str]) -> dict[str, Customer]:
    """The customers' rows, locked in id order so that two runs never wait for each other in a circle."""
    rows = (
        Customer.objects.select_for_update(no_key=True, of=("self",))
        .select_related("test_clock", "merchant")
        .filter(merchant_id=merchant_id, id__in=sorted(set(customer_ids)), deleted_at__isnull=True)
        .order_by("id")
    )
    return {customer.id: customer for customer in rows}


def lock_customer(merchant_id: str, customer_id: str) -> Customer:
    """One customer's row, locked. Raises `CustomerNotFound`."""
    try:
        return lock_customers(merchant_id, [customer_id])[customer_id]
    except KeyError:
        raise CustomerNotFound from None


def append_balance_entries(
    *, ctx: Context, customers: dict[str, Customer], entries: Sequence[BalanceEntry]
) -> list[CustomerBalanceTransaction]:
    """Append to the ledgers of customers that the caller has locked, and move their balances.

    `sequence` counts the entries of one customer: with the unique key on it, two writers that both read the
    same balance cannot both be stored. Several entries of one customer follow each other in the order given.
    The caller saves nothing more; versions are bumped once per customer here and events are the caller's.
    """
    rows = []
    for entry in entries:
        customer = customers[entry.customer_id]
        check_balance_currency(customer.currency, entry.currency)
        customer.balance = ending_balance(customer.balance, entry.amount)
        customer.balance_sequence += 1
        customer.currency = customer.currency or entry.currency
        rows.append(_ledger_row(ctx, customer, entry))
    touched = [customers[customer_id] for customer_id in dict.fromkeys(entry.customer_id for entry in entries)]
    for customer in touched:
        customer.version += 1
    CustomerBalanceTransaction.objects.bulk_create(rows)
    Customer.objects.bulk_update(touched, ["balance", "balance_sequence", "currency", "version"])
    return rows


def _ledger_row(ctx: Context, customer: Customer, entry: BalanceEntry) -> CustomerBalanceTransaction:
    return CustomerBalanceTransaction(
        merchant_id=customer.merchant_id,
        customer_id=customer.id,
        sequence=customer.balance_sequence,
        type=entry.type,
        amount=entry.amount,
        ending_balance=customer.balance,
        currency=entry.currency,
        description=entry.description,
        invoice_id=entry.invoice_id,
        credit_note_id=entry.credit_note_id,
        metadata=dict(entry.metadata),
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def append_grant_entries(ctx: Context, entries: Sequence[GrantEntry]) -> dict[str, CreditGrant]:
    """Append to grants' ledgers and move their balances; the caller holds the customers' locks. Returns the grants.

    The sequence's unique key and the balance's check refuse what two writers at once would spend twice.
    """
    grants = CreditGrant.objects.in_bulk(list({entry.credit_grant_id for entry in entries}))
    rows = []
    for entry in entries:
        grant = grants[entry.credit_grant_id]
        grant.balance += entry.amount
        grant.sequence += 1
        rows.append(
            CreditGrantTransaction(
                id=entry.id or new_id("cgtxn"),
                merchant_id=grant.merchant_id,
                customer_id=grant.customer_id,
                credit_grant=grant,
                sequence=grant.sequence,
                type=entry.type,
                amount=entry.amount,
                ending_balance=grant.balance,
                currency=grant.currency,
                invoice_id=entry.invoice_id,
                invoice_line_id=entry.invoice_line_id,
                created=entry.at or ctx.as_of,
                recorded_at=ctx.recorded_at,
            )
        )
    for grant in grants.values():
        grant.version += 1
        grant.updated = ctx.as_of
        grant.next_action_at = grant_expiry(grant)
    CreditGrantTransaction.objects.bulk_create(rows)
    moved = ["balance", "sequence", "updated", "next_action_at", "version"]
    CreditGrant.objects.bulk_update(list(grants.values()), moved)
    return grants


def grant_expiry(grant: CreditGrant) -> datetime | None:
    """When what is left of it has to be written off; None while nothing is."""
    return grant.expires_at if grant.balance and grant.voided_at is None else None


def save_grant(ctx: Context, grant: CreditGrant, columns: Sequence[str], *, is_bumped: bool = False) -> None:
    """What was changed of a grant whose customer the caller holds; its version is bumped, unless its ledger's entry
    did that: each version is told once."""
    grant.version += not is_bumped
    grant.updated = ctx.as_of
    grant.next_action_at = grant_expiry(grant)
    grant.save(update_fields=[*columns, "updated", "next_action_at", "version"])


def claim_expired_grants(
    as_of: datetime, *, clock_id: str | None, limit: int, only: Collection[str] | None = None
) -> list[Row]:
    """Grants that are over and of which something is left, under their customers' locks as every spender takes them."""
    due = CreditGrant.objects.filter(next_action_at__isnull=False, next_action_at__lte=as_of, test_clock_id=clock_id)
    if only is not None:
        due = due.filter(id__in=list(only))
    found = list(due.order_by("next_action_at", "id").values_list("id", "customer_id")[:limit])
    if not found:
        return []
    owners = Customer.objects.select_for_update(no_key=True).filter(id__in={owner for _, owner in found}).order_by("id")
    list(owners.values_list("id"))
    still = due.filter(id__in=[grant_id for grant_id, _ in found]).order_by("next_action_at", "id")
    return read_rows(still)


def set_currency(customer_id: str, currency: str) -> int:
    """The currency that the customer's first invoice or subscription brings; the caller holds the row's lock.

    Returns the row's new version.
    """
    [(version,)] = update_rows(
        Customer,
        ("id", "currency"),
        [(customer_id, currency)],
        extra="version = t.version + 1",
        returning="t.version",
    )
    return int(version)


def insert_clock(ctx: Context, *, clock_id: str, merchant_id: str, name: str, frozen_time: datetime) -> TestClock:
    """A new clock, ready, standing at `frozen_time`."""
    return TestClock.objects.create(
        id=clock_id,
        merchant_id=merchant_id,
        name=name,
        frozen_time=frozen_time,
        created=frozen_time,
        recorded_at=ctx.recorded_at,
    )


def lock_clock(clock_id: str) -> TestClock | None:
    """The clock's row, locked; None when there is none."""
    return TestClock.objects.select_for_update(no_key=True).filter(id=clock_id, deleted_at__isnull=True).first()


@contextmanager
def hold_clock(clock_id: str) -> Iterator[bool]:
    """Whether this worker alone may advance the clock: an advisory lock, for the work spans many transactions.

    The lock lives in a transaction of a connection of its own: a pool that lends connections by the transaction
    would take one that lives in a session along to somebody else. PostgreSQL lets go of it when a worker dies.
    """
    own = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [clock_id])
            [is_held] = cursor.fetchone()
        yield is_held
    finally:
        own.close()  # rolls back


def move_clock(clock: TestClock, **values: Any) -> None:
    """Set what advancing changes on a clock whose lock the caller holds; its version is bumped."""
    for name, value in values.items():
        setattr(clock, name, value)
    clock.version += 1
    clock.save(update_fields=[*values, "version"])


def ending_cards(as_of: datetime, clock_id: str | None, limit: int, but: Collection[str] = ()) -> list[PaymentMethod]:
    """Stored cards whose last month has begun and of which nobody was told, but for these ids; unlocked."""
    return list(_ending(as_of, clock_id).exclude(id__in=list(but)).order_by("next_action_at", "id")[:limit])


def claim_ending_cards(
    as_of: datetime, *, clock_id: str | None, limit: int, only: Collection[str] | None = None
) -> list[Row]:
    """The same, locked; what another worker holds is left to it."""
    due = _ending(as_of, clock_id)
    if only is not None:
        due = due.filter(id__in=list(only))
    locked = due.select_for_update(no_key=True, skip_locked=True, of=("self",))
    return read_rows(locked.order_by("next_action_at", "id")[:limit])


def _ending(as_of: datetime, clock_id: str | None) -> QuerySet[PaymentMethod]:
    return PaymentMethod.objects.filter(
        next_action_at__lte=as_of, test_clock_id=clock_id, customer__isnull=False, detached_at__isnull=True
    )
