"""Words and metadata on what was paid, and the processor's books, through the official SDK."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from payments.models import BalanceTransaction, Dispute, Payout
from tests.api.sdk import Sdk, new_sdk

NOW = datetime(2024, 1, 10, tzinfo=UTC)
FAR_AWAY = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def charge(sdk: Sdk) -> Any:
    sdk.v1.subscriptions.create({"customer": sdk.customer().id, "items": [{"price": sdk.price(2500).id}]})
    return sdk.v1.charges.list().data[0]


def test_payments_charges_and_refunds_keep_what_is_written_on_them(sdk: Sdk, charge: Any) -> None:
    intent = sdk.v1.payment_intents.update(
        charge.payment_intent, {"description": "Order 6735", "metadata": {"order": "6735"}}
    )
    assert (intent.description, intent.metadata["order"]) == ("Order 6735", "6735")
    changed = sdk.v1.charges.update(charge.id, {"description": "Paid", "metadata": {"a": "1", "b": "2"}})
    assert sdk.v1.charges.update(charge.id, {"metadata": {"a": ""}}).metadata.to_dict() == {"b": "2"}
    assert (changed.description, changed.amount) == ("Paid", 2500)
    refund = sdk.v1.refunds.create({"charge": charge.id, "amount": 500, "metadata": {"case": "9"}})
    assert refund.metadata["case"] == "9"
    assert sdk.v1.refunds.update(refund.id, {"metadata": {"case": "10"}}).metadata["case"] == "10"
    [told] = sdk.v1.events.list({"type": "refund.updated", "limit": 1}).data
    assert told.data.previous_attributes.to_dict() == {"metadata": {"case": "9"}}
    assert sdk.v1.charges.search({"query": 'metadata["b"]:"2"'}).data[0].id == charge.id


def test_what_cannot_be_taken_back_says_why(sdk: Sdk, charge: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        sdk.v1.payment_intents.cancel(charge.payment_intent)
    refund = sdk.v1.refunds.create({"charge": charge.id, "amount": 500})
    with pytest.raises(stripe.InvalidRequestError, match="waits for the customer"):
        sdk.v1.refunds.cancel(refund.id)
    poor = sdk.customer(card="pm_card_chargeCustomerFail")
    sdk.v1.subscriptions.create({"customer": poor.id, "items": [{"price": sdk.price(900).id}]})
    [waiting] = sdk.v1.payment_intents.list({"customer": poor.id}).data
    with pytest.raises(stripe.InvalidRequestError, match="Void the invoice") as refused:
        sdk.v1.payment_intents.cancel(waiting.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def movement(sdk: Sdk, number: int, amount: int, fee: int, **fields: Any) -> BalanceTransaction:
    values: dict[str, Any] = {
        "type": "charge",
        "reporting_category": "charge",
        "currency": "usd",
        "status": "available",
        "available_on": NOW - timedelta(days=1),
        "created": NOW - timedelta(days=3),
        "recorded_at": NOW,
    }
    return BalanceTransaction.objects.create(
        merchant_id=sdk.merchant.id,
        gateway="sandbox",
        gateway_balance_transaction_id=f"txn_{number}",
        amount=amount,
        fee=fee,
        net=amount - fee,
        **values | fields,
    )


def test_the_balance_is_the_sum_of_its_movements(sdk: Sdk, charge: Any) -> None:
    first = movement(sdk, 1, 10_000, 320, source_id=charge.id)
    movement(sdk, 2, -2_000, 0, type="refund")
    movement(sdk, 3, 5_000, 175, available_on=FAR_AWAY, status="pending")
    movement(sdk, 4, 700, 0, currency="eur")
    balance = sdk.v1.balance.retrieve()
    # 10000 - 320 - 2000 = 7680; 5000 - 175 = 4825 is still on its way
    assert {one.currency: one.amount for one in balance.available} == {"eur": 700, "usd": 7680}
    assert [(one.amount, one.source_types.card) for one in balance.pending] == [(4825, 4825)]
    [found] = sdk.v1.balance_transactions.list({"source": charge.id}).data
    assert (found.id, found.fee, found.net, found.fee_details[0].amount) == (first.id, 320, 9680, 320)
    assert sdk.v1.balance_transactions.retrieve(first.id).source == charge.id
    moved = sdk.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]}).balance_transaction
    assert (moved.id, moved.net) == (first.id, 9680)
    assert [one.amount for one in sdk.v1.balance_transactions.list({"currency": "eur"}).data] == [700]
    stranger = new_sdk(sdk.url, name="Ailleurs", prefix="AIL")
    assert [one.amount for one in stranger.v1.balance.retrieve().available] == [0]
    with pytest.raises(stripe.InvalidRequestError):
        stranger.v1.balance_transactions.retrieve(first.id)


def test_payouts_and_disputes_are_read(sdk: Sdk, charge: Any) -> None:
    common: dict[str, Any] = {"merchant_id": sdk.merchant.id, "gateway": "sandbox", "created": NOW, "recorded_at": NOW}
    payout = Payout.objects.create(
        gateway_payout_id="po_1", status="paid", amount=7680, currency="usd", arrival_date=NOW, **common
    )
    assert [one.id for one in sdk.v1.payouts.list({"status": "paid"}).data] == [payout.id]
    assert sdk.v1.payouts.retrieve(payout.id).amount == 7680
    dispute = Dispute.objects.create(
        charge_id=charge.id,
        payment_intent_id=charge.payment_intent,
        gateway_dispute_id="du_1",
        status="needs_response",
        reason="fraudulent",
        amount=2500,
        currency="usd",
        **common,
    )
    assert [one.id for one in sdk.v1.disputes.list({"charge": charge.id}).data] == [dispute.id]
    assert sdk.v1.disputes.retrieve(dispute.id).status == "needs_response"
    assert [one.id for one in sdk.v1.charges.search({"query": 'disputed:"true"'}).data] == [charge.id]
