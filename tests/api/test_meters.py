"""Meters, uses and the prices that bill them, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def error(answer: dict) -> dict:
    return answer["error"]


def meter(caller: Caller, formula: str = "sum") -> dict:
    body = f"display_name=Calls&event_name=calls&default_aggregation[formula]={formula}"
    return caller("POST", "/v1/billing/meters", body)


def use(caller: Caller, customer: str, value: str = "5", **more: str) -> dict:
    extra = "".join(f"&{name}={text}" for name, text in more.items())
    body = f"event_name=calls&payload[stripe_customer_id]={customer}&payload[value]={value}{extra}"
    return caller("POST", "/v1/billing/meter_events", body)


def test_a_meter_is_made_named_anew_and_retired(caller: Caller) -> None:
    made = meter(caller)
    assert (made["object"], made["status"], made["event_name"]) == ("billing.meter", "active", "calls")
    assert caller("POST", f"/v1/billing/meters/{made['id']}", "display_name=API")["display_name"] == "API"
    assert caller("POST", f"/v1/billing/meters/{made['id']}/deactivate")["status"] == "inactive"
    assert caller("GET", "/v1/billing/meters", "status=active")["data"] == []
    assert caller("POST", f"/v1/billing/meters/{made['id']}/reactivate")["status"] == "active"


def test_uses_are_counted_once_per_identifier(caller: Caller) -> None:
    made = meter(caller)
    customer = caller("POST", "/v1/customers")["id"]
    told = use(caller, customer, identifier="once")
    assert (told["object"], told["identifier"], told["payload"]["value"]) == ("billing.meter_event", "once", "5")
    again = error(use(caller, customer, identifier="once"))
    assert (caller.last.status_code, again["code"]) == (400, "duplicate_meter_event")
    use(caller, customer, value="7")
    start = told["timestamp"] - told["timestamp"] % 86400
    window = f"customer={customer}&start_time={start}&end_time={start + 86400}"
    [summary] = caller("GET", f"/v1/billing/meters/{made['id']}/event_summaries", window)["data"]
    assert (summary["object"], summary["aggregated_value"]) == ("billing.meter_event_summary", 12)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("event_name=nothing&payload[stripe_customer_id]={customer}&payload[value]=1", "no_meter"),
        ("event_name=calls&payload[value]=1", "meter_event_no_customer_defined"),
        ("event_name=calls&payload[stripe_customer_id]=cus_x&payload[value]=1", "meter_event_customer_not_found"),
        ("event_name=calls&payload[stripe_customer_id]={customer}&payload[value]=x", "meter_event_invalid_value"),
        (
            "event_name=calls&payload[stripe_customer_id]={customer}&payload[value]=1&timestamp=9999999999",
            "timestamp_in_future",
        ),
    ],
)
def test_a_use_that_cannot_count_is_refused_by_name(caller: Caller, body: str, code: str) -> None:
    meter(caller)
    customer = caller("POST", "/v1/customers")["id"]
    answer = error(caller("POST", "/v1/billing/meter_events", body.format(customer=customer)))
    assert (caller.last.status_code, answer["code"]) == (400, code)


def test_another_merchants_meter_is_not_there(caller: Caller, another: Callable[[], Caller]) -> None:
    theirs = meter(another())
    assert error(caller("GET", f"/v1/billing/meters/{theirs['id']}"))["code"] == "resource_missing"
    body = "product_data[name]=X&currency=cad&unit_amount=1&recurring[interval]=month&recurring[usage_type]=metered"
    answer = error(caller("POST", "/v1/prices", f"{body}&recurring[meter]={theirs['id']}"))
    assert answer["type"] == "invalid_request_error"


def test_a_tiered_price_shows_its_tiers(caller: Caller) -> None:
    body = (
        "product_data[name]=X&currency=cad&recurring[interval]=month&billing_scheme=tiered&tiers_mode=volume"
        "&tiers[0][up_to]=5&tiers[0][unit_amount]=700&tiers[1][up_to]=inf&tiers[1][unit_amount]=650"
        "&tiers[1][flat_amount]=100&expand[]=tiers"
    )
    made = caller("POST", "/v1/prices", body)
    assert (made["billing_scheme"], made["tiers_mode"], made["unit_amount"]) == ("tiered", "volume", None)
    assert [(one["up_to"], one["unit_amount"], one["flat_amount"]) for one in made["tiers"]] == [
        (5, 700, None),
        (None, 650, 100),
    ]
    gap = caller("POST", "/v1/prices", body.replace("tiers[0][up_to]=5", "tiers[0][up_to]=inf"))
    assert error(gap)["type"] == "invalid_request_error"


def test_a_lookup_key_moves_to_a_new_price(caller: Caller) -> None:
    body = "product_data[name]=X&currency=cad&unit_amount=100&lookup_key=basic"
    old = caller("POST", "/v1/prices", body)
    assert error(caller("POST", "/v1/prices", body))["type"] == "invalid_request_error"
    new = caller("POST", "/v1/prices", f"{body}&transfer_lookup_key=true")
    assert (new["lookup_key"], caller("GET", f"/v1/prices/{old['id']}")["lookup_key"]) == ("basic", None)


def test_thresholds_are_set_shown_and_taken_away(caller: Caller) -> None:
    made = meter(caller)
    body = "product_data[name]=X&currency=cad&unit_amount=10&recurring[interval]=month&recurring[usage_type]=metered"
    price = caller("POST", "/v1/prices", f"{body}&recurring[meter]={made['id']}")["id"]
    customer = caller("POST", "/v1/customers", "payment_method=pm_card_visa")["id"]
    subscription = caller(
        "POST",
        "/v1/subscriptions",
        f"customer={customer}&items[0][price]={price}&items[0][billing_thresholds][usage_gte]=50"
        "&billing_thresholds[amount_gte]=9000",
    )
    assert subscription["billing_thresholds"]["amount_gte"] == 9000
    assert subscription["items"]["data"][0]["billing_thresholds"] == {"usage_gte": 50}
    changed = caller("POST", f"/v1/subscriptions/{subscription['id']}", "billing_thresholds=")
    assert changed["billing_thresholds"] is None
    assert changed["items"]["data"][0]["billing_thresholds"] == {"usage_gte": 50}
