"""Usage that is invoiced early, driven by the official SDK on test clocks."""

from __future__ import annotations

import pytest
import stripe

from tests.api.metering import at, metered, user
from tests.api.sdk import Sdk

JAN_1, JAN_10, JAN_11, FEB_1, MARCH_1 = (at(2024, *day) for day in ((1, 1), (1, 10), (1, 11), (2, 1), (3, 1)))
HOUR = 3600


@pytest.mark.parametrize("kind", ["amount", "usage"])
def test_what_reaches_its_threshold_is_invoiced_early_and_not_again(sdk: Sdk, kind: str) -> None:
    ada = user(sdk, JAN_1)
    price = metered(sdk)
    if kind == "amount":
        ada.subscribe(price, billing_thresholds={"amount_gte": 1000})
    else:
        ada.subscribe({"price": price.id, "billing_thresholds": {"usage_gte": 100}})
    ada.advance(JAN_10)
    ada.use(99)
    ada.advance(JAN_10 + HOUR)
    assert ada.totals() == []
    ada.use(1)
    ada.advance(JAN_11)
    [early] = sdk.invoices(customer=ada.customer)
    assert (early.billing_reason, early.status, early.total) == ("subscription_threshold", "paid", 1000)
    assert ada.items()[0].current_period_end == FEB_1  # the cycle stays
    ada.use(30)
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [1000, 300]
    ada.use(5, FEB_1 - HOUR)
    ada.advance(MARCH_1 + 2 * HOUR)
    assert ada.totals() == [1000, 300, 50]


@pytest.mark.parametrize("reset", [False, True])
def test_what_is_used_in_the_very_instant_of_the_beginning_counts_at_the_next_advance(sdk: Sdk, reset: bool) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk), billing_thresholds={"amount_gte": 1000, "reset_billing_cycle_anchor": reset})
    ada.use(100)
    ada.advance(JAN_10)
    [early] = sdk.invoices(customer=ada.customer)
    assert (early.billing_reason, early.total, early.status) == ("subscription_threshold", 1000, "paid")
    ada.advance(MARCH_1 + 2 * HOUR)
    assert sum(ada.totals()) == 1000


def test_a_threshold_is_set_changed_and_taken_away_by_update(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk))
    shown = ada.change(billing_thresholds={"amount_gte": 500, "reset_billing_cycle_anchor": True}).billing_thresholds
    assert (shown.amount_gte, shown.reset_billing_cycle_anchor) == (500, True)
    item = ada.items()[0].id
    assert (
        sdk.v1.subscription_items.update(item, {"billing_thresholds": {"usage_gte": 7}}).billing_thresholds.usage_gte
        == 7
    )
    assert sdk.v1.subscription_items.update(item, {"billing_thresholds": ""}).billing_thresholds is None
    assert ada.change(billing_thresholds="").billing_thresholds is None
    ada.use(1000)
    ada.advance(JAN_11)
    assert ada.totals() == []


def test_an_item_in_advance_has_no_threshold_of_usage(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    price = sdk.price(1000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        ada.subscribe({"price": price.id, "billing_thresholds": {"usage_gte": 5}})
    assert "usage_gte" in str(refused.value.param)
    with pytest.raises(stripe.InvalidRequestError) as negative:
        ada.subscribe(metered(sdk), billing_thresholds={"amount_gte": -5})
    assert negative.value.param == "billing_thresholds[amount_gte]"


def test_a_threshold_that_resets_the_anchor_begins_a_new_cycle(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    thresholds = {"amount_gte": 1000, "reset_billing_cycle_anchor": True}
    ada.subscribe(metered(sdk), billing_thresholds=thresholds)
    ada.advance(JAN_10)
    ada.use(120)
    ada.advance(JAN_11)
    assert ada.totals() == [1200]
    found = sdk.v1.subscriptions.retrieve(ada.subscription.id)
    assert found.billing_cycle_anchor == found["items"].data[0].current_period_start
    assert found.billing_cycle_anchor == JAN_10 + 1  # the second after the usage that reached it
    assert sdk.invoices(customer=ada.customer)[0].billing_reason == "subscription_threshold"
    ada.use(3)
    ada.advance(at(2024, 2, 12))
    assert ada.totals() == [1200, 30]


def test_what_is_pending_goes_on_the_early_invoice_too(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk), billing_thresholds={"amount_gte": 1000})
    ada.advance(JAN_10)
    sdk.v1.invoice_items.create(
        {"customer": ada.customer, "subscription": ada.subscription.id, "amount": 77, "currency": "usd"}
    )
    ada.use(100)
    ada.advance(JAN_11)
    assert ada.totals() == [1077]


def test_a_threshold_late_usage_and_a_new_price_in_one_period_bill_each_unit_once(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk), billing_thresholds={"amount_gte": 1000})
    ada.advance(JAN_10)
    ada.use(100)  # 1000 early, at 10
    ada.advance(JAN_11)
    ada.use(20)  # 200 at 10, with the period
    dearer = metered(sdk, unit_amount=20)
    ada.change(items=[{"id": ada.items()[0].id, "price": dearer.id}])
    ada.advance(at(2024, 1, 20))
    ada.use(7)  # 140 at 20
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [1000, 340]
    ada.use(2, FEB_1 - HOUR)  # 40 at 20, in force when January was billed
    ada.advance(MARCH_1 + 2 * HOUR)
    assert ada.totals() == [1000, 340, 40]
