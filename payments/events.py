"""Business facts about payments as outbox rows, with Stripe's type names. Rows or model instances in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from events.types import EventRow
from payments.snapshots import (
    charge_snapshot,
    invoice_payment_snapshot,
    payment_intent_snapshot,
    refund_snapshot,
)


def told(row: EventRow, keep_body: bool) -> EventRow:
    """The fact with its object's JSON, or without for merchants that keep none."""
    return row if keep_body else replace(row, body=None)


def intent_event(
    type: str, intent: Any, test_clock_id: str | None, previous: Mapping[str, Any] | None = None
) -> EventRow:
    return EventRow(
        merchant_id=intent.merchant_id,
        type=f"payment_intent.{type}",
        object_type="payment_intent",
        object_id=intent.id,
        object_version=intent.version,
        customer_id=intent.customer_id or "",
        previous_attributes=dict(previous) if previous else None,
        test_clock_id=test_clock_id,
        body=payment_intent_snapshot(intent),
    )


def charge_event(type: str, charge: Any, previous: Mapping[str, Any] | None = None) -> EventRow:
    return EventRow(
        merchant_id=charge.merchant_id,
        type=f"charge.{type}",
        object_type="charge",
        object_id=charge.id,
        object_version=charge.version,
        customer_id=charge.customer_id,
        previous_attributes=dict(previous) if previous else None,
        test_clock_id=charge.test_clock_id,
        body=charge_snapshot(charge),
    )


def refund_event(type: str, refund: Any, previous: Mapping[str, Any] | None = None) -> EventRow:
    return EventRow(
        merchant_id=refund.merchant_id,
        type=f"refund.{type}",
        object_type="refund",
        object_id=refund.id,
        object_version=refund.version,
        customer_id=refund.customer_id,
        previous_attributes=dict(previous) if previous else None,
        test_clock_id=refund.test_clock_id,
        body=refund_snapshot(refund),
    )


def invoice_payment_event(payment: Any, customer_id: str, test_clock_id: str | None) -> EventRow:
    return EventRow(
        merchant_id=payment.merchant_id,
        type="invoice_payment.paid",
        object_type="invoice_payment",
        object_id=payment.id,
        object_version=1,
        customer_id=customer_id,
        test_clock_id=test_clock_id,
        body=invoice_payment_snapshot(payment),
    )
