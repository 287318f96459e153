"""Letting go of what was to be collected: the invoice is void. It never opens a transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from core.context import Context
from core.errors import OstinatoError, gettext_noop
from events.writes import record_events
from payments.events import charge_event, intent_event, told
from payments.models import IN_FLIGHT_CHARGE_STATUSES, OPEN_INTENT_STATUSES, Charge, ChargeStatus, PaymentIntent
from payments.writes import update_charges, update_intents


class PaymentInFlight(OstinatoError):
    code = "payment_intent_unexpected_state"
    param = "invoice"
    message_id = gettext_noop("A payment of this invoice is under way: wait for its outcome.")


def cancel_intents(
    ctx: Context, invoice_ids: Sequence[str], clock_ids: dict[str, str | None], keep_bodies: Collection[str]
) -> list[str]:
    """Cancel the open intents of these invoices, whose rows the caller holds. Returns the intents' ids.

    `keep_bodies` are the merchants whose events keep them. The caller cancels at the gateway after its commit.

    A charge that was never sent is canceled with it, and one that waits for the customer too: neither took
    money. Raises `PaymentInFlight` when the processor was asked and its answer is not known.
    """
    found = PaymentIntent.objects.select_for_update(no_key=True).filter(
        invoice_id__in=list(invoice_ids), status__in=OPEN_INTENT_STATUSES
    )
    intents = list(found.order_by("id"))
    in_flight = Charge.objects.select_for_update(no_key=True).filter(
        payment_intent_id__in=[intent.id for intent in intents], status__in=IN_FLIGHT_CHARGE_STATUSES
    )
    charges = list(in_flight.order_by("id"))
    if any(_may_have_taken_money(charge) for charge in charges):
        raise PaymentInFlight
    stood = [charge.status for charge in charges]
    for charge in charges:
        charge.status = ChargeStatus.CANCELED
        charge.version += 1
    previous = [intent.status for intent in intents]
    for intent in intents:
        intent.status = "canceled"
        intent.canceled_at = ctx.as_of
        intent.cancellation_reason = "void_invoice"
        intent.version += 1
    update_charges(charges)
    update_intents(intents)
    record_events(
        ctx,
        [
            told(
                intent_event("canceled", intent, clock_ids.get(intent.invoice_id or ""), {"status": status}),
                intent.merchant_id in keep_bodies,
            )
            for intent, status in zip(intents, previous, strict=True)
        ]
        + [
            told(charge_event("updated", charge, {"status": status}), charge.merchant_id in keep_bodies)
            for charge, status in zip(charges, stood, strict=True)
        ],
    )
    return [intent.id for intent in intents]


def _may_have_taken_money(charge: Any) -> bool:
    if charge.status == ChargeStatus.PLANNED:
        return charge.called_at is not None
    return charge.status in (ChargeStatus.PROCESSING, ChargeStatus.UNKNOWN)
