"""What happens between the moments of a test clock: usage that reaches a threshold, a change that waits to be paid."""

from __future__ import annotations

from tests.api.sdk import Sdk

JAN_1, JAN_9, JAN_10, JAN_11, FEB_1 = 1704067200, 1704758400, 1704844800, 1704931200, 1706745600
HOUR = 3600


def test_usage_that_reaches_its_threshold_is_billed_when_the_clock_goes_on(sdk: Sdk) -> None:
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id)
    meter = sdk.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    price = sdk.price(100, recurring={"interval": "month", "usage_type": "metered", "meter": meter.id})
    sdk.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "billing_thresholds": {"amount_gte": 5000}}
    )

    def use(units: int, at: int) -> None:
        payload = {"value": str(units), "stripe_customer_id": customer.id}
        sdk.v1.billing.meter_events.create({"event_name": "calls", "payload": payload, "timestamp": at})

    sdk.advance(clock.id, JAN_10)
    use(60, JAN_9)
    # Nothing else is due until 1 February.
    sdk.advance(clock.id, JAN_11)
    [early] = sdk.invoices(customer=customer.id)
    assert (early.total, early.billing_reason) == (6000, "subscription_threshold")
    use(10, JAN_11)
    sdk.advance(clock.id, FEB_1 + 2 * HOUR)
    assert [one.total for one in sdk.invoices(customer=customer.id)] == [6000, 1000]


def test_a_change_that_waits_shows_whole_items(sdk: Sdk) -> None:
    customer = sdk.customer()
    cheap, dear = sdk.price(1000), sdk.price(5000)
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": cheap.id}]})
    refusing = sdk.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": refusing.id}})
    item = subscription["items"].data[0]
    waiting = sdk.v1.subscriptions.update(
        subscription.id,
        {
            "items": [{"id": item.id, "price": dear.id}],
            "payment_behavior": "pending_if_incomplete",
            "proration_behavior": "always_invoice",
        },
    )
    [to_be] = waiting.pending_update.subscription_items
    assert (to_be.id, to_be.object, to_be.price.unit_amount) == (item.id, "subscription_item", 5000)
    assert waiting["items"].data[0].price.unit_amount == 1000
    sdk.v1.invoices.pay(waiting.latest_invoice, {"payment_method": "pm_card_visa"})
    changed = sdk.v1.subscriptions.retrieve(subscription.id)
    assert (changed.pending_update, changed["items"].data[0].price.unit_amount) == (None, 5000)


def test_clocks_are_listed_the_latest_made_first(sdk: Sdk) -> None:
    made = [sdk.clock(at).id for at in (FEB_1, JAN_1, JAN_9)]
    listed = sdk.v1.test_helpers.test_clocks.list({"limit": 2})
    assert [one.id for one in listed.data] == [made[2], made[1]]
    rest = sdk.v1.test_helpers.test_clocks.list({"starting_after": made[1]})
    assert [one.id for one in rest.data] == [made[0]]


def test_usage_keeps_its_price_also_when_both_are_told_while_the_clock_stands(sdk: Sdk) -> None:
    clock = sdk.clock(JAN_1)
    customer = sdk.customer(clock.id)
    meter = sdk.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    metered = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    cheap, dear, dearest = (sdk.price(amount, recurring=metered) for amount in (10, 20, 40))
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": cheap.id}]})
    item = subscription["items"].data[0].id

    def use(units: int) -> None:
        payload = {"value": str(units), "stripe_customer_id": customer.id}
        sdk.v1.billing.meter_events.create({"event_name": "calls", "payload": payload, "timestamp": JAN_9})

    sdk.advance(clock.id, JAN_10)
    use(5)
    sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": dear.id}]})
    use(7)
    sdk.advance(clock.id, JAN_11)
    use(1)
    sdk.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "price": dearest.id}]})
    use(2)
    sdk.advance(clock.id, FEB_1 + 2 * HOUR)
    [renewal] = [one for one in sdk.invoices(customer=customer.id) if one.billing_reason == "subscription_cycle"]
    assert sorted(line.amount for line in renewal.lines.data) == [5 * 10, 2 * 40, (7 + 1) * 20]
