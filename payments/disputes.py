"""Disputes as their processor tells of them: written down, and moved forward only."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core.context import Context
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from payments import writes as payments
from payments.events import told
from payments.models import Dispute
from payments.rules import dispute_moves_forward
from payments.snapshots import dispute_snapshot
from payments.types import DisputeFacts

CLOSED = ("won", "lost", "warning_closed", "prevented")


def store_dispute(ctx: Context, charge_id: str, facts: DisputeFacts) -> Dispute:
    """The dispute of this charge as `facts` tell; told twice it is the same, told late it does not go back."""
    with transaction.atomic(durable=True):
        charge = payments.lock_charges([charge_id])[charge_id]
        known = Dispute.objects.select_for_update(no_key=True).filter(
            merchant_id=charge.merchant_id, gateway=charge.gateway, gateway_dispute_id=facts.gateway_dispute_id
        )
        dispute = known.first()
        if dispute is None:
            dispute = _insert(ctx, charge, facts)
            _tell(ctx, dispute, "created", None)
        else:
            _update(ctx, dispute, facts)
    return dispute


def _insert(ctx: Context, charge: Any, facts: DisputeFacts) -> Dispute:
    return Dispute.objects.create(
        merchant_id=charge.merchant_id,
        charge_id=charge.id,
        customer_id=charge.customer_id,
        payment_intent_id=charge.payment_intent_id,
        invoice_id=charge.invoice_id,
        gateway=charge.gateway,
        gateway_dispute_id=facts.gateway_dispute_id,
        currency=facts.currency,
        test_clock_id=charge.test_clock_id,
        created=facts.created if charge.test_clock_id is None else ctx.as_of,
        recorded_at=ctx.recorded_at,
        **_moving(ctx, facts, None),
    )


def _update(ctx: Context, dispute: Dispute, facts: DisputeFacts) -> None:
    if not dispute_moves_forward(dispute.status, facts.status):
        return
    values = _moving(ctx, facts, dispute)
    changed = {name: getattr(dispute, name) for name, value in values.items() if getattr(dispute, name) != value}
    if not changed:
        return
    for name, value in values.items():
        setattr(dispute, name, value)
    dispute.version += 1
    dispute.save(update_fields=[*values, "version"])
    before = {"status": changed["status"]} if "status" in changed else None
    _tell(ctx, dispute, "closed" if before and dispute.status in CLOSED else "updated", before)


def _moving(ctx: Context, facts: DisputeFacts, before: Dispute | None) -> dict[str, Any]:
    submitted = before.evidence_submitted_at if before else None
    closed = before.closed_at if before else None
    return {
        "status": facts.status,
        "reason": facts.reason,
        "network_reason_code": facts.network_reason_code,
        "amount": facts.amount,
        "is_charge_refundable": facts.is_charge_refundable,
        "evidence": dict(facts.evidence),
        "evidence_due_by": facts.evidence_due_by,
        "evidence_submitted_at": submitted or (ctx.as_of if facts.submission_count else None),
        "submission_count": facts.submission_count,
        "closed_at": closed or (ctx.as_of if facts.status in CLOSED else None),
    }


def _tell(ctx: Context, dispute: Dispute, kind: str, previous: dict[str, Any] | None) -> None:
    row = EventRow(
        merchant_id=dispute.merchant_id,
        type=f"charge.dispute.{kind}",
        object_type="dispute",
        object_id=dispute.id,
        object_version=dispute.version,
        customer_id=dispute.customer_id,
        previous_attributes=previous,
        test_clock_id=dispute.test_clock_id,
        body=dispute_snapshot(dispute),
    )
    keeps = Merchant.objects.values_list("keep_event_bodies", flat=True).get(id=dispute.merchant_id)
    record_events(ctx, [told(row, keeps)])
