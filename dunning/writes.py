"""Batch writers of policies and cases. They never open a transaction: their caller's holds what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from core.context import Context
from core.ids import new_id
from dunning.models import CaseStatus, RecoveryCase, RecoveryPolicy
from dunning.selectors import default_policies
from events.copying import Row, insert_rows, new_row, update_rows
from events.statements import Statement

_CASE_FIELDS = (
    "status",
    "failures",
    "last_charge_id",
    "last_decline_code",
    "decision",
    "reason",
    "next_attempt_at",
    "gives_up_at",
    "closed_at",
    "version",
)


def ensure_default_policies(ctx: Context, merchant_ids: Iterable[str]) -> dict[str, RecoveryPolicy]:
    """Each merchant's default policy; one that never chose gets eight tries in two weeks, then cancel."""
    wanted = set(merchant_ids)
    found = default_policies(wanted)
    missing = sorted(wanted - set(found))
    if not missing:
        return found
    RecoveryPolicy.objects.bulk_create(
        [
            RecoveryPolicy(merchant_id=merchant_id, name="Default", created=ctx.as_of, recorded_at=ctx.recorded_at)
            for merchant_id in missing
        ],
        ignore_conflicts=True,  # another worker's is as good
    )
    return default_policies(wanted)


def lock_open_cases(invoice_ids: Iterable[str]) -> dict[str, Row]:
    """The open case of each invoice that has one, by invoice, locked in id order. The invoices are locked before."""
    return {row.invoice_id: row for row in _held_open.rows(invoices=invoice_ids)}


_held_open = Statement(
    lambda invoices: (
        RecoveryCase.objects.filter(invoice_id__any=invoices, status=CaseStatus.OPEN)
        .order_by("id")
        .select_for_update(no_key=True)
    )
)


def new_case(ctx: Context, *, policy_id: str, merchant_id: str, invoice_id: str, **facts: Any) -> Row:
    """A case's row, not stored yet."""
    return new_row(
        RecoveryCase,
        id=new_id("rcas"),
        merchant_id=merchant_id,
        policy_id=policy_id,
        invoice_id=invoice_id,
        first_failed_at=ctx.as_of,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
        **facts,
    )


def insert_cases(rows: Sequence[Row]) -> None:
    """Raises `psycopg.errors.UniqueViolation` for an invoice that has an open one: one_open_case_per_invoice."""
    insert_rows(RecoveryCase, rows)


def update_cases(rows: Sequence[Row]) -> None:
    """Store what was decided; the caller holds the rows' locks."""
    fields = ("id", *_CASE_FIELDS)
    update_rows(RecoveryCase, fields, [[row[name] for name in fields] for row in rows])


def close_cases(ctx: Context, invoice_ids: Iterable[str], status: str) -> None:
    """End the open cases of these invoices: recovered, exhausted or closed. Invoices without one are passed over."""
    rows = list(lock_open_cases(invoice_ids).values())
    for row in rows:
        row.update(status=status, closed_at=ctx.as_of, next_attempt_at=None, version=row.version + 1)
    update_cases(rows)
