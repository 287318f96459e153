"""SEMANTICS, periods, anchors, prorations and ends, driven by the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.api.sdk import Sdk
from tests.api.test_semantics_life import at, totals


def running(sdk: Sdk, clock: str, amount: int = 1000, interval: str = "month", **fields: Any) -> Any:
    customer = sdk.customer(clock).id
    items = [{"price": sdk.price(amount, interval=interval).id}]
    return sdk.v1.subscriptions.create({"customer": customer, "items": items, **fields})


def lines(sdk: Sdk, invoice: str) -> list[int]:
    return [line.amount for line in sdk.v1.invoices.retrieve(invoice).lines.data]


def pending(sdk: Sdk, customer: str) -> list[int]:
    found = sdk.v1.invoice_items.list({"customer": customer, "pending": True}).data
    return sorted(one.amount for one in found)


class TestAnchors:
    @pytest.mark.parametrize(
        ("config", "anchor", "total"),
        [
            ({"day_of_month": 15}, at(2024, 4, 15), 452),  # 14 of the 31 days from 15 March: 1000 * 14 / 31
            ({"day_of_month": 31, "hour": 6}, at(2024, 4, 30, 6), 975),  # 29 d 6 h of 31 March 6:00 to 30 April 6:00
        ],
    )
    def test_a_configured_anchor_makes_a_stub(self, sdk: Sdk, config: dict[str, int], anchor: int, total: int) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id, billing_cycle_anchor_config=config)
        assert made["items"].data[0].current_period_end == anchor
        assert totals(sdk, made.id)[0][0] == total
        assert made.billing_cycle_anchor_config.day_of_month == config["day_of_month"]

    def test_without_prorations_the_stub_is_free_and_makes_no_invoice(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id, billing_cycle_anchor=at(2024, 4, 21), proration_behavior="none")
        assert (made.status, made.latest_invoice, totals(sdk, made.id)) == ("active", None, [])
        sdk.advance(clock.id, at(2024, 4, 21, 2))
        assert totals(sdk, made.id) == [(1000, "paid")]

    def test_set_to_now_it_resets_prorates_and_invoices_at_once(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id)
        sdk.advance(clock.id, at(2024, 4, 16))
        reset = sdk.v1.subscriptions.update(made.id, {"billing_cycle_anchor": "now"})
        assert reset.billing_cycle_anchor == at(2024, 4, 16)
        assert sorted(lines(sdk, reset.latest_invoice)) == [-500, 1000]

    def test_monthly_to_yearly_keeps_the_anchor(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id)
        sdk.advance(clock.id, at(2024, 4, 16))
        item = made["items"].data[0].id
        yearly = sdk.v1.subscriptions.update(
            made.id, {"items": [{"id": item, "price": sdk.price(36500, interval="year").id}]}
        )
        assert yearly.billing_cycle_anchor == at(2024, 4, 1)
        assert yearly["items"].data[0].current_period_end == at(2025, 4, 1)
        assert pending(sdk, made.customer) == [-500, 35000]  # 350 of 365 days

    def test_backdated_each_period_has_its_line(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 10))
        made = running(sdk, clock.id, backdate_start_date=at(2024, 1, 31))
        assert (made.start_date, made.billing_cycle_anchor) == (at(2024, 1, 31), at(2024, 1, 31))
        assert lines(sdk, made.latest_invoice) == [1000, 1000, 1000]
        with pytest.raises(stripe.InvalidRequestError) as refused:
            running(sdk, clock.id, interval="day", backdate_start_date=at(2023, 4, 1))
        assert refused.value.param == "backdate_start_date"

    def test_mixed_intervals_have_periods_of_their_own(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 1, 1))
        items = [{"price": sdk.price(1000).id}, {"price": sdk.price(9000, interval="year").id}]
        made = sdk.v1.subscriptions.create({"customer": sdk.customer(clock.id).id, "items": items})
        ends = sorted(item.current_period_end for item in made["items"].data)
        assert ends == [at(2024, 2, 1), at(2025, 1, 1)]
        sdk.advance(clock.id, at(2024, 2, 1, 2))
        assert [total for total, _ in totals(sdk, made.id)] == [10000, 1000]


class TestProrations:
    def test_each_debit_is_credited_by_itself(self, sdk: Sdk) -> None:
        """1000 -> 2000 on the 11th: -667 +1333; -> 1000 on the 21st: -667 of the 1333, +333."""
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id)
        item = made["items"].data[0]
        two = sdk.price(2000).id
        sdk.advance(clock.id, at(2024, 4, 11))
        sdk.v1.subscriptions.update(made.id, {"items": [{"id": item.id, "price": two}]})
        sdk.advance(clock.id, at(2024, 4, 21))
        sdk.v1.subscriptions.update(made.id, {"items": [{"id": item.id, "price": item.price.id}]})
        assert pending(sdk, made.customer) == [-667, -667, 333, 1333]
        sdk.advance(clock.id, at(2024, 5, 1, 2))
        assert totals(sdk, made.id)[-1] == (1332, "paid")

    def test_another_price_resets_the_quantity_unless_it_is_sent(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id)
        item = made["items"].data[0].id
        sdk.v1.subscriptions.update(made.id, {"items": [{"id": item, "quantity": 4}]})
        changed = sdk.v1.subscriptions.update(made.id, {"items": [{"id": item, "price": sdk.price(700).id}]})
        assert changed["items"].data[0].quantity == 1
        kept = {"items": [{"id": item, "price": sdk.price(800).id, "quantity": 3}], "proration_behavior": "none"}
        assert sdk.v1.subscriptions.update(made.id, kept)["items"].data[0].quantity == 3

    def test_an_item_comes_and_goes(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id)
        sdk.advance(clock.id, at(2024, 4, 16))
        extra = sdk.v1.subscription_items.create({"subscription": made.id, "price": sdk.price(600).id, "quantity": 2})
        assert pending(sdk, made.customer) == [600]
        sdk.v1.subscription_items.delete(extra.id)
        assert sum(pending(sdk, made.customer)) == 0
        with pytest.raises(stripe.InvalidRequestError):
            sdk.v1.subscription_items.delete(made["items"].data[0].id)


class TestEnds:
    def test_a_year_cut_short_is_credited_moved_and_taken_back(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 1, 1))
        made = running(sdk, clock.id, 12000, "year")
        sdk.advance(clock.id, at(2024, 1, 2))
        ends = sdk.v1.subscriptions.update(made.id, {"cancel_at": at(2024, 7, 1)})
        assert (ends.cancel_at, ends.canceled_at, ends.status) == (at(2024, 7, 1), at(2024, 1, 2), "active")
        assert pending(sdk, made.customer) == [-6033]  # 184 of 366 days; 5967 are for the 182 before
        sdk.v1.subscriptions.update(made.id, {"cancel_at": at(2024, 8, 1)})
        assert sum(pending(sdk, made.customer)) == -5016  # 153 of 366 days
        sdk.v1.subscriptions.update(made.id, {"cancel_at": at(2024, 6, 1)})
        assert abs(sum(pending(sdk, made.customer)) + 7016) <= 1  # 214 of 366 days; each move rounds by itself
        back = sdk.v1.subscriptions.update(made.id, {"cancel_at": ""})
        assert (back.cancel_at, back.canceled_at) == (None, None)
        assert abs(sum(pending(sdk, made.customer))) <= 1

    def test_an_end_that_is_taken_back_costs_nothing(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 1, 1))
        made = running(sdk, clock.id, 12000, "year")
        sdk.v1.subscriptions.update(made.id, {"cancel_at": at(2024, 7, 1)})
        sdk.v1.subscriptions.update(made.id, {"cancel_at": ""})
        assert sum(pending(sdk, made.customer)) == 0

    def test_a_signup_that_ends_inside_its_year_pays_up_to_it(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 1, 1))
        made = running(sdk, clock.id, 12000, "year", cancel_at=at(2024, 7, 1))
        assert totals(sdk, made.id) == [(5967, "paid")]
        sdk.advance(clock.id, at(2024, 7, 1, 2))
        gone = sdk.v1.subscriptions.retrieve(made.id)
        assert (gone.status, gone.ended_at, gone.canceled_at) == ("canceled", at(2024, 7, 1), at(2024, 1, 1))

    def test_with_its_period_it_ends_and_bills_what_is_pending(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id)
        sdk.v1.invoice_items.create({"customer": made.customer, "amount": 300, "currency": "usd"})
        details = {"feedback": "too_expensive", "comment": "dear"}
        ends = sdk.v1.subscriptions.update(made.id, {"cancel_at_period_end": True, "cancellation_details": details})
        assert (ends.cancel_at_period_end, ends.cancel_at) == (True, at(2024, 5, 1))
        sdk.advance(clock.id, at(2024, 5, 1, 2))
        gone = sdk.v1.subscriptions.retrieve(made.id)
        assert (gone.status, gone.ended_at, gone.cancellation_details.feedback) == (
            "canceled",
            at(2024, 5, 1),
            "too_expensive",
        )
        assert totals(sdk, made.id) == [(1000, "paid"), (300, "paid")]

    @pytest.mark.parametrize(
        ("how", "papers", "waiting"),
        [
            ({}, [1000], [300]),
            ({"prorate": True}, [1000], [-500, 300]),
            ({"prorate": True, "invoice_now": True}, [1000, -200], []),
            ({"invoice_now": True}, [1000, 300], []),
        ],
    )
    def test_at_once(self, sdk: Sdk, how: dict[str, bool], papers: list[int], waiting: list[int]) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id)
        sdk.v1.invoice_items.create({"customer": made.customer, "amount": 300, "currency": "usd"})
        sdk.advance(clock.id, at(2024, 4, 16))
        sdk.v1.subscriptions.cancel(made.id, how)
        assert [total for total, _ in totals(sdk, made.id)] == papers
        assert pending(sdk, made.customer) == waiting

    def test_at_once_its_drafts_and_open_invoices_stop_advancing(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = running(sdk, clock.id)
        sdk.advance(clock.id, at(2024, 5, 1))
        sdk.v1.subscriptions.cancel(made.id)
        draft = sdk.invoices(subscription=made.id)[-1]
        assert (draft.status, draft.auto_advance) == ("draft", False)
        sdk.advance(clock.id, at(2024, 5, 3))
        assert sdk.v1.invoices.retrieve(draft.id).status == "draft"


def test_lists_are_filtered(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    first = running(sdk, clock.id)
    second = running(sdk, clock.id, collection_method="send_invoice", days_until_due=5)
    sdk.v1.subscriptions.cancel(second.id)
    price = first["items"].data[0].price.id

    def ids(**filters: Any) -> list[str]:
        return [one.id for one in sdk.v1.subscriptions.list({"test_clock": clock.id, **filters}).data]

    assert ids() == ids(status="active") == ids(price=price, status="all") == [first.id]
    assert ids(status="ended") == ids(status="canceled") == ids(collection_method="send_invoice", status="all")
    assert set(ids(status="all")) == {first.id, second.id}
    assert ids(current_period_end={"gte": at(2024, 5, 1), "lt": at(2024, 5, 2)}) == [first.id]
    assert ids(current_period_start={"gt": at(2024, 4, 1)}) == ids(created={"gt": at(2024, 4, 1)}) == []


def test_collected_otherwise_from_now_on(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    made = running(sdk, clock.id)
    sent = sdk.v1.subscriptions.update(made.id, {"collection_method": "send_invoice", "days_until_due": 7})
    assert (sent.collection_method, sent.days_until_due) == ("send_invoice", 7)
    sdk.advance(clock.id, at(2024, 5, 1, 2))
    latest = sdk.invoices(subscription=made.id)[-1]
    assert (latest.status, latest.due_date) == ("open", at(2024, 5, 8, 1))
    sdk.advance(clock.id, at(2024, 5, 9))
    assert sdk.v1.subscriptions.retrieve(made.id).status == "past_due"
    charged = sdk.v1.subscriptions.update(made.id, {"collection_method": "charge_automatically"})
    assert charged.days_until_due is None
