"""What the processor's account paid out and how its balance moved, mirrored. Told twice it is the same."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from core.context import Context
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant
from payments.events import told
from payments.models import BalanceTransaction, Charge, Dispute, Payout, Refund
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
    if not items:
        return
    sources = _sources(merchant_id, gateway, items)
    with transaction.atomic(durable=True):
        BalanceTransaction.objects.bulk_create(
            [
                BalanceTransaction(
                    merchant_id=merchant_id,
                    gateway=gateway,
                    gateway_balance_transaction_id=facts.gateway_balance_transaction_id,
                    type=facts.type,
                    reporting_category=facts.reporting_category,
                    amount=facts.amount,
                    fee=facts.fee,
                    net=facts.net,
                    currency=facts.currency,
                    exchange_rate=Decimal(facts.exchange_rate) if facts.exchange_rate else None,
                    status=facts.status,
                    description=facts.description,
                    gateway_source_id=facts.gateway_source_id,
                    source_id=sources.get(facts.gateway_source_id, ""),
                    available_on=facts.available_on,
                    created=facts.created,
                    recorded_at=ctx.recorded_at,
                )
                for facts in items
            ],
            update_conflicts=True,
            unique_fields=["merchant", "gateway", "gateway_balance_transaction_id"],
            update_fields=["status", "available_on", "source_id"],
        )


def _sources(merchant_id: str, gateway: str, items: Sequence[BalanceFacts]) -> dict[str, str]:
    """Our charges, refunds and disputes by the processor's ids: those that carry our metadata, or are known by it."""
    intents = {facts.metadata.get("payment_intent", "") for facts in items} - {""}
    refunds = {facts.metadata.get("refund", "") for facts in items} - {""}
    disputes = {facts.gateway_source_id for facts in items if facts.reporting_category.startswith("dispute")}
    ours = {"merchant_id": merchant_id, "gateway": gateway}
    charges = Charge.objects.filter(**ours, payment_intent_id__in=intents).exclude(gateway_charge_id="")
    found = dict(charges.values_list("gateway_charge_id", "id"))
    known = Refund.objects.filter(**ours, id__in=refunds).exclude(gateway_refund_id="")
    found |= dict(known.values_list("gateway_refund_id", "id"))
    mirrored = Dispute.objects.filter(**ours, gateway_dispute_id__in=disputes)
    return found | dict(mirrored.values_list("gateway_dispute_id", "id"))
