"""SEMANTICS, Usage: each sentence driven by the official SDK on test clocks."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.metering import at, metered, user
from tests.api.sdk import Sdk

JAN_1, JAN_10, JAN_20, FEB_1, MARCH_1 = (at(2024, *day) for day in ((1, 1), (1, 10), (1, 20), (2, 1), (3, 1)))
HOUR = 3600


def refusal(make: Any) -> Any:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        make()
    assert refused.value.http_status == 400
    return refused.value


def test_usage_within_the_hour_of_grace_counts_for_the_closed_period(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk))
    ada.advance(JAN_10)
    ada.use(5)
    ada.advance(FEB_1)
    assert (ada.totals(), ada.lines()) == ([50], [(5, 50)])
    ada.advance(FEB_1 + HOUR // 2)
    ada.use(3, FEB_1 - HOUR)
    ada.use(100)  # of February
    ada.advance(FEB_1 + HOUR)
    assert (ada.totals(), ada.lines()) == ([80], [(8, 80)])
    assert sdk.invoices(customer=ada.customer)[0].status == "paid"


def test_usage_after_the_grace_is_an_adjustment_on_the_next_invoice(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk))
    ada.use(5)
    ada.advance(FEB_1 + 2 * HOUR)
    ada.use(4, FEB_1 - HOUR)
    ada.use(1)
    ada.advance(MARCH_1 + 2 * HOUR)
    assert ada.totals() == [50, 10 + 40]
    ada.advance(at(2024, 4, 1, 2))
    assert ada.totals() == [50, 50, 0]


def test_late_usage_costs_what_its_period_was_billed_at_not_the_last_price(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk))
    ada.use(5)
    ada.advance(FEB_1 + 2 * HOUR)
    dearer = metered(sdk, unit_amount=100)
    ada.change(items=[{"id": ada.items()[0].id, "price": dearer.id}])
    ada.use(4, FEB_1 - HOUR)  # 4 x 10, for January was billed at 10
    ada.use(1)  # 1 x 100
    ada.advance(MARCH_1 + 2 * HOUR)
    assert ada.totals() == [50, 140]


def test_late_usage_that_crosses_a_volume_tier_reprices_its_whole_period(sdk: Sdk) -> None:
    tiers = [{"up_to": 5, "unit_amount": 700}, {"up_to": 10, "unit_amount": 650}, {"up_to": "inf", "unit_amount": 600}]
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk, billing_scheme="tiered", tiers_mode="volume", tiers=tiers))
    ada.use(5)
    ada.advance(FEB_1 + 2 * HOUR)
    ada.use(1, FEB_1 - HOUR)
    ada.advance(MARCH_1 + 2 * HOUR)
    assert ada.totals() == [3500, 400]  # 6 x 650 = 3900, less 3500


def test_an_identifier_counts_once_whatever_its_timestamp(sdk: Sdk) -> None:
    ada = user(sdk, at(2024, 2, 10))
    ada.subscribe(metered(sdk))
    assert ada.use(5, identifier="one").identifier == "one"
    again = refusal(lambda: ada.use(5, at(2024, 1, 10), identifier="one"))
    assert (again.code, again.param) == ("duplicate_meter_event", "identifier")


@pytest.mark.parametrize(
    ("ahead", "counts"), [(-35 * 86400, True), (-35 * 86400 - 1, False), (300, True), (301, False)]
)
def test_an_event_is_at_most_35_days_old_and_5_minutes_ahead(sdk: Sdk, ahead: int, counts: bool) -> None:
    metered(sdk)
    ada = user(sdk, at(2024, 2, 10))
    if counts:
        assert ada.use(1, at(2024, 2, 10) + ahead).timestamp == at(2024, 2, 10) + ahead
    else:
        assert refusal(lambda: ada.use(1, at(2024, 2, 10) + ahead)).param == "timestamp"


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("nothing", {"stripe_customer_id": "{customer}", "value": "1"}, "no_meter"),
        ("calls", {"value": "1"}, "meter_event_no_customer_defined"),
        ("calls", {"customer": "{customer}", "value": "1"}, "meter_event_no_customer_defined"),
        ("calls", {"stripe_customer_id": "cus_none", "value": "1"}, "meter_event_customer_not_found"),
        ("calls", {"stripe_customer_id": "{customer}"}, "meter_event_value_not_found"),
        ("calls", {"stripe_customer_id": "{customer}", "amount": "1"}, "meter_event_value_not_found"),
        ("calls", {"stripe_customer_id": "{customer}", "value": "NaN"}, "meter_event_invalid_value"),
        ("calls", {"stripe_customer_id": "{customer}", "value": "Infinity"}, "meter_event_invalid_value"),
        ("calls", {"stripe_customer_id": "{customer}", "value": "1e3"}, "meter_event_invalid_value"),
        ("calls", {"stripe_customer_id": "{customer}", "value": "9" * 20}, "meter_event_invalid_value"),
        ("calls", {"stripe_customer_id": "{customer}", "value": "x"}, "meter_event_invalid_value"),
    ],
)
def test_an_event_that_cannot_count_is_refused_by_name(
    sdk: Sdk, event: str, payload: dict[str, str], code: str
) -> None:
    metered(sdk)
    customer = sdk.customer().id
    filled = {key: value.replace("{customer}", customer) for key, value in payload.items()}
    told = refusal(lambda: sdk.v1.billing.meter_events.create({"event_name": event, "payload": filled}))
    assert told.code == code


def test_a_negative_event_takes_back_and_never_bills_below_nothing(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk))
    ada.use(5)
    ada.use(-2)
    ada.advance(FEB_1 + 2 * HOUR)
    ada.use(-9)
    ada.advance(MARCH_1 + 2 * HOUR)
    assert ada.totals() == [30, 0]


def test_an_event_of_a_meter_that_was_retired_is_refused_and_what_was_counted_is_billed(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk))
    ada.use(5)
    [meter] = sdk.v1.billing.meters.list({}).data
    assert sdk.v1.billing.meters.deactivate(meter.id).status == "inactive"
    assert refusal(lambda: ada.use(1)).code == "no_meter"
    retired = {"currency": "usd", "unit_amount": 1, "product_data": {"name": "X"}}
    retired["recurring"] = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    assert refusal(lambda: sdk.v1.prices.create(retired)).param == "recurring[meter]"
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [50]
    assert sdk.v1.billing.meters.reactivate(meter.id).status == "active"
    assert [one.id for one in sdk.v1.billing.meters.list({"status": "active"}).data] == [meter.id]


def test_an_event_that_is_canceled_counts_no_more_even_when_it_was_billed(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk))
    ada.advance(FEB_1 - HOUR)
    ada.use(5, identifier="kept")
    ada.use(7, identifier="wrong")
    cancel = {"event_name": "calls", "type": "cancel", "cancel": {"identifier": "wrong"}}
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [120]
    told = sdk.v1.billing.meter_event_adjustments.create(cancel)
    assert (told.object, told.status, told.cancel.identifier) == ("billing.meter_event_adjustment", "complete", "wrong")
    assert refusal(lambda: sdk.v1.billing.meter_event_adjustments.create(cancel)).code == "meter_event_already_canceled"
    unknown = {**cancel, "cancel": {"identifier": "none"}}
    assert refusal(lambda: sdk.v1.billing.meter_event_adjustments.create(unknown)).param == "cancel[identifier]"
    assert refusal(lambda: ada.use(7, identifier="wrong")).code == "duplicate_meter_event"
    ada.use(1)
    ada.advance(MARCH_1 + 2 * HOUR)
    assert ada.totals() == [120, 10 - 70]
    old = {**cancel, "cancel": {"identifier": "kept"}}
    assert refusal(lambda: sdk.v1.billing.meter_event_adjustments.create(old)).code == "meter_event_too_old_to_cancel"


@pytest.mark.parametrize(("formula", "counted"), [("sum", 14), ("count", 3), ("last", 2), ("max", 7)])
def test_summaries_add_up_by_hour_and_by_day_as_the_meter_does(sdk: Sdk, formula: str, counted: int) -> None:
    metered(sdk, formula)
    ada = user(sdk, at(2024, 1, 12))
    for value, when in ((5, at(2024, 1, 10, 1)), (7, at(2024, 1, 10, 1, 59)), (2, at(2024, 1, 11, 3))):
        ada.use(value, when)
    [meter] = sdk.v1.billing.meters.list({}).data
    window = {"customer": ada.customer, "start_time": JAN_10, "end_time": at(2024, 1, 12)}

    def summaries(**more: Any) -> list[tuple[int, int, float]]:
        found = sdk.v1.billing.meters.event_summaries.list(meter.id, {**window, **more}).auto_paging_iter()
        return [(one.start_time, one.end_time, one.aggregated_value) for one in found]

    of_day = {"sum": 12, "count": 2, "last": 7, "max": 7}[formula]
    later = {"sum": 2, "count": 1, "last": 2, "max": 2}[formula]
    assert summaries() == [(JAN_10, at(2024, 1, 12), counted)]
    assert summaries(value_grouping_window="day", limit=1) == [
        (at(2024, 1, 11), at(2024, 1, 12), later),
        (JAN_10, at(2024, 1, 11), of_day),
    ]
    assert summaries(value_grouping_window="hour") == [
        (at(2024, 1, 11, 3), at(2024, 1, 11, 4), later),
        (at(2024, 1, 10, 1), at(2024, 1, 10, 2), of_day),
    ]
    crooked = {**window, "start_time": JAN_10 + 60, "value_grouping_window": "hour"}
    assert refusal(lambda: sdk.v1.billing.meters.event_summaries.list(meter.id, crooked)).param == "start_time"


def test_a_meter_reads_the_keys_that_it_is_told_to(sdk: Sdk) -> None:
    made = sdk.v1.billing.meters.create(
        {
            "display_name": "Bytes",
            "event_name": "bytes",
            "default_aggregation": {"formula": "sum"},
            "customer_mapping": {"type": "by_id", "event_payload_key": "who"},
            "value_settings": {"event_payload_key": "how_many"},
            "event_time_window": "hour",
        }
    )
    assert (made.customer_mapping.event_payload_key, made.value_settings.event_payload_key) == ("who", "how_many")
    assert made.event_time_window == "hour"
    customer = sdk.customer().id
    payload = {"who": customer, "how_many": "2.5"}
    told = sdk.v1.billing.meter_events.create({"event_name": "bytes", "payload": payload})
    assert told.payload.to_dict() == payload
    same = {"display_name": "Again", "event_name": "bytes", "default_aggregation": {"formula": "sum"}}
    assert refusal(lambda: sdk.v1.billing.meters.create(same)).param == "event_name"
    assert sdk.v1.billing.meters.update(made.id, {"display_name": "Octets"}).display_name == "Octets"


def test_a_quantity_of_a_metered_price_is_refused_and_none_is_shown(sdk: Sdk) -> None:
    price = metered(sdk)
    ada = user(sdk, JAN_1)
    assert refusal(lambda: ada.subscribe({"price": price.id, "quantity": 2})).param == "items[0][quantity]"
    ada.subscribe(price)
    assert "quantity" not in ada.items()[0]
    item = ada.items()[0].id
    assert refusal(lambda: ada.change(items=[{"id": item, "quantity": 3}])).param == "items[0][quantity]"


@pytest.mark.parametrize("late", [False, True], ids=["drafted", "drafted anew in the grace"])
def test_at_a_phase_change_usage_takes_the_old_phases_discounts_on_the_one_invoice(sdk: Sdk, late: bool) -> None:
    flat, calls = sdk.price(1000), metered(sdk, unit_amount=100)
    half, fifth = (sdk.v1.coupons.create({"percent_off": off, "duration": "forever"}).id for off in (50, 20))
    ada = user(sdk, JAN_1)
    items = [{"price": flat.id}, {"price": calls.id}]
    schedule = sdk.v1.subscription_schedules.create(
        {
            "customer": ada.customer,
            "start_date": JAN_1,
            "end_behavior": "release",
            "phases": [
                {"items": items, "discounts": [{"coupon": half}], "end_date": FEB_1},
                {"items": items, "discounts": [{"coupon": fifth}], "end_date": at(2024, 4, 1)},
            ],
        }
    )
    ada.advance(JAN_10)
    assert sdk.v1.subscription_schedules.retrieve(schedule.id).subscription
    ada.use(10, JAN_10)
    ada.advance(FEB_1)
    if late:
        ada.use(2, FEB_1 - HOUR)
    ada.advance(FEB_1 + 2 * HOUR)
    usage = 600 if late else 500  # 10 (12) x 100, half of it off
    assert ada.totals() == [500, usage + 800]  # and 1000 less a fifth for February
    ada.advance(MARCH_1 + 2 * HOUR)
    assert ada.totals()[2:] == [800]


def test_usage_given_up_by_removing_its_item_without_prorations_is_told(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(sdk.price(1000), metered(sdk))
    calls = next(item for item in ada.items() if item.price.recurring.usage_type == "metered")
    ada.advance(JAN_10)
    ada.use(5)
    ada.change(items=[{"id": calls.id, "deleted": True}], proration_behavior="none")
    [told] = ada.discarded()
    assert (told["subscription_item"], told["usage"], told["amount"]) == (calls.id, "5", 50)
    ada.use(3, JAN_10 - HOUR)  # of its time, and after it
    assert [one["usage"] for one in ada.discarded()] == ["5", "3"]
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [1000, 1000]


def test_usage_reported_after_its_item_was_removed_goes_on_the_next_invoice(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(sdk.price(1000), metered(sdk))
    calls = next(item for item in ada.items() if item.price.recurring.usage_type == "metered")
    ada.advance(JAN_10)
    ada.use(5)
    ada.change(items=[{"id": calls.id, "deleted": True}])
    ada.use(3, JAN_10 - HOUR)
    ada.use(9, JAN_10 + 60)  # after its time: nobody counts it
    ada.advance(FEB_1 + 2 * HOUR)
    assert ada.totals() == [1000, 1000 + 50 + 30]
    assert ada.discarded() == []


def test_usage_of_an_immediate_cancel_and_what_comes_later_is_told(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk))
    ada.advance(JAN_10)
    ada.use(5)
    sdk.v1.subscriptions.cancel(ada.subscription.id)
    ada.use(2, JAN_10 - HOUR, identifier="late")
    assert [(one["usage"], one.get("identifiers")) for one in ada.discarded()] == [
        ("5", None),
        ("2", ["late"]),
    ]
    assert ada.totals() == []


def test_usage_reported_after_the_end_counts_in_the_grace_and_is_told_later(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk), cancel_at_period_end=True)
    ada.use(5)
    ada.advance(FEB_1)
    ada.use(2, FEB_1 - HOUR)  # the last invoice is still a draft
    ada.advance(FEB_1 + 2 * HOUR)
    assert (ada.totals(), ada.discarded()) == ([70], [])
    ada.use(4, FEB_1 - HOUR)
    assert [one["usage"] for one in ada.discarded()] == ["4"]


@pytest.mark.parametrize(
    ("end", "ended"),
    [({"cancel_at": JAN_20}, JAN_20), ({"cancel_at_period_end": True}, FEB_1)],
    ids=["at an instant", "at its period's end"],
)
def test_usage_in_the_very_instant_of_a_scheduled_end_counts(sdk: Sdk, end: dict[str, Any], ended: int) -> None:
    """5 and 2 at 10 cents before and at the instant; what is a second later has nobody to pay it."""
    ada = user(sdk, JAN_1)
    ada.subscribe(metered(sdk), **end)
    ada.use(5)
    ada.advance(ended - 60)
    ada.use(2, ended)
    ada.use(9, ended + 1)
    ada.advance(ended + 2 * HOUR)
    assert (ada.totals(), ada.lines()) == ([70], [(7, 70)])
    [line] = sdk.invoices(customer=ada.customer)[0].lines.data
    assert line.period.end == ended
    ada.use(1, ended)  # reported after the invoice: billed no more, and told
    ada.advance(ended + 30 * HOUR)
    assert sum(ada.totals()) == 70
