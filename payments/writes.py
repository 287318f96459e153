"""Batch writers of payments. They never open a transaction: the caller's holds what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from core.context import Context
from core.ids import new_ids
from events.copying import Row, insert_rows, new_row, update_rows
from events.reading import read_rows
from events.statements import Statement
from events.writes import record_events
from payments.events import intent_event, told
from payments.models import (
    OPEN_INTENT_STATUSES,
    Charge,
    ChargeStatus,
    InvoicePayment,
    PaymentIntent,
    PaymentIntentStatus,
    Refund,
)
from payments.rules import charge_key
from payments.types import IntentToPlan, PlannedIntent

# What settling may change. The rest of an intent or a charge never moves after it was planned.
_INTENT_SETTLED = (
    "status",
    "amount_received",
    "payment_method_id",
    "latest_charge_id",
    "last_payment_error",
    "next_action",
    "canceled_at",
    "cancellation_reason",
    "version",
)
_CHARGE_SETTLED = (
    "status",
    "called_at",
    "amount_captured",
    "amount_to_capture",
    "authorized_at",
    "gateway_charge_id",
    "failure_code",
    "decline_code",
    "failure_message",
    "network_decline_code",
    "network_advice_code",
    "resolve_after",
    "next_action_at",
    "succeeded_at",
    "version",
)


def plan_intents(ctx: Context, invoices: Sequence[IntentToPlan]) -> list[PlannedIntent]:
    """Plan the payment of invoices that are being opened, in the caller's transaction; three statements for any number.

    One intent each, and a planned charge with its idempotency key where there is a payment method. Nothing is
    called: `engine.services.collect.collect_invoices` does that once this is committed, or the caller itself for
    what it says is `sent`. The caller stores
    `payment_intent_id` on the invoice. Raises `psycopg.Error` when an invoice has an open intent already.
    """
    intents = [
        new_intent(ctx, intent_id, invoice)
        for intent_id, invoice in zip(new_ids("pi", len(invoices)), invoices, strict=True)
    ]
    charges = [
        plan_charge(
            ctx,
            charge_id,
            intent,
            attempt=1,
            off_session=invoice.off_session,
            clock_id=invoice.test_clock_id,
            with_backups=invoice.off_session,
        )
        for charge_id, intent, invoice in zip(new_ids("ch", len(invoices)), intents, invoices, strict=True)
        if invoice.payment_method_id
    ]
    charge_of = {charge.payment_intent_id: charge.id for charge in charges}
    sent = {intent.id for intent, invoice in zip(intents, invoices, strict=True) if invoice.sent}
    for charge in charges:
        charge["called_at"] = ctx.recorded_at if charge.payment_intent_id in sent else None
    for intent in intents:
        intent["latest_charge_id"] = charge_of.get(intent.id, "")
    insert_intents(intents)
    insert_charges(charges)
    record_events(
        ctx,
        [
            told(intent_event("created", intent, invoice.test_clock_id), invoice.keep_body)
            for intent, invoice in zip(intents, invoices, strict=True)
        ],
    )
    return [
        PlannedIntent(invoice.invoice_id, intent.id, charge_of.get(intent.id, ""))
        for intent, invoice in zip(intents, invoices, strict=True)
    ]


def new_intent(ctx: Context, intent_id: str, invoice: IntentToPlan) -> Row:
    """An intent's row, not stored yet."""
    waits_for = (
        PaymentIntentStatus.REQUIRES_CONFIRMATION
        if invoice.payment_method_id
        else PaymentIntentStatus.REQUIRES_PAYMENT_METHOD
    )
    return new_row(
        PaymentIntent,
        id=intent_id,
        merchant_id=invoice.merchant_id,
        customer_id=invoice.customer_id,
        invoice_id=invoice.invoice_id or None,  # blank: the money comes before the invoice
        status=waits_for.value,
        amount=invoice.amount,
        currency=invoice.currency,
        gateway=invoice.gateway,
        payment_method_id=invoice.payment_method_id,
        statement_descriptor=invoice.statement_descriptor,
        description=invoice.description,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def plan_charge(
    ctx: Context,
    charge_id: str,
    intent: Any,
    *,
    attempt: int,
    off_session: bool,
    clock_id: str | None,
    with_backups: bool = False,
    backup_of: str = "",
) -> Row:
    """A planned attempt's row, not stored yet. Its key is what makes a repeated call harmless."""
    return new_row(
        Charge,
        id=charge_id,
        merchant_id=intent.merchant_id,
        customer_id=intent.customer_id or "",
        payment_intent_id=intent.id,
        invoice_id=intent.invoice_id or "",
        status=ChargeStatus.PLANNED.value,
        attempt=attempt,
        with_backups=with_backups,
        backup_of=backup_of,
        off_session=off_session,
        amount=intent.amount,
        currency=intent.currency,
        gateway=intent.gateway,
        idempotency_key=charge_key(intent.id, attempt),
        payment_method_id=intent.payment_method_id,
        statement_descriptor=intent.statement_descriptor,
        test_clock_id=clock_id,
        created=ctx.as_of,
        recorded_at=ctx.recorded_at,
    )


def insert_intents(rows: Sequence[Row]) -> None:
    """Raises `psycopg.errors.UniqueViolation` for an invoice that has an open intent: one_open_intent_per_invoice."""
    insert_rows(PaymentIntent, rows)


def insert_charges(rows: Sequence[Row]) -> None:
    """Raises `psycopg.errors.UniqueViolation` for a second one in flight: one_charge_in_flight_per_intent."""
    insert_rows(Charge, rows)


def insert_invoice_payments(rows: Sequence[Row]) -> None:
    insert_rows(InvoicePayment, rows)


def insert_refunds(rows: Sequence[Row]) -> None:
    insert_rows(Refund, rows)


def lock_intents(intent_ids: Iterable[str]) -> dict[str, Row]:
    """The rows by id, locked in id order."""
    return {row.id: row for row in _held_intents.rows(ids=intent_ids)}


def lock_open_intents(invoice_ids: Iterable[str]) -> dict[str, Row]:
    """The one open intent of each invoice that has one, by invoice, locked in id order. The invoices are locked."""
    return {row.invoice_id: row for row in _held_open_intents.rows(invoices=invoice_ids)}


def lock_charges(charge_ids: Iterable[str]) -> dict[str, Row]:
    """The rows by id, locked in id order."""
    return {row.id: row for row in _held_charges.rows(ids=charge_ids)}


_held_intents = Statement(
    lambda ids: PaymentIntent.objects.filter(id__any=ids).order_by("id").select_for_update(no_key=True)
)
_held_open_intents = Statement(
    lambda invoices: (
        PaymentIntent.objects.filter(invoice_id__any=invoices, status__in=OPEN_INTENT_STATUSES)
        .order_by("id")
        .select_for_update(no_key=True)
    )
)
_held_charges = Statement(lambda ids: Charge.objects.filter(id__any=ids).order_by("id").select_for_update(no_key=True))


def update_intents(intents: Sequence[Any]) -> None:
    """Store what settling changed; the caller holds the rows' locks and has bumped their versions."""
    update_rows(PaymentIntent, ("id", *_INTENT_SETTLED), _rows(intents, ("id", *_INTENT_SETTLED)))


def update_charges(charges: Sequence[Any]) -> None:
    """Store what settling changed; the caller holds the rows' locks and has bumped their versions."""
    update_rows(Charge, ("id", *_CHARGE_SETTLED), _rows(charges, ("id", *_CHARGE_SETTLED)))


def mark_disputed(charge_id: str) -> None:
    """The caller holds the charge's row."""
    Charge.objects.filter(id=charge_id).update(disputed=True)


def claim_planned_charges(ctx: Context, charge_ids: Sequence[str]) -> None:
    """Mark planned charges as this worker's to send. The caller holds their rows' locks and saw that nobody has."""
    Charge.objects.filter(id__any=charge_ids, status=ChargeStatus.PLANNED).update(called_at=ctx.recorded_at)


def give_to_invoice(payment_intent_id: str, invoice_id: str) -> list[str]:
    """A payment that came before its invoice now belongs to it. Returns its charges that took, or take, money."""
    PaymentIntent.objects.filter(id=payment_intent_id).update(invoice_id=invoice_id)
    charges = Charge.objects.filter(payment_intent_id=payment_intent_id, status__in=["succeeded", "processing"])
    charges.update(invoice_id=invoice_id)
    return list(charges.values_list("id", flat=True))


def abandon_intent(
    ctx: Context,
    payment_intent_id: str,
    *,
    keep_body: bool = True,
    test_clock_id: str | None = None,
    reason: str = "abandoned",
) -> None:
    """Let go of an intent that took nothing, and say so; one that is closed already is left as it is."""
    for intent in lock_intents([payment_intent_id]).values():
        if intent.status in OPEN_INTENT_STATUSES:
            previous = {"status": intent.status}
            intent.update(
                status="canceled", canceled_at=ctx.as_of, cancellation_reason=reason, version=intent.version + 1
            )
            update_intents([intent])
            record_events(ctx, [told(intent_event("canceled", intent, test_clock_id, previous), keep_body)])


def postpone_look_up(ctx: Context, charge_ids: Sequence[str], until: datetime) -> None:
    """Nobody else looks these up before `until` (wall time): a lease, and the pace of look-ups that find nothing."""
    Charge.objects.filter(id__any=charge_ids).update(called_at=ctx.recorded_at, resolve_after=until)


def postpone_settling(charge_ids: Sequence[str], until: datetime) -> None:
    """Nobody else asks after these debits before `until` (business time)."""
    Charge.objects.filter(id__any=charge_ids).update(next_action_at=until)


def store_gateway_intent_ids(pairs: Sequence[tuple[str, str]]) -> None:
    """(our intent, the gateway's): committed before anything is confirmed, so that a look-up needs no search."""
    update_rows(PaymentIntent, ("id", "gateway_intent_id"), pairs)


def _rows(objects: Sequence[Any], fields: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, name) for name in fields] for row in objects]


# What a refund's answer may change.
_REFUND_SETTLED = (
    "status",
    "called_at",
    "gateway_refund_id",
    "failure_reason",
    "resolve_after",
    "next_action_at",
    "version",
)


def lock_refunds(refund_ids: Iterable[str]) -> dict[str, Row]:
    """The rows by id, locked in id order; their charges are locked before."""
    rows = Refund.objects.select_for_update(no_key=True).filter(id__in=set(refund_ids)).order_by("id")
    return {row.id: row for row in read_rows(rows)}


def update_refunds(rows: Sequence[Row]) -> None:
    update_rows(Refund, ("id", *_REFUND_SETTLED), _rows(rows, ("id", *_REFUND_SETTLED)))


def set_amounts_refunded(rows: Sequence[Row]) -> None:
    """What of each charge is promised back; the database refuses more than the charge."""
    update_rows(Charge, ("id", "amount_refunded", "version"), _rows(rows, ("id", "amount_refunded", "version")))
