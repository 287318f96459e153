"""Batch writers of payments. They never open a transaction: the caller's holds what belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.context import Context
from core.ids import new_ids
from events.copying import copy_rows, update_rows
from events.writes import record_events
from payments.events import intent_event
from payments.models import Charge, ChargeStatus, InvoicePayment, PaymentIntent, PaymentIntentStatus
from payments.rules import charge_key
from payments.types import IntentToPlan, PlannedIntent

_INTENT_FIELDS = tuple(field.attname for field in PaymentIntent._meta.concrete_fields)
_CHARGE_FIELDS = tuple(field.attname for field in Charge._meta.concrete_fields)
_INVOICE_PAYMENT_FIELDS = tuple(field.attname for field in InvoicePayment._meta.concrete_fields)

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
    called: `engine.services.collect.collect_invoices` does that once this is committed. The caller stores
    `payment_intent_id` on the invoice. Raises `psycopg.Error` when an invoice has an open intent already.
    """
    intents = [
        new_intent(ctx, intent_id, invoice)
        for intent_id, invoice in zip(new_ids("pi", len(invoices)), invoices, strict=True)
    ]
    charges = [
        plan_charge(ctx, charge_id, intent, attempt=1, off_session=invoice.off_session, clock_id=invoice.test_clock_id)
        for charge_id, intent, invoice in zip(new_ids("ch", len(invoices)), intents, invoices, strict=True)
        if invoice.payment_method_id
    ]
    charge_of = {charge.payment_intent_id: charge.id for charge in charges}
    for intent in intents:
        intent.latest_charge_id = charge_of.get(intent.id, "")
    insert_intents(intents)
    insert_charges(charges)
    record_events(
        ctx,
        [
            intent_event("created", intent, invoice.test_clock_id)
            for intent, invoice in zip(intents, invoices, strict=True)
        ],
    )
    return [
        PlannedIntent(invoice.invoice_id, intent.id, charge_of.get(intent.id, ""))
        for intent, invoice in zip(intents, invoices, strict=True)
    ]


def new_intent(ctx: Context, intent_id: str, invoice: IntentToPlan) -> PaymentIntent:
    """An intent's row, not stored yet."""
    waits_for = (
        PaymentIntentStatus.REQUIRES_CONFIRMATION
        if invoice.payment_method_id
        else PaymentIntentStatus.REQUIRES_PAYMENT_METHOD
    )
    return PaymentIntent(
        id=intent_id,
        merchant_id=invoice.merchant_id,
        customer_id=invoice.customer_id,
        invoice_id=invoice.invoice_id,
        status=waits_for,
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
    ctx: Context, charge_id: str, intent: PaymentIntent, *, attempt: int, off_session: bool, clock_id: str | None
) -> Charge:
    """A planned attempt's row, not stored yet. Its key is what makes a repeated call harmless."""
    return Charge(
        id=charge_id,
        merchant_id=intent.merchant_id,
        customer_id=intent.customer_id,
        payment_intent_id=intent.id,
        invoice_id=intent.invoice_id or "",
        status=ChargeStatus.PLANNED,
        attempt=attempt,
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


def insert_intents(intents: Sequence[PaymentIntent]) -> None:
    copy_rows(PaymentIntent, _INTENT_FIELDS, _rows(intents, _INTENT_FIELDS))


def insert_charges(charges: Sequence[Charge]) -> None:
    copy_rows(Charge, _CHARGE_FIELDS, _rows(charges, _CHARGE_FIELDS))


def insert_invoice_payments(payments: Sequence[InvoicePayment]) -> None:
    copy_rows(InvoicePayment, _INVOICE_PAYMENT_FIELDS, _rows(payments, _INVOICE_PAYMENT_FIELDS))


def update_intents(intents: Sequence[PaymentIntent]) -> None:
    """Store what settling changed; the caller holds the rows' locks and has bumped their versions."""
    update_rows(PaymentIntent, ("id", *_INTENT_SETTLED), _rows(intents, ("id", *_INTENT_SETTLED)))


def update_charges(charges: Sequence[Charge]) -> None:
    """Store what settling changed; the caller holds the rows' locks and has bumped their versions."""
    update_rows(Charge, ("id", *_CHARGE_SETTLED), _rows(charges, ("id", *_CHARGE_SETTLED)))


def claim_planned_charges(ctx: Context, charge_ids: Sequence[str]) -> set[str]:
    """Which of these planned charges are this worker's to send: each goes to one worker, by a conditional update."""
    return _ids_updated(
        Charge.objects.filter(id__in=sorted(charge_ids), status=ChargeStatus.PLANNED, called_at__isnull=True),
        called_at=ctx.recorded_at,
    )


def _ids_updated(queryset: Any, **values: Any) -> set[str]:
    """Update and say which rows were: Django's `update` gives only a number."""
    ids = list(queryset.select_for_update(no_key=True).order_by("id").values_list("id", flat=True))
    queryset.model.objects.filter(id__in=ids).update(**values)
    return set(ids)


def store_gateway_intent_ids(pairs: Sequence[tuple[str, str]]) -> None:
    """(our intent, the gateway's): committed before anything is confirmed, so that a look-up needs no search."""
    update_rows(PaymentIntent, ("id", "gateway_intent_id"), pairs)


def _rows(objects: Sequence[Any], fields: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, name) for name in fields] for row in objects]
