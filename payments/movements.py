"""How the balance at the processor moved, mirrored, and which of our objects moved it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from core.context import Context
from payments.models import BalanceTransaction, Charge, Dispute, Refund
from payments.types import BalanceFacts


def mirror_movements(ctx: Context, merchant_id: str, gateway: str, items: Sequence[BalanceFacts]) -> None:
    """Inside the caller's transaction. Told twice a movement is the same; what was pending becomes available."""
    if not items:
        return
    sources = _sources(merchant_id, gateway, items)
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
            for facts in sorted(items, key=lambda facts: facts.gateway_balance_transaction_id)  # as rows are locked
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


def movements_of(merchant_id: str, source_ids: Iterable[str]) -> dict[str, list[BalanceTransaction]]:
    """What is mirrored of each of our objects, the oldest first; an object without any is left out. One query."""
    found: dict[str, list[BalanceTransaction]] = {}
    rows = BalanceTransaction.objects.filter(merchant_id=merchant_id, source_id__in=set(source_ids) - {""})
    for row in rows.order_by("created", "id"):
        found.setdefault(row.source_id, []).append(row)
    return found
