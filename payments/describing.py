"""What a merchant writes on a payment, a charge or a refund: words and metadata, which move no money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from core.context import Context
from customers.models import Customer
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from payments.events import charge_event, intent_event, refund_event, told
from payments.models import Charge, PaymentIntent, Refund
from payments.selectors import ChargeNotFound, PaymentIntentNotFound, RefundNotFound


def describe_intent(*, ctx: Context, merchant_id: str, payment_intent_id: str, **fields: Any) -> PaymentIntent:
    """Set `description` or `metadata` (whole). Raises `PaymentIntentNotFound`."""

    def fact(row: PaymentIntent) -> EventRow:
        clock = Customer.objects.values_list("test_clock_id", flat=True).get(id=row.customer_id)
        return intent_event("updated", row, clock)

    return _describe(ctx, PaymentIntent, merchant_id, payment_intent_id, fields, fact, PaymentIntentNotFound)


def describe_charge(*, ctx: Context, merchant_id: str, charge_id: str, **fields: Any) -> Charge:
    """Set `description` or `metadata` (whole). Raises `ChargeNotFound`."""
    return _describe(
        ctx, Charge, merchant_id, charge_id, fields, lambda row: charge_event("updated", row), ChargeNotFound
    )


def describe_refund(*, ctx: Context, merchant_id: str, refund_id: str, **fields: Any) -> Refund:
    """Set `metadata` (whole). Raises `RefundNotFound`."""
    return _describe(
        ctx, Refund, merchant_id, refund_id, fields, lambda row: refund_event("updated", row), RefundNotFound
    )


def _describe(
    ctx: Context,
    model: Any,
    merchant_id: str,
    row_id: str,
    fields: dict[str, Any],
    fact: Callable[[Any], EventRow],
    missing: type[Exception],
) -> Any:
    assert not set(fields) - {"description", "metadata"}
    with transaction.atomic():
        row = model.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, id=row_id).first()
        if row is None:
            raise missing
        changed = [name for name, value in fields.items() if getattr(row, name) != value]
        if changed:
            for name in changed:
                setattr(row, name, fields[name])
            row.version += 1
            row.save(update_fields=[*changed, "version"])
            kept = Merchant.objects.values_list("keep_event_bodies", flat=True).get(id=merchant_id)
            record_events(ctx, [told(fact(row), kept)])
    return row
