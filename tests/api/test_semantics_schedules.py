"""SEMANTICS, schedules, driven by the official SDK: phases, what they say, how they end."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_semantics_life import at, give_card, told, totals


def phase(price: str, **fields: Any) -> dict[str, Any]:
    return {"items": [{"price": price, **fields.pop("item", {})}], **fields}


def schedule(sdk: Sdk, clock: str, *phases: dict[str, Any], **fields: Any) -> Any:
    customer = fields.pop("customer", None) or sdk.customer(clock).id
    return sdk.v1.subscription_schedules.create(
        {"customer": customer, "start_date": "now", "phases": list(phases), **fields}
    )


def test_phases_end_after_a_duration_an_iteration_or_at_a_date(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 31))
    price = sdk.price(1000).id
    made = schedule(
        sdk,
        clock.id,
        phase(price, duration={"interval": "month", "interval_count": 2}),
        phase(price, iterations=1),
        phase(price, end_date=at(2024, 6, 15)),
    )
    assert [(one.start_date, one.end_date) for one in made.phases] == [
        (at(2024, 1, 31), at(2024, 3, 31)),
        (at(2024, 3, 31), at(2024, 4, 30)),
        (at(2024, 4, 30), at(2024, 6, 15)),
    ]
    assert {one.currency for one in made.phases} == {"usd"}
    assert made.current_phase.to_dict() == {"start_date": at(2024, 1, 31), "end_date": at(2024, 3, 31)}


def test_what_a_phase_says_is_shown_and_done(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    basic, plus, once = sdk.price(1000).id, sdk.price(2500).id, sdk.price(300, interval="").id
    made = schedule(
        sdk,
        clock.id,
        phase(
            basic, iterations=1, item={"quantity": 2, "metadata": {"seat": "a"}}, add_invoice_items=[{"price": once}]
        ),
        phase(
            plus,
            iterations=2,
            metadata={"level": "plus"},
            description="Plus",
            currency="usd",
            collection_method="send_invoice",
            invoice_settings={"days_until_due": 10},
            item={"metadata": {"seat": "b"}},
        ),
        default_settings={"description": "Basic", "collection_method": "charge_automatically"},
        end_behavior="cancel",
        metadata={"deal": "7"},
    )
    shown = made.to_dict()
    assert (shown["default_settings"]["description"], shown["metadata"]) == ("Basic", {"deal": "7"})
    assert shown["default_settings"]["billing_cycle_anchor"] == "automatic"
    assert shown["default_settings"]["invoice_settings"]["issuer"] == {"type": "self"}
    assert shown["phases"][1]["currency"] == "usd"
    assert shown["phases"][1]["invoice_settings"]["days_until_due"] == 10
    assert shown["phases"][0]["items"][0]["metadata"] == {"seat": "a"}
    first = sdk.v1.subscriptions.retrieve(made.subscription)
    assert (first.description, first.schedule, first["items"].data[0].quantity) == ("Basic", made.id, 2)
    assert first["items"].data[0].metadata.to_dict() == {"seat": "a"}
    assert totals(sdk, first.id) == [(2300, "paid")]
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    second = sdk.v1.subscriptions.retrieve(made.subscription)
    assert (second.description, second.collection_method, second.days_until_due) == ("Plus", "send_invoice", 10)
    assert (second.metadata.to_dict(), second["items"].data[0].metadata.to_dict()) == ({"level": "plus"}, {"seat": "b"})
    assert totals(sdk, first.id)[-1][0] == 2500
    sdk.advance(clock.id, at(2024, 4, 1, 2))
    assert sdk.v1.subscriptions.retrieve(made.subscription).status == "canceled"
    ended = sdk.v1.subscription_schedules.retrieve(made.id)
    assert (ended.status, ended.completed_at, ended.released_at) == ("completed", at(2024, 4, 1), None)
    assert {
        "subscription_schedule.created",
        "subscription_schedule.updated",
        "subscription_schedule.completed",
    } <= told(sdk, made.id)


def test_one_that_ran_out_is_released_and_its_subscription_goes_on(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    made = schedule(sdk, clock.id, phase(sdk.price(1000).id, iterations=1))
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    over = sdk.v1.subscription_schedules.retrieve(made.id)
    assert (over.status, over.released_at, over.released_subscription, over.subscription) == (
        "released",
        at(2024, 2, 1),
        made.subscription,
        None,
    )
    going_on = sdk.v1.subscriptions.retrieve(made.subscription)
    assert (going_on.status, going_on.schedule) == ("active", None)


def test_made_from_a_subscription_it_says_what_that_is(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    basic, plus = sdk.price(1000).id, sdk.price(2000).id
    running = sdk.v1.subscriptions.create(
        {"customer": sdk.customer(clock.id).id, "items": [{"price": basic, "quantity": 3}], "description": "Basic"}
    )
    made = sdk.v1.subscription_schedules.create({"from_subscription": running.id})
    [current] = made.phases
    assert (current.start_date, current.end_date, current["items"][0].quantity) == (at(2024, 1, 1), at(2024, 2, 1), 3)
    assert made.default_settings.description == "Basic"
    changed = sdk.v1.subscription_schedules.update(
        made.id,
        {
            "phases": [
                phase(basic, item={"quantity": 3}, start_date=current.start_date, end_date=current.end_date),
                phase(plus, iterations=2),
            ]
        },
    )
    assert [one.end_date for one in changed.phases] == [at(2024, 2, 1), at(2024, 4, 1)]
    assert totals(sdk, running.id) == [(3000, "paid")]
    sdk.advance(clock.id, at(2024, 2, 1, 2))
    assert totals(sdk, running.id)[-1] == (2000, "paid")
    later = sdk.v1.subscription_schedules.retrieve(made.id)
    past = [phase(basic, item={"quantity": 3}, start_date=later.phases[0].start_date, end_date=at(2024, 2, 1))]
    again = sdk.v1.subscription_schedules.update(
        made.id, {"phases": [*past, phase(plus, start_date=at(2024, 2, 1), end_date=at(2024, 3, 1))]}
    )
    assert [one.end_date for one in again.phases] == [at(2024, 2, 1), at(2024, 3, 1)]


@pytest.mark.parametrize(
    ("behavior", "papers"),
    [("always_invoice", [1000, 500]), ("create_prorations", [1000]), ("none", [1000])],
)
def test_a_current_phase_that_is_changed_applies_now(sdk: Sdk, behavior: str, papers: list[int]) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    basic, plus = sdk.price(1000).id, sdk.price(2000).id
    made = schedule(sdk, clock.id, phase(basic, iterations=3))
    sdk.advance(clock.id, at(2024, 4, 16))
    sdk.v1.subscription_schedules.update(
        made.id,
        {
            "phases": [phase(plus, start_date=at(2024, 4, 1), end_date=at(2024, 7, 1), description="Plus")],
            "proration_behavior": behavior,
        },
    )
    assert [total for total, _ in totals(sdk, made.subscription)] == papers  # 15 of 30 days: -500 and +1000
    assert sdk.v1.subscriptions.retrieve(made.subscription).description == "Plus"


@pytest.mark.parametrize(("keep", "cancel_at"), [(True, at(2024, 3, 1)), (False, None)])
def test_released_it_may_leave_its_end_behind(sdk: Sdk, keep: bool, cancel_at: int | None) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    made = schedule(sdk, clock.id, phase(sdk.price(1000).id, iterations=2), end_behavior="cancel")
    released = sdk.v1.subscription_schedules.release(made.id, {"preserve_cancel_date": keep})
    assert (released.status, released.released_subscription) == ("released", made.subscription)
    assert sdk.v1.subscriptions.retrieve(made.subscription).cancel_at == cancel_at


def test_canceled_it_ends_its_subscription(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    made = schedule(sdk, clock.id, phase(sdk.price(1000).id, iterations=2))
    sdk.advance(clock.id, at(2024, 4, 16))
    assert sdk.v1.subscription_schedules.cancel(made.id).status == "canceled"
    assert sdk.v1.subscriptions.retrieve(made.subscription).status == "canceled"
    assert [total for total, _ in totals(sdk, made.subscription)] == [1000, -500]
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.subscription_schedules.release(made.id)


@pytest.mark.parametrize("behavior", ["cancel", "pause"])
def test_a_trial_that_ends_with_its_phase_obeys_its_settings(sdk: Sdk, behavior: str) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    basic, plus = sdk.price(1000).id, sdk.price(2000).id
    running = sdk.v1.subscriptions.create(
        {
            "customer": sdk.customer(clock.id, card="").id,
            "items": [{"price": basic}],
            "trial_period_days": 10,
            "trial_settings": {"end_behavior": {"missing_payment_method": behavior}},
        }
    )
    made = sdk.v1.subscription_schedules.create({"from_subscription": running.id})
    trial = phase(basic, start_date=at(2024, 4, 1), end_date=at(2024, 4, 11), trial_end=at(2024, 4, 11))
    sdk.v1.subscription_schedules.update(made.id, {"phases": [trial, phase(plus, iterations=2)]})
    sdk.advance(clock.id, at(2024, 4, 11, 2))
    found = sdk.v1.subscriptions.retrieve(running.id)
    assert found.status == {"cancel": "canceled", "pause": "paused"}[behavior]
    assert [total for total, _ in totals(sdk, running.id)] == [0]
    if behavior == "pause":
        give_card(sdk, running.customer, "pm_card_visa")
        assert sdk.v1.subscriptions.resume(running.id).status == "active"
        assert totals(sdk, running.id)[-1] == (2000, "paid")  # what the phase says


@pytest.mark.parametrize(
    ("bad", "param"),
    [
        ({"end_date": at(2023, 12, 1)}, "phases[0][end_date]"),
        ({"start_date": at(2024, 3, 1), "iterations": 1}, "phases[0][start_date]"),
        ({"end_date": at(2024, 3, 1), "iterations": 1}, "phases[0][end_date]"),
    ],
)
def test_instants_that_do_not_fit_are_refused_by_name(sdk: Sdk, bad: dict[str, Any], param: str) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    with pytest.raises(stripe.InvalidRequestError) as refused:
        schedule(sdk, clock.id, phase(sdk.price(1000).id, **bad))
    assert refused.value.param == param
    assert not sdk.v1.subscription_schedules.list().data


def test_a_schedule_says_a_week_before_that_it_ends(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 1, 1))
    price = sdk.price(1000).id
    made = schedule(sdk, clock.id, phase(price, iterations=1), phase(price, end_date=at(2024, 2, 4)))
    sdk.advance(clock.id, at(2024, 1, 27))
    assert "subscription_schedule.expiring" not in told(sdk, made.id)
    sdk.advance(clock.id, at(2024, 1, 28))
    [event] = sdk.v1.events.list({"type": "subscription_schedule.expiring"}).data
    assert (event.created, event.data.object.id) == (at(2024, 1, 28), made.id)
    sdk.advance(clock.id, at(2024, 2, 5))
    assert sdk.v1.subscription_schedules.retrieve(made.id).status == "released"
    assert len(sdk.v1.events.list({"type": "subscription_schedule.expiring"}).data) == 1
