"""SEMANTICS, the life of a subscription, driven by the official SDK: trials, pauses, what has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def totals(sdk: Sdk, subscription: str) -> list[tuple[int, str]]:
    return [(one.total, one.status) for one in sdk.invoices(subscription=subscription)]


def told(sdk: Sdk, subscription: str) -> set[str]:
    found = sdk.v1.events.list({"limit": 100}).auto_paging_iter()
    return {one.type for one in found if one.data.object["id"] == subscription}


def on_trial(sdk: Sdk, clock: str, card: str = "pm_card_visa", **fields: Any) -> Any:
    customer = sdk.customer(clock, card=card)
    wanted = {"customer": customer.id, "items": [{"price": sdk.price(3000).id}], "trial_period_days": 10, **fields}
    return sdk.v1.subscriptions.create(wanted)


def paused(sdk: Sdk, clock: str) -> Any:
    """Paused by its trial's end on 11 April."""
    ends = {"end_behavior": {"missing_payment_method": "pause"}}
    made = on_trial(sdk, clock, card="", trial_settings=ends)
    sdk.advance(clock, at(2024, 4, 11, 1))
    assert sdk.v1.subscriptions.retrieve(made.id).status == "paused"
    return made


def give_card(sdk: Sdk, customer: str, card: str) -> None:
    method = sdk.v1.payment_methods.attach(card, {"customer": customer})
    sdk.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})


class TestResume:
    def test_a_paid_resumption_begins_a_new_cycle(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = paused(sdk, clock.id)
        give_card(sdk, made.customer, "pm_card_visa")
        sdk.advance(clock.id, at(2024, 4, 20))
        resumed = sdk.v1.subscriptions.resume(made.id)
        assert (resumed.status, resumed.billing_cycle_anchor) == ("active", at(2024, 4, 20))
        assert totals(sdk, made.id) == [(0, "paid"), (3000, "paid")]
        assert {"customer.subscription.paused", "customer.subscription.resumed"} <= told(sdk, made.id)

    def test_it_stays_paused_until_its_invoice_is_paid(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = paused(sdk, clock.id)
        give_card(sdk, made.customer, "pm_card_chargeCustomerFail")
        tried = sdk.v1.subscriptions.resume(made.id, {"expand": ["latest_invoice"]})
        assert (tried.status, tried.latest_invoice.status, tried.pending_update) == ("paused", "open", None)
        good = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": made.customer})
        sdk.v1.invoices.pay(tried.latest_invoice.id, {"payment_method": good.id})
        resumed = sdk.v1.subscriptions.retrieve(made.id)
        assert (resumed.status, resumed.billing_cycle_anchor) == ("active", at(2024, 4, 11, 1))
        assert resumed["items"].data[0].current_period_end == at(2024, 5, 11, 1)

    def test_unpaid_for_23_hours_its_invoice_is_voided_and_it_stays_paused(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = paused(sdk, clock.id)
        give_card(sdk, made.customer, "pm_card_chargeCustomerFail")
        sdk.v1.subscriptions.resume(made.id)
        sdk.advance(clock.id, at(2024, 4, 13))
        assert sdk.v1.subscriptions.retrieve(made.id).status == "paused"
        assert totals(sdk, made.id) == [(0, "paid"), (3000, "void")]
        assert "customer.subscription.resumed" not in told(sdk, made.id)

    def test_an_invoice_that_is_written_off_lets_it_go_on(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = paused(sdk, clock.id)
        give_card(sdk, made.customer, "pm_card_chargeCustomerFail")
        tried = sdk.v1.subscriptions.resume(made.id)
        sdk.v1.invoices.mark_uncollectible(tried.latest_invoice)
        assert sdk.v1.subscriptions.retrieve(made.id).status == "active"

    @pytest.mark.parametrize(
        ("behavior", "papers", "waiting"),
        [
            ("create_prorations", [0], [2000]),  # 20 of the 30 days from 11 April: 3000 * 20 / 30
            ("always_invoice", [0, 2000], []),
            ("none", [0], []),
        ],
    )
    def test_in_its_old_cycle_the_rest_is_prorated(
        self, sdk: Sdk, behavior: str, papers: list[int], waiting: list[int]
    ) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = paused(sdk, clock.id)
        give_card(sdk, made.customer, "pm_card_visa")
        sdk.advance(clock.id, at(2024, 4, 21))
        resumed = sdk.v1.subscriptions.resume(
            made.id, {"billing_cycle_anchor": "unchanged", "proration_behavior": behavior}
        )
        assert (resumed.status, resumed.billing_cycle_anchor) == ("active", at(2024, 4, 11))
        assert [total for total, _ in totals(sdk, made.id)] == papers
        pending = sdk.v1.invoice_items.list({"customer": made.customer, "pending": True}).data
        assert [one.amount for one in pending] == waiting
        sdk.advance(clock.id, at(2024, 5, 11, 2))
        assert totals(sdk, made.id)[-1] == (3000 + sum(waiting), "paid")

    def test_what_is_not_paused_is_not_resumed(self, sdk: Sdk) -> None:
        made = on_trial(sdk, sdk.clock(at(2024, 4, 1)).id)
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.subscriptions.resume(made.id)


class TestTrials:
    def test_moved_it_makes_its_0_invoice_and_moves_the_anchor(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = on_trial(sdk, clock.id)
        assert (made.status, made.trial_end, made.billing_cycle_anchor) == ("trialing", at(2024, 4, 11), made.trial_end)
        sdk.advance(clock.id, at(2024, 4, 9))
        assert "customer.subscription.trial_will_end" in told(sdk, made.id)
        moved = sdk.v1.subscriptions.update(made.id, {"trial_end": at(2024, 4, 20)})
        assert (moved.trial_start, moved.trial_end, moved.billing_cycle_anchor) == (
            at(2024, 4, 1),
            at(2024, 4, 20),
            at(2024, 4, 20),
        )
        latest = sdk.v1.invoices.retrieve(moved.latest_invoice)
        assert [(one.amount, one.period.start, one.period.end) for one in latest.lines.data] == [
            (0, at(2024, 4, 9), at(2024, 4, 20))
        ]
        sdk.advance(clock.id, at(2024, 4, 20, 2))
        assert totals(sdk, made.id) == [(0, "paid"), (0, "paid"), (3000, "paid")]

    def test_one_shorter_than_three_days_is_announced_at_once(self, sdk: Sdk) -> None:
        made = on_trial(sdk, sdk.clock(at(2024, 4, 1)).id, trial_period_days=2)
        assert "customer.subscription.trial_will_end" in told(sdk, made.id)

    def test_ended_now_it_bills_from_now(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = on_trial(sdk, clock.id)
        sdk.advance(clock.id, at(2024, 4, 5))
        ended = sdk.v1.subscriptions.update(made.id, {"trial_end": "now"})
        assert (ended.status, ended.trial_end, ended.billing_cycle_anchor) == ("active", at(2024, 4, 5), at(2024, 4, 5))
        assert totals(sdk, made.id) == [(0, "paid"), (3000, "paid")]

    def test_added_to_a_running_subscription_it_credits_and_moves_the_anchor(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = sdk.v1.subscriptions.create(
            {"customer": sdk.customer(clock.id).id, "items": [{"price": sdk.price(3000).id}]}
        )
        sdk.advance(clock.id, at(2024, 4, 16))
        moved = sdk.v1.subscriptions.update(made.id, {"trial_end": at(2024, 5, 10)})
        assert (moved.status, moved.trial_start, moved.billing_cycle_anchor) == (
            "trialing",
            at(2024, 4, 16),
            at(2024, 5, 10),
        )
        assert totals(sdk, made.id)[-1] == (-1500, "paid")  # 15 of 30 days
        sdk.advance(clock.id, at(2024, 5, 10, 2))
        latest = sdk.invoices(subscription=made.id)[-1]
        assert (latest.total, latest.amount_due, latest.status) == (3000, 1500, "paid")

    @pytest.mark.parametrize(
        ("behavior", "status", "papers"),
        [("create_invoice", "past_due", [0, 3000]), ("cancel", "canceled", [0]), ("pause", "paused", [0])],
    )
    def test_one_that_ends_without_a_card(self, sdk: Sdk, behavior: str, status: str, papers: list[int]) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        settings = {"end_behavior": {"missing_payment_method": behavior}}
        made = on_trial(sdk, clock.id, card="", trial_settings=settings)
        sdk.advance(clock.id, at(2024, 4, 11, 2))
        assert sdk.v1.subscriptions.retrieve(made.id).status == status
        assert [total for total, _ in totals(sdk, made.id)] == papers

    @pytest.mark.parametrize(
        ("params", "param"),
        [
            ({"trial_period_days": 731}, "trial_period_days"),
            ({"trial_end": at(2024, 4, 1) + 731 * 86_400, "trial_period_days": ""}, "trial_period_days"),
            ({"trial_end": at(2024, 5, 1), "trial_period_days": 3}, "trial_end"),
            ({"trial_from_plan": True, "trial_period_days": 3}, "trial_end"),
            ({"payment_behavior": "pending_if_incomplete"}, "payment_behavior"),
        ],
    )
    def test_what_makes_no_sense_is_refused_by_name(self, sdk: Sdk, params: dict[str, Any], param: str) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            on_trial(sdk, clock.id, **params)
        assert (refused.value.http_status, refused.value.param) == (400, param)

    def test_the_trial_of_a_price_counts_when_it_is_asked_for(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        recurring = {"interval": "month", "trial_period_days": 5}
        tried = sdk.price(2000, recurring=recurring).id
        customer = sdk.customer(clock.id).id
        plain = sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": tried}]})
        assert (plain.status, plain.trial_end) == ("active", None)
        asked = sdk.v1.subscriptions.create(
            {"customer": customer, "items": [{"price": tried}], "trial_from_plan": True}
        )
        assert asked.trial_end == at(2024, 4, 6)
        running = sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": sdk.price(1000).id}]})
        item = running["items"].data[0].id
        changed = sdk.v1.subscriptions.update(
            running.id, {"items": [{"id": item, "price": tried}], "trial_from_plan": True}
        )
        assert (changed.status, changed.trial_end) == ("trialing", at(2024, 4, 6))


class TestWithoutACard:
    def test_something_to_pay_at_once_is_refused_and_nothing_written(self, sdk: Sdk) -> None:
        customer = sdk.customer(card="")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(1000).id}]})
        assert (refused.value.http_status, refused.value.code) == (400, "resource_missing")
        assert "no attached payment source or default payment method" in str(refused.value)
        assert not sdk.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data
        assert not sdk.v1.invoices.list({"customer": customer.id}).data

    def test_default_incomplete_waits_for_one(self, sdk: Sdk) -> None:
        customer = sdk.customer(card="")
        made = sdk.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": sdk.price(1000).id}],
                "payment_behavior": "default_incomplete",
            }
        )
        assert made.status == "incomplete"
        method = sdk.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        sdk.v1.invoices.pay(made.latest_invoice, {"payment_method": method.id})
        assert sdk.v1.subscriptions.retrieve(made.id).status == "active"

    def test_a_trial_ended_now_is_refused(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = on_trial(sdk, clock.id, card="")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.subscriptions.update(made.id, {"trial_end": "now"})
        assert refused.value.code == "resource_missing"
        assert sdk.v1.subscriptions.retrieve(made.id).status == "trialing"


class TestAnEndedSubscription:
    def test_it_takes_metadata_and_the_reasons_alone(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = on_trial(sdk, clock.id)
        sdk.advance(clock.id, at(2024, 4, 3))
        gone = sdk.v1.subscriptions.cancel(made.id, {"cancellation_details": {"feedback": "unused"}})
        assert (gone.status, gone.canceled_at, gone.ended_at) == ("canceled", at(2024, 4, 3), at(2024, 4, 3))
        assert gone.cancellation_details.reason == "cancellation_requested"
        said = sdk.v1.subscriptions.update(
            made.id, {"metadata": {"a": "1"}, "cancellation_details": {"comment": "moved", "feedback": "other"}}
        )
        assert (said.metadata.to_dict(), said.status) == ({"a": "1"}, "canceled")
        assert (said.cancellation_details.comment, said.cancellation_details.feedback) == ("moved", "other")
        for change in (
            {"description": "no"},
            {"cancel_at_period_end": True},
            {"metadata": {"b": "2"}, "trial_end": "now"},
        ):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                sdk.v1.subscriptions.update(made.id, change)
            assert refused.value.http_status == 400
        assert sdk.v1.subscriptions.retrieve(made.id).metadata.to_dict() == {"a": "1"}

    def test_a_feedback_that_is_none_of_stripes_is_refused(self, sdk: Sdk) -> None:
        made = on_trial(sdk, sdk.clock(at(2024, 4, 1)).id)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.v1.subscriptions.cancel(made.id, {"cancellation_details": {"feedback": "because"}})
        assert refused.value.param == "cancellation_details[feedback]"


class TestAllOrNothing:
    def inline(self, sdk: Sdk, **fields: Any) -> dict[str, Any]:
        product = sdk.v1.products.create({"name": "Box"}).id
        return {"currency": "usd", "product": product, "unit_amount": 900, "recurring": {"interval": "month"}, **fields}

    def test_an_inline_price_of_a_refused_signup_is_not_left(self, sdk: Sdk) -> None:
        customer, standing = sdk.customer().id, sdk.price(1000).id
        mixed = [{"price": standing}, {"price_data": self.inline(sdk, currency="eur")}]
        before = len(sdk.v1.prices.list().data)
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.subscriptions.create({"customer": customer, "items": mixed})
        cardless = {"customer": sdk.customer(card="").id, "items": [{"price_data": self.inline(sdk)}]}
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.subscriptions.create(cardless)
        assert len(sdk.v1.prices.list().data) == before
        made = sdk.v1.subscriptions.create({"customer": customer, "items": [{"price_data": self.inline(sdk)}]})
        assert made["items"].data[0].price.unit_amount == 900

    def test_a_threshold_that_does_not_fit_leaves_no_subscription_and_no_change(self, sdk: Sdk) -> None:
        customer, price = sdk.customer().id, sdk.price(1000).id
        items = [{"price": price, "billing_thresholds": {"usage_gte": 10}}]  # of a price that is not metered
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.subscriptions.create({"customer": customer, "items": items})
        assert not sdk.v1.subscriptions.list({"customer": customer, "status": "all"}).data
        made = sdk.v1.subscriptions.create({"customer": customer, "items": [{"price": price}]})
        item = {"id": made["items"].data[0].id, "quantity": 5, "billing_thresholds": {"usage_gte": 10}}
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.subscriptions.update(made.id, {"items": [item], "description": "no"})
        same = sdk.v1.subscriptions.retrieve(made.id)
        assert (same["items"].data[0].quantity, same.description) == (1, None)


def test_an_end_that_is_moved_often_and_taken_back_costs_nothing(sdk: Sdk) -> None:
    """1001 a month: a third of April, then other odd parts of it; what waits adds up to 0 after the recall."""
    clock = sdk.clock(at(2024, 4, 1))
    customer = sdk.customer(clock.id)
    made = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(1001).id}]})
    for end in (at(2024, 4, 11, 7), at(2024, 4, 23, 5), at(2024, 4, 8, 3), at(2024, 4, 28, 11), at(2024, 4, 17, 1)):
        sdk.v1.subscriptions.update(made.id, {"cancel_at": end, "proration_behavior": "create_prorations"})
    waits = [one.amount for one in sdk.v1.invoice_items.list({"customer": customer.id, "pending": True}).data]
    left = 13 * 24 + 23  # hours from 17 April 01:00 to 1 May
    assert sum(waits) == -((2 * 1001 * left + 720) // (2 * 720))
    sdk.v1.subscriptions.update(made.id, {"cancel_at": ""})
    waits = [one.amount for one in sdk.v1.invoice_items.list({"customer": customer.id, "pending": True}).data]
    assert (len(waits) > 1, sum(waits)) == (True, 0)
