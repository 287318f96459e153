"""The official SDK moves a test clock: renewals, a card that fails and recovers, a preview that is what comes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import stripe

from tests.api.sdk import Sdk


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def test_three_months_renew_three_times(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 31))
    customer = sdk.customer(clock.id)
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(1000).id}]})
    sdk.advance(clock.id, at(2024, 5, 1, 3))
    starts = [one.lines.data[0].period.start for one in sdk.invoices(subscription=subscription.id)]
    assert starts == [at(2024, 1, 31), at(2024, 2, 29), at(2024, 3, 31), at(2024, 4, 30)]
    assert {one.status for one in sdk.invoices(subscription=subscription.id)} == {"paid"}
    renewed = sdk.v1.subscriptions.retrieve(subscription.id)
    assert renewed["items"].data[0].current_period_start == at(2024, 4, 30)
    assert [one.id for one in sdk.v1.subscriptions.list({"test_clock": clock.id}).data] == [subscription.id]


def test_a_renewal_waits_an_hour_as_a_draft(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    subscription = sdk.v1.subscriptions.create(
        {"customer": sdk.customer(clock.id).id, "items": [{"price": sdk.price().id}]}
    )
    sdk.advance(clock.id, at(2024, 2, 1))
    latest = sdk.invoices(subscription=subscription.id)[-1]
    assert (latest.status, latest.automatically_finalizes_at) == ("draft", at(2024, 2, 1, 1))
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    assert sdk.v1.invoices.retrieve(latest.id).status == "paid"


def test_a_card_that_fails_makes_it_past_due_and_a_new_one_recovers(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id)
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price().id}]})
    bad = sdk.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": bad.id}})
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    failed = sdk.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert (failed.status, failed.latest_invoice.status, failed.latest_invoice.attempt_count) == ("past_due", "open", 1)
    assert failed.latest_invoice.next_payment_attempt > at(2024, 2, 1, 2)
    with pytest.raises(stripe.CardError) as declined:
        sdk.v1.invoices.pay(failed.latest_invoice.id)
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    good = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    paid = sdk.v1.invoices.pay(failed.latest_invoice.id, {"payment_method": good.id})
    assert paid.status == "paid"
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "active"
    kinds = [one.type for one in sdk.v1.events.list({"type": "invoice.*", "limit": 100}).data]
    assert {"invoice.payment_failed", "invoice.paid"} <= set(kinds)


def test_the_preview_of_a_change_is_what_the_change_bills(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    subscription = sdk.v1.subscriptions.create(
        {"customer": sdk.customer(clock.id).id, "items": [{"price": sdk.price(1000).id}]}
    )
    sdk.advance(clock.id, at(2024, 4, 11))
    change = {
        "items": [{"id": subscription["items"].data[0].id, "price": sdk.price(2000).id}],
        "proration_behavior": "always_invoice",
        "proration_date": at(2024, 4, 11),
    }
    preview = sdk.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": change})
    assert [line.amount for line in preview.lines.data] == [-667, 1333]
    changed = sdk.v1.subscriptions.update(subscription.id, {**change, "expand": ["latest_invoice"]})
    billed = changed.latest_invoice
    assert [line.amount for line in billed.lines.data] == [-667, 1333]
    assert (preview.total, preview.amount_due) == (billed.total, billed.amount_due) == (666, 666)
    assert all(line.parent.subscription_item_details.proration for line in billed.lines.data)


def test_the_next_invoice_can_be_seen_before_it_comes(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    subscription = sdk.v1.subscriptions.create(
        {"customer": sdk.customer(clock.id).id, "items": [{"price": sdk.price(700).id, "quantity": 3}]}
    )
    preview = sdk.v1.invoices.create_preview({"subscription": subscription.id})
    assert (preview.amount_due, preview.status, preview.number) == (2100, "draft", None)
    assert preview.lines.data[0].period.start == at(2024, 2, 1)
    unsigned = sdk.v1.invoices.create_preview(
        {"customer": subscription.customer, "subscription_details": {"items": [{"price": sdk.price(900).id}]}}
    )
    assert unsigned.total == 900


def test_deleting_a_clock_deletes_its_customers(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id)
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price().id}]})
    assert sdk.v1.test_helpers.test_clocks.delete(clock.id).deleted
    assert sdk.v1.customers.retrieve(customer.id).deleted
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as gone:
        sdk.v1.test_helpers.test_clocks.retrieve(clock.id)
    assert gone.value.http_status == 404


def test_usage_in_tiers_is_billed_when_its_month_is_over(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id)
    meter = sdk.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    price = sdk.v1.prices.create(
        {
            "product_data": {"name": "Calls"},
            "currency": "usd",
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [{"up_to": 5, "unit_amount": 700}, {"up_to": "inf", "unit_amount": 650}],
        }
    )
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    for day, value in [(5, 4), (20, 2)]:
        sdk.advance(clock.id, at(2024, 1, day))
        sdk.v1.billing.meter_events.create(
            {"event_name": "calls", "payload": {"stripe_customer_id": customer.id, "value": str(value)}}
        )
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    latest = sdk.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]}).latest_invoice
    assert (latest.status, latest.total) == ("paid", 5 * 700 + 650)


def test_a_trial_ends_without_a_card_and_pauses_until_resumed(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id, card="")
    subscription = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": sdk.price().id}],
            "trial_period_days": 14,
            "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
        }
    )
    assert (subscription.status, subscription.trial_end) == ("trialing", at(2024, 1, 15))
    sdk.advance(clock.id, at(2024, 1, 20))
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "paused"
    card = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card.id}})
    assert sdk.v1.subscriptions.resume(subscription.id, {"billing_cycle_anchor": "now"}).status == "active"
    kinds = {one.type for one in sdk.v1.events.list({"type": "customer.subscription.*", "limit": 50}).data}
    assert {"customer.subscription.trial_will_end", "customer.subscription.paused"} <= kinds


def test_a_schedule_downgrades_at_its_phase(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    high, low = sdk.price(2000), sdk.price(1000)
    schedule = sdk.v1.subscription_schedules.create(
        {
            "customer": sdk.customer(clock.id).id,
            "start_date": "now",
            "end_behavior": "release",
            "phases": [
                {"items": [{"price": high.id}], "duration": {"interval": "month", "interval_count": 2}},
                {"items": [{"price": low.id, "quantity": 2}], "duration": {"interval": "month"}},
            ],
        }
    )
    assert (schedule.status, schedule.current_phase.end_date) == ("active", at(2024, 3, 1))
    sdk.advance(clock.id, at(2024, 4, 2))
    totals = [one.total for one in sdk.invoices(subscription=schedule.subscription)]
    assert totals == [2000, 2000, 2000, 2000]
    after = sdk.v1.subscriptions.retrieve(schedule.subscription)
    assert [(item.price.id, item.quantity) for item in after["items"].data] == [(low.id, 2)]
    assert sdk.v1.subscription_schedules.retrieve(schedule.id).status in ("completed", "released")


def test_a_running_subscription_is_put_on_a_schedule(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    high, low = sdk.price(2000), sdk.price(1000)
    subscription = sdk.v1.subscriptions.create({"customer": sdk.customer(clock.id).id, "items": [{"price": high.id}]})
    schedule = sdk.v1.subscription_schedules.create({"from_subscription": subscription.id})
    current = schedule.phases[0]
    sdk.v1.subscription_schedules.update(
        schedule.id,
        {
            "end_behavior": "cancel",
            "phases": [
                {"items": [{"price": high.id}], "start_date": current.start_date, "end_date": current.end_date},
                {"items": [{"price": low.id}], "iterations": 1},
            ],
        },
    )
    assert sdk.v1.subscriptions.retrieve(subscription.id, {"expand": ["schedule"]}).schedule.id == schedule.id
    sdk.advance(clock.id, at(2024, 3, 2))
    assert [one.total for one in sdk.invoices(subscription=subscription.id)] == [2000, 1000]
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_a_credit_grant_pays_for_usage(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    customer = sdk.customer(clock.id)
    meter = sdk.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    price = sdk.price(
        100,
        product=sdk.v1.products.create({"name": "Calls"}).id,
        recurring={"interval": "month", "usage_type": "metered", "meter": meter.id},
    )
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    grant = sdk.v1.billing.credit_grants.create(
        {
            "customer": customer.id,
            "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 300}},
            "applicability_config": {"scope": {"price_type": "metered"}},
            "category": "promotional",
        }
    )
    sdk.advance(clock.id, at(2024, 1, 10))
    event = {"event_name": "calls", "payload": {"stripe_customer_id": customer.id, "value": "5"}}
    sdk.v1.billing.meter_events.create(event)
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    latest = sdk.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]}).latest_invoice
    assert (latest.status, latest.total) == ("paid", 200)
    wanted = {"type": "applicability_scope", "applicability_scope": {"price_type": "metered"}}
    summary = sdk.v1.billing.credit_balance_summary.retrieve({"customer": customer.id, "filter": wanted})
    assert [one.available_balance.monetary.value for one in summary.balances] in ([], [0])
    entries = sdk.v1.billing.credit_balance_transactions.list({"customer": customer.id}).data
    assert [one.type for one in entries] == ["debit", "credit"]
    assert entries[0].debit.amount.monetary.value == 300
    assert sdk.v1.billing.credit_grants.retrieve(grant.id).category == "promotional"
