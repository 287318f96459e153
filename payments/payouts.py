"""What the processor's account paid out and how its balance moved, mirrored. Told twice it is the same."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from core.context import Context
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from payments.events import told
from payments.models import Payout
from payments.movements import mirror_movements
from payments.rules import payout_moves_forward
from payments.snapshots import payout_snapshot
from payments.types import BalanceFacts, PayoutFacts


def store_payout(ctx: Context, merchant_id: str, gateway: str, facts: PayoutFacts) -> Payout:
    """A payout may still fail after it was paid, and never comes back from that."""
    values = {
        "status": facts.status,
        "amount": facts.amount,
        "currency": facts.currency,
        "automatic": facts.automatic,
        "failure_code": facts.failure_code,
        "arrival_date": facts.arrival_date,
    }
    with transaction.atomic(durable=True):
        merchant = Merchant.objects.get(id=merchant_id)
        payout, is_new = Payout.objects.select_for_update(no_key=True).get_or_create(
            merchant_id=merchant_id,
            gateway=gateway,
            gateway_payout_id=facts.gateway_payout_id,
            defaults={**values, "created": facts.created, "recorded_at": ctx.recorded_at},
        )
        if not is_new:
            if payout.status == facts.status or not payout_moves_forward(payout.status, facts.status):
                return payout
            for name, value in values.items():
                setattr(payout, name, value)
            payout.version += 1
            payout.save(update_fields=[*values, "version"])
        event = EventRow(
            merchant_id=merchant_id,
            type="payout.created" if is_new else f"payout.{payout.status}",
            object_type="payout",
            object_id=payout.id,
            object_version=payout.version,
            body=payout_snapshot(payout),
        )
        record_events(ctx, [told(event, merchant.keep_event_bodies)])
    return payout


def store_balance(ctx: Context, merchant_id: str, gateway: str, items: Sequence[BalanceFacts]) -> None:
    """Movements of the balance, a page in four statements; what was pending and is available now is updated."""
    with transaction.atomic(durable=True):
        mirror_movements(ctx, merchant_id, gateway, items)
