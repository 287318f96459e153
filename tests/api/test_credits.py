"""Credit grants and the balance over HTTP: previews say what finalization does, and nothing expires silently."""

from __future__ import annotations

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_sdk_clocks import at


def grant(sdk: Sdk, customer: str, value: int, **fields):
    return sdk.v1.billing.credit_grants.create(
        {
            "customer": customer,
            "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": value}},
            "applicability_config": {"scope": {"price_type": "metered"}},
            "category": "promotional",
            **fields,
        }
    )


def metered(sdk: Sdk, customer: str, **fields):
    meter = sdk.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    price = sdk.price(10, recurring={"interval": "month", "usage_type": "metered", "meter": meter.id})
    return sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": price.id}], **fields})


def used(sdk: Sdk, customer: str, value: int, moment: int) -> None:
    payload = {"stripe_customer_id": customer, "value": str(value)}
    sdk.v1.billing.meter_events.create({"event_name": "calls", "payload": payload, "timestamp": moment})


def ledger(sdk: Sdk, customer: str) -> list[tuple[str, str, int]]:
    entries = sdk.v1.billing.credit_balance_transactions.list({"customer": customer}).data
    return [
        (one.type, (one.credit or one.debit).type, (one.credit or one.debit).amount.monetary.value)
        for one in reversed(entries)
    ]


def test_the_preview_of_a_renewal_spends_grants_and_balance_as_its_finalization_does(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id, balance=-300).id
    rate = sdk.v1.tax_rates.create({"display_name": "Tax", "percentage": 10, "inclusive": False}).id
    subscription = metered(sdk, customer, default_tax_rates=[rate])
    grant(sdk, customer, 400)
    sdk.advance(clock.id, at(2024, 1, 15))
    used(sdk, customer, 100, at(2024, 1, 14))
    preview = sdk.v1.invoices.create_preview({"subscription": subscription.id})
    # 100 * 10 - 400 of the grant = 600; 10 % on that: 660; 300 of the balance: 360.
    figures = (1000, 660, -300, 0, 360)
    told = ("subtotal", "total", "starting_balance", "ending_balance", "amount_due")
    assert tuple(preview[name] for name in told) == figures
    assert [one.amount for one in preview.total_pretax_credit_amounts] == [400]
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    billed = sdk.invoices(subscription=subscription.id)[-1]
    assert tuple(billed[name] for name in told) == figures
    [credit] = billed.lines.data[0].pretax_credit_amounts
    entry = sdk.v1.billing.credit_balance_transactions.retrieve(credit.credit_balance_transaction)
    assert (entry.debit.type, entry.debit.amount.monetary.value) == ("credits_applied", 400)
    assert (entry.debit.credits_applied.invoice, entry.credit_grant) == (
        billed.id,
        sdk.v1.billing.credit_grants.list({"customer": customer}).data[0].id,
    )


def test_what_is_left_at_the_expiry_is_written_off_at_that_very_moment(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id).id
    made = grant(sdk, customer, 500, expires_at=at(2024, 1, 20), metadata={"a": "1"})
    sdk.advance(clock.id, at(2024, 1, 25))
    assert ledger(sdk, customer) == [("credit", "credits_granted", 500), ("debit", "credits_expired", 500)]
    [expired] = sdk.v1.billing.credit_balance_transactions.list({"customer": customer, "limit": 1}).data
    assert expired.effective_at == at(2024, 1, 20)
    [balance] = sdk.v1.billing.credit_balance_summary.retrieve(
        {"customer": customer, "filter": {"type": "credit_grant", "credit_grant": made.id}}
    ).balances
    assert (balance.available_balance.monetary.value, balance.ledger_balance.monetary.value) == (0, 0)
    told = sdk.v1.events.list({"type": "billing.credit_grant.updated"}).data
    assert [one.data.object.id for one in told] == [made.id]
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.billing.credit_grants.void_grant(made.id)


def test_a_grant_is_given_another_expiry_or_none(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id).id
    made = grant(sdk, customer, 500, expires_at=at(2024, 1, 20), metadata={"a": "1"})
    later = sdk.v1.billing.credit_grants.update(made.id, {"expires_at": at(2024, 2, 20), "metadata": {"b": "2"}})
    assert (later.expires_at, dict(later.metadata)) == (at(2024, 2, 20), {"a": "1", "b": "2"})
    sdk.advance(clock.id, at(2024, 2, 1))
    assert ledger(sdk, customer) == [("credit", "credits_granted", 500)]
    assert sdk.v1.billing.credit_grants.update(made.id, {"expires_at": ""}).expires_at is None
    with pytest.raises(stripe.InvalidRequestError) as past:
        sdk.v1.billing.credit_grants.update(made.id, {"expires_at": at(2024, 1, 1)})
    assert past.value.param == "expires_at"
    assert sdk.v1.billing.credit_grants.expire(made.id).expires_at == at(2024, 2, 1)
    assert ledger(sdk, customer)[-1] == ("debit", "credits_expired", 500)


def test_a_voided_first_invoice_ends_the_subscription_that_never_began(sdk: Sdk) -> None:
    customer = sdk.customer(card="pm_card_chargeCustomerFail").id
    subscription = sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": sdk.price().id}]})
    assert subscription.status == "incomplete"
    assert sdk.v1.invoices.void_invoice(subscription.latest_invoice).status == "void"
    ended = sdk.v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at is not None) == ("incomplete_expired", True)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.invoices.pay(subscription.latest_invoice)
