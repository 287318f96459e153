"""The order of delivery and the waits, as tables."""

from datetime import timedelta

import pytest

from events.rules import delivery_order, retry_wait
from events.types import Consumer, DeliveredEvent
from tests.factories.times import NEW_YEAR


def event(place: int, object_id: str, version: int) -> DeliveredEvent:
    return DeliveredEvent(
        xid=place, id=f"evt_{place:03}", merchant_id="acct_1", type="t", object_type="o", object_id=object_id,
        object_version=version, customer_id="", previous_attributes=None, actor="", request_id="",
        test_clock_id=None, created=NEW_YEAR, recorded_at=NEW_YEAR,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("window", "ahead", "expected"),
    [
        pytest.param("a1 b1 a2", "", "a1 b1 a2", id="already in order"),
        pytest.param("a2 b1 a1", "", "a1 b1 a2", id="an object's events swap their places, others keep theirs"),
        pytest.param("a3 b1", "a1 a2", "a1 a2 a3 b1", id="earlier versions come in from beyond"),
        pytest.param("b1 a2 c1 a4", "a3 a1", "b1 a1 a2 c1 a3 a4", id="each before the version that waits for it"),
        pytest.param("a1 a1 a2", "", "a1 a1 a2", id="two facts of one version"),
    ],
)
def test_delivery_order(window, ahead, expected):
    names = [*window.split(), *ahead.split()]
    made = [event(place, name[0], int(name[1])) for place, name in enumerate(names, start=1)]
    cut = len(window.split())
    ordered = delivery_order(made[:cut], made[cut:])
    assert " ".join(f"{e.object_id}{e.object_version}" for e in ordered) == expected


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 360), (400, 360)])
def test_waits_double_up_to_six_hours(attempts, minutes):
    assert retry_wait(attempts) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("types", "event_type", "wanted"),
    [
        ((), "invoice.paid", True),
        (("invoice.paid",), "invoice.paid", True),
        (("invoice.paid",), "invoice.paid_late", False),
        (("customer.subscription.*",), "customer.subscription.deleted", True),
        (("customer.subscription.*",), "customer.subscriptions", False),
    ],
)
def test_which_events_a_consumer_wants(types, event_type, wanted):
    assert Consumer("c", lambda ctx, events: None, types).wants(event_type) is wanted
