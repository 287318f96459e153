"""SEMANTICS, Prices: each sentence driven by the official SDK on test clocks. All amounts in cents."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.metering import at, metered, user
from tests.api.sdk import Sdk

JAN_1, JAN_10, FEB_1, MARCH_1 = (at(2024, *day) for day in ((1, 1), (1, 10), (2, 1), (3, 1)))
HOUR = 3600
TIERS = [{"up_to": 5, "unit_amount": 700}, {"up_to": 10, "unit_amount": 650}, {"up_to": "inf", "unit_amount": 600}]
FLAT = [{"up_to": 10, "unit_amount": 50, "flat_amount": 900}, {"up_to": "inf", "unit_amount": 20, "flat_amount": 100}]


def billed(sdk: Sdk, quantity: int, **price: Any) -> int:
    """What the first invoice of `quantity` comes to."""
    plan = {"currency": "usd", "product_data": {"name": "Plan"}, "recurring": {"interval": "month"}, **price}
    made = sdk.v1.prices.create(plan)
    items = [{"price": made.id, "quantity": quantity}]
    return sdk.v1.invoices.create_preview(
        {"customer": sdk.customer().id, "subscription_details": {"items": items}}
    ).total


def test_tiers_cost_what_semantics_says(sdk: Sdk) -> None:
    volume = {"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": TIERS}
    graduated = {**volume, "tiers_mode": "graduated"}
    assert [billed(sdk, n, **volume) for n in (1, 5, 6)] == [700, 3500, 3900]
    assert [billed(sdk, n, **graduated) for n in (1, 5, 6)] == [700, 3500, 4150]


def test_flat_amounts_are_paid_by_each_tier_that_is_used_and_by_none_at_all(sdk: Sdk) -> None:
    graduated = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": FLAT}
    # 0: 900. 10: 900 + 500. 12: 900 + 500 + 100 + 40.
    assert [billed(sdk, n, **graduated) for n in (0, 10, 12)] == [900, 1400, 1540]
    volume = {**graduated, "tiers_mode": "volume"}
    assert [billed(sdk, n, **volume) for n in (0, 10, 12)] == [900, 1400, 100 + 240]


def test_packages_are_counted_up_or_down(sdk: Sdk) -> None:
    up = {"unit_amount": 1000, "transform_quantity": {"divide_by": 5, "round": "up"}}
    down = {"unit_amount": 1000, "transform_quantity": {"divide_by": 5, "round": "down"}}
    assert [billed(sdk, n, **up) for n in (1, 5, 6)] == [1000, 1000, 2000]
    assert [billed(sdk, n, **down) for n in (4, 5, 9, 10)] == [0, 1000, 1000, 2000]


def test_an_amount_is_multiplied_first_and_rounded_once_half_away_from_zero(sdk: Sdk) -> None:
    half = {"unit_amount_decimal": "0.5"}
    assert [billed(sdk, n, **half) for n in (1, 2, 3)] == [1, 1, 2]
    assert billed(sdk, 1_000_000, unit_amount_decimal="0.000000499999") == 0  # 0.499999
    assert billed(sdk, 1_000_000, unit_amount_decimal="0.000000500000") == 1


def test_a_licensed_price_is_paid_in_advance_and_a_metered_one_in_arrears(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(sdk.price(1000), metered(sdk))
    assert ada.totals() == [1000]
    ada.use(7)
    ada.advance(FEB_1 + 2 * HOUR)
    invoice = sdk.invoices(customer=ada.customer)[-1]
    assert {(line.amount, line.period.start, line.period.end) for line in invoice.lines.data} == {
        (1000, FEB_1, MARCH_1),
        (70, JAN_1, FEB_1),
    }


@pytest.mark.parametrize(("formula", "total"), [("sum", 14), ("count", 3), ("last", 2), ("max", 7), ("unique", 3)])
def test_a_meter_makes_of_its_events_what_its_formula_says(sdk: Sdk, formula: str, total: int) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk, formula, unit_amount=1))
    for number, value in enumerate((5, 7, 2)):
        ada.advance(JAN_10 + number * HOUR)
        ada.use(value)
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.lines() == [(total, total)]


def test_mixed_intervals_are_multiples_of_the_shortest_and_have_periods_of_their_own(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    quarterly = {"interval": "month", "interval_count": 3}
    ada.subscribe(sdk.price(100), sdk.price(250, recurring=quarterly), sdk.price(900, "year"))
    ends = {item.price.unit_amount: item.current_period_end for item in ada.items()}
    assert ends == {100: FEB_1, 250: at(2024, 4, 1), 900: at(2025, 1, 1)}
    ada.advance(at(2024, 4, 1, 2))
    assert ada.totals() == [1250, 100, 100, 350]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        ada.subscribe(
            sdk.price(1, recurring={"interval": "month", "interval_count": 2}), sdk.price(2, recurring=quarterly)
        )
    assert refused.value.code == "price_interval_not_multiple"


def test_a_subscription_has_one_currency_and_a_price_may_have_several(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    with pytest.raises(stripe.InvalidRequestError) as mixed:
        ada.subscribe(sdk.price(100), sdk.price(100, currency="eur"))
    assert mixed.value.code == "currency_mismatch"
    both = sdk.price(1000, currency_options={"eur": {"unit_amount": 900}})
    ada.subscribe(both, currency="eur")
    assert (ada.totals(), sdk.invoices(customer=ada.customer)[0].currency) == ([900], "eur")


def test_a_one_time_price_is_sold_beside_a_subscription(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(sdk.price(1000), add_invoice_items=[{"price": sdk.price(300, "").id, "quantity": 2}])
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [1600, 1000]


def test_a_minimum_is_topped_up_and_a_percentage_is_taken_of_an_amount(sdk: Sdk) -> None:
    """Both ours: sent as further parameters."""
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk, minimum_amount=1000), metered(sdk, event="sales", percentage="2.9"))
    ada.use(5)
    ada.use(10_050, event="sales")
    ada.advance(FEB_1 + 2 * HOUR)
    assert sorted(amount for _, amount in ada.lines()) == [291, 1000]  # 291.45


def test_usage_of_a_trial_is_free(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk), trial_period_days=9)
    ada.use(500)
    ada.advance(JAN_10 + HOUR)
    ada.use(7)
    ada.advance(at(2024, 2, 10, 2))
    assert ada.totals() == [0, 70]


def test_a_metered_item_that_is_added_in_the_middle_counts_from_then_on(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(sdk.price(1000))
    calls = metered(sdk)
    ada.use(100)
    ada.advance(JAN_10)
    ada.change(items=[{"price": calls.id}])
    ada.advance(at(2024, 1, 20))
    ada.use(5)
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [1000, 1050]


def test_a_subscription_that_is_backdated_counts_the_usage_since(sdk: Sdk) -> None:
    ada = user(sdk, at(2024, 1, 20))
    calls = metered(sdk)
    ada.use(5, JAN_10)
    ada.use(100, at(2023, 12, 31))  # before it
    ada.subscribe(calls, backdate_start_date=JAN_1)
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [50]


def test_a_lookup_key_moves_when_it_is_asked_to(sdk: Sdk) -> None:
    old = sdk.price(100, lookup_key="basic")
    with pytest.raises(stripe.InvalidRequestError) as taken:
        sdk.price(200, lookup_key="basic")
    assert taken.value.param == "lookup_key"
    new = sdk.price(200, lookup_key="basic", transfer_lookup_key=True)
    assert sdk.v1.prices.retrieve(old.id).lookup_key is None
    assert [one.id for one in sdk.v1.prices.list({"lookup_keys": ["basic"]}).data] == [new.id]
