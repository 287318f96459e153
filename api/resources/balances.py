"""/v1/balance, /v1/balance_transactions, /v1/payouts: what the processor's books say, as mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, Sum

from api.lookup import found
from api.paging import in_range, page
from api.protocol.operation import Call, Json, Operation
from api.protocol.schema import PAGE, RANGE, choice, fields, text
from merchants.models import Merchant
from payments.models import BalanceTransaction, Payout
from payments.snapshots import balance_transaction_snapshot, payout_snapshot

TRANSACTIONS, PAYOUTS = "/v1/balance_transactions", "/v1/payouts"
LIST_TRANSACTIONS = fields(
    PAGE, created=RANGE, currency=text(most=3), payout=text(most=200), source=text(most=200), type=text(most=50)
)
LIST_PAYOUTS = fields(
    PAGE, arrival_date=RANGE, created=RANGE, status=choice("canceled", "failed", "in_transit", "paid", "pending")
)


def balance(call: Call) -> Json:
    """What is available and what is still on its way, by currency; a payout takes away what it sends."""
    return {
        "object": "balance",
        "available": _sums(call, Q(available_on__lte=call.ctx.as_of)),
        "livemode": call.livemode,
        "pending": _sums(call, Q(available_on__gt=call.ctx.as_of)),
    }


def _sums(call: Call, when: Q) -> list[Json]:
    rows = BalanceTransaction.objects.filter(when, merchant_id=call.merchant_id).order_by("currency")
    sums = rows.values_list("currency").annotate(amount=Sum("net"))
    found = {currency: int(amount) for currency, amount in sums} or {_currency(call): 0}
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in found.items()
    ]


def _currency(call: Call) -> str:
    return Merchant.objects.values_list("default_currency", flat=True).get(id=call.merchant_id)


def list_transactions(call: Call) -> Json:
    params = call.params
    rows = in_range(BalanceTransaction.objects.filter(merchant_id=call.merchant_id), "created", params.get("created"))
    if "currency" in params:
        rows = rows.filter(currency=params["currency"].lower())
    if "type" in params:
        rows = rows.filter(type=params["type"])
    if "source" in params:
        rows = rows.filter(source_id=params["source"])
    if "payout" in params:
        # Which movements a payout sent is not mirrored, but for its own.
        rows = rows.filter(source_id=params["payout"])
    return page(rows, call, _transactions, url=TRANSACTIONS)


def retrieve_transaction(call: Call) -> Json:
    rows = BalanceTransaction.objects.filter(merchant_id=call.merchant_id)
    return balance_transaction_snapshot(found(rows, call.id, "balance transaction"))


def _transactions(rows: Sequence[BalanceTransaction]) -> list[Json]:
    return [balance_transaction_snapshot(row) for row in rows]


def list_payouts(call: Call) -> Json:
    rows: Any = in_range(Payout.objects.filter(merchant_id=call.merchant_id), "created", call.params.get("created"))
    rows = in_range(rows, "arrival_date", call.params.get("arrival_date"))
    if "status" in call.params:
        rows = rows.filter(status=call.params["status"])
    return page(rows, call, lambda found: [payout_snapshot(row) for row in found], url=PAYOUTS)


def retrieve_payout(call: Call) -> Json:
    return payout_snapshot(found(Payout.objects.filter(merchant_id=call.merchant_id), call.id, "payout"))


OPERATIONS = [
    Operation("GET", "/v1/balance", balance),
    Operation("GET", TRANSACTIONS, list_transactions, LIST_TRANSACTIONS),
    Operation("GET", TRANSACTIONS + "/{id}", retrieve_transaction),
    Operation("GET", PAYOUTS, list_payouts, LIST_PAYOUTS),
    Operation("GET", PAYOUTS + "/{id}", retrieve_payout),
]


def load_transactions(merchant_id: str, ids: Sequence[str]) -> dict[str, Json]:
    rows = BalanceTransaction.objects.filter(merchant_id=merchant_id, id__in=ids)
    return {row.id: balance_transaction_snapshot(row) for row in rows}


LOADERS = {"balance_transaction": load_transactions}
