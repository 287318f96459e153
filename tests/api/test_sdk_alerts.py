"""Alerts of much use, through the official SDK on test clocks."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.metering import at, metered, user
from tests.api.sdk import Sdk

JAN_1, JAN_10, JAN_11, JAN_12, JAN_13 = (at(2024, 1, day) for day in (1, 10, 11, 12, 13))


def alert(sdk: Sdk, meter: str, gte: int, customer: str = "") -> Any:
    threshold: dict[str, Any] = {"meter": meter, "gte": gte, "recurrence": "one_time"}
    if customer:
        threshold["filters"] = [{"type": "customer", "customer": customer}]
    return sdk.v1.billing.alerts.create(
        {"alert_type": "usage_threshold", "title": "Much", "usage_threshold": threshold}
    )


def told(sdk: Sdk) -> list[Any]:
    return [one.data.object for one in sdk.v1.events.list({"type": "billing.alert.triggered"}).data]


def test_an_alert_is_told_once_of_each_customer_and_again_when_it_is_activated_anew(sdk: Sdk) -> None:
    ada = user(sdk, JAN_1)
    meter = metered(sdk).recurring.meter
    much = alert(sdk, meter, 100)
    assert (much.status, much.usage_threshold.gte, much.usage_threshold.meter) == ("active", 100, meter)
    ada.use(99)
    ada.advance(JAN_10)
    assert told(sdk) == []
    ada.use(3)
    ada.advance(JAN_11)
    ada.advance(JAN_12)
    [once] = told(sdk)
    assert (once.object, once.alert.id, once.customer, once.value) == (
        "billing.alert_triggered",
        much.id,
        ada.customer,
        102,
    )
    sdk.v1.billing.alerts.deactivate(much.id)
    assert sdk.v1.billing.alerts.activate(much.id).status == "active"
    ada.advance(JAN_13)
    assert len(told(sdk)) == 2


def test_an_alert_of_one_customer_is_not_told_of_another(sdk: Sdk) -> None:
    ada, zoe = user(sdk, JAN_1), user(sdk, JAN_1)
    meter = metered(sdk).recurring.meter
    alert(sdk, meter, 10, customer=ada.customer)
    switched_off = alert(sdk, meter, 10)
    sdk.v1.billing.alerts.deactivate(switched_off.id)
    for one in (ada, zoe):
        one.use(50)
        one.advance(JAN_10)
    assert [one.customer for one in told(sdk)] == [ada.customer]


def test_an_archived_alert_is_gone(sdk: Sdk) -> None:
    meter = metered(sdk).recurring.meter
    kept, gone = alert(sdk, meter, 1), alert(sdk, meter, 2)
    assert sdk.v1.billing.alerts.archive(gone.id).status == "archived"
    assert [one.id for one in sdk.v1.billing.alerts.list({"meter": meter}).data] == [kept.id]
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.billing.alerts.activate(gone.id)
    with pytest.raises(stripe.InvalidRequestError, match="already"):
        sdk.v1.billing.alerts.activate(kept.id)
    with pytest.raises(stripe.InvalidRequestError) as nothing:
        alert(sdk, "mtr_nothing", 1)
    assert nothing.value.param == "usage_threshold[meter]"
    with pytest.raises(stripe.InvalidRequestError) as too_low:
        alert(sdk, meter, 0)
    assert too_low.value.param == "usage_threshold[gte]"
