"""The sandbox's balance, read off its books. Only a dispute costs a fee."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from core.money import to_minor
from payments.gateways.base import Call
from payments.gateways.sandbox_intents import INTENT, taken
from payments.models import SandboxObject
from payments.types import BalanceFacts, BalancePage

REFUND, DISPUTE = "refund", "dispute"
_DISPUTE_FEE = "15"  # major units, whatever the currency; a dispute that is won does not bring it back
_PAGE = 100


def balance_page(call: Call, since: datetime, after: str) -> BalancePage:
    """What was taken and what went back, the newest first."""
    # A bank may give back long after it took.
    moved = Q(created__gte=since, kind__in=[INTENT, REFUND]) | Q(kind=DISPUTE)
    rows = SandboxObject.objects.filter(moved, merchant_id=call.merchant_id)
    every = [facts for entry in rows.order_by("-created", "-id") for facts in _movements(entry)]
    found = sorted((facts for facts in every if facts.created >= since), key=lambda facts: facts.created, reverse=True)
    ids = [facts.gateway_balance_transaction_id for facts in found]
    start = ids.index(after) + 1 if after in ids else 0
    page = tuple(found[start : start + _PAGE])
    return BalancePage(page, page[-1].gateway_balance_transaction_id if len(found) > start + _PAGE else "")


def _movements(entry: SandboxObject) -> list[BalanceFacts]:
    body = entry.body
    if entry.kind == INTENT:
        paid = body["standing"]["kind"] == "succeeded"
        return [_movement(entry, "charge", taken(body), body["currency"], body["latest_charge"])] if paid else []
    if entry.kind == DISPUTE:
        return movements_of_dispute(entry)[::-1]
    currency = SandboxObject.objects.values_list("body__currency", flat=True).get(id=body["intent"])
    found = [_movement(entry, "refund", -body["amount"], currency, entry.id)]
    if body["status"] == "failed":
        found.insert(0, _movement(entry, "refund_failure", body["amount"], currency, entry.id))
    return found


def movements_of_dispute(entry: SandboxObject) -> list[BalanceFacts]:
    """What a bank took, and gave back when the merchant won. An inquiry takes nothing."""
    body, currency = entry.body, entry.body["currency"]
    if body["status"].startswith("warning"):
        return []
    fee = to_minor(_DISPUTE_FEE, currency)
    found = [_movement(entry, "dispute", -body["amount"], currency, entry.id, type="adjustment", fee=fee)]
    if body["status"] == "won":
        at = datetime.fromisoformat(body["closed_at"])
        found.append(_movement(entry, "dispute_reversal", body["amount"], currency, entry.id, type="adjustment", at=at))
    return found


def _movement(
    entry: SandboxObject,
    category: str,
    amount: int,
    currency: str,
    source_id: str,
    *,
    type: str = "",
    fee: int = 0,
    at: datetime | None = None,
) -> BalanceFacts:
    return BalanceFacts(
        gateway_balance_transaction_id=f"txn_{category}_{entry.id}",
        type=type or category,
        reporting_category=category,
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=currency,
        status="available",
        gateway_source_id=source_id,
        created=at or entry.created,
        available_on=at or entry.created,
        metadata=entry.body["metadata"],
    )
