"""Previews driven by the official SDK: each is what comes, and nothing of it is written."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from catalog.models import Price
from customers.models import Customer
from events.models import Event
from invoicing.models import Invoice, InvoiceItem
from subscriptions.models import Subscription, SubscriptionSchedule
from tests.api.sdk import Sdk
from tests.api.test_semantics_life import at, paused
from tests.api.test_semantics_schedules import phase, schedule


def counts() -> list[int]:
    kinds = (Customer, Event, Invoice, InvoiceItem, Price, Subscription, SubscriptionSchedule)
    return [kind._default_manager.count() for kind in kinds]


def preview(sdk: Sdk, **params: Any) -> Any:
    """The preview; that it wrote nothing is seen each time."""
    before = counts()
    shown = sdk.v1.invoices.create_preview(params)
    assert counts() == before
    assert (shown.status, shown.number) == ("draft", None)
    return shown


def amounts(invoice: Any) -> list[int]:
    return [line.amount for line in invoice.lines.data]


def running(sdk: Sdk, clock: str, amount: int = 3000, **fields: Any) -> Any:
    price = sdk.price(amount, interval=fields.pop("interval", "month")).id
    return sdk.v1.subscriptions.create({"customer": sdk.customer(clock).id, "items": [{"price": price}], **fields})


@pytest.mark.parametrize(
    ("details", "lines"),
    [
        ({}, [3000]),
        ({"cancel_at": at(2024, 4, 21)}, [-1000]),  # 10 of 30 days are given back, on the last invoice
        ({"cancel_at": at(2024, 5, 16)}, [1452]),  # 15 of May's 31 days: 3000 * 15 / 31
        ({"cancel_now": True}, [-1500]),
        ({"trial_end": at(2024, 4, 26), "proration_behavior": "none"}, [0]),
        ({"trial_end": at(2024, 4, 26)}, [0, -1500]),
        ({"billing_cycle_anchor": "now"}, [3000, -1500]),
    ],
)
def test_of_a_running_subscription(sdk: Sdk, details: dict[str, Any], lines: list[int]) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    made = running(sdk, clock.id)
    sdk.advance(clock.id, at(2024, 4, 16))
    assert amounts(preview(sdk, subscription=made.id, subscription_details=details)) == lines


def test_a_change_and_an_end_at_once(sdk: Sdk) -> None:
    """5000 to 20 April alone: -1500 of the 15 days left, 5000 * 4 / 30 = 667 for those until the end."""
    clock = sdk.clock(at(2024, 4, 1))
    made = running(sdk, clock.id)
    sdk.advance(clock.id, at(2024, 4, 16))
    item = made["items"].data[0].id
    details = {"items": [{"id": item, "price": sdk.price(5000).id}], "cancel_at": at(2024, 4, 20)}
    shown = preview(sdk, subscription=made.id, subscription_details=details)
    assert shown.total == -1500 + 2500 - 1833  # and 5000 * 11 / 30 of it is given back
    sdk.v1.subscriptions.update(made.id, details)
    sdk.advance(clock.id, at(2024, 4, 20, 2))
    assert sdk.invoices(subscription=made.id)[-1].total == shown.total


def test_without_what_is_billed_but_once(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    made = running(sdk, clock.id)
    extra = [{"amount": 700, "currency": "usd", "description": "Work"}]
    assert sorted(amounts(preview(sdk, subscription=made.id, invoice_items=extra))) == [700, 3000]
    again = preview(sdk, subscription=made.id, invoice_items=extra, preview_mode="recurring")
    assert amounts(again) == [3000]


def test_an_item_that_waits_is_shown_as_it_would_be(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    made = running(sdk, clock.id)
    item = sdk.v1.invoice_items.create({"customer": made.customer, "amount": 500, "currency": "usd"})
    extra = [{"invoiceitem": item.id, "amount": 900, "currency": "usd"}]
    assert sorted(amounts(preview(sdk, subscription=made.id, invoice_items=extra))) == [900, 3000]
    assert sdk.v1.invoice_items.retrieve(item.id).amount == 500


def test_of_a_resumption(sdk: Sdk) -> None:
    clock = sdk.clock(at(2024, 4, 1))
    made = paused(sdk, clock.id)
    sdk.advance(clock.id, at(2024, 4, 21))
    assert preview(sdk, subscription=made.id, subscription_details={"resume_at": "now"}).total == 3000
    details = {"resume_at": "now", "billing_cycle_anchor": "unchanged", "proration_behavior": "always_invoice"}
    assert preview(sdk, subscription=made.id, subscription_details=details).total == 2000


class TestOfANewSubscription:
    def test_of_a_customer_with_an_inline_price(self, sdk: Sdk) -> None:
        product = sdk.v1.products.create({"name": "Box"}).id
        data = {"currency": "usd", "product": product, "unit_amount": 1250, "recurring": {"interval": "month"}}
        customer = sdk.customer().id
        shown = preview(sdk, customer=customer, subscription_details={"items": [{"price_data": data, "quantity": 2}]})
        assert (shown.total, shown.customer) == (2500, customer)

    def test_of_nobody_yet(self, sdk: Sdk) -> None:
        rate = sdk.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False}).id
        details = {"items": [{"price": sdk.price(1000).id}], "default_tax_rates": [rate]}
        shown = preview(sdk, customer_details={"address": {"country": "FR"}}, subscription_details=details)
        assert (shown.total, shown.customer) == (1200, None)
        exempt = preview(sdk, customer_details={"tax_exempt": "exempt"}, subscription_details=details)
        assert exempt.total == 1000

    def test_in_another_currency(self, sdk: Sdk) -> None:
        price = sdk.price(1000, currency_options={"eur": {"unit_amount": 900}}).id
        asked = {"customer_details": {"tax_exempt": "none"}, "subscription_details": {"items": [{"price": price}]}}
        shown = preview(sdk, **asked, currency="eur")
        assert (shown.total, shown.currency) == (900, "eur")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            preview(sdk, **asked, currency="cad")
        assert refused.value.param == "currency"

    def test_with_a_trial_a_start_in_the_past_or_to_come(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        customer = sdk.customer(clock.id).id
        items = [{"price": sdk.price(3000).id}]
        trial = {"items": items, "trial_end": at(2024, 4, 10)}
        assert preview(sdk, customer=customer, subscription_details=trial).total == 0
        assert preview(sdk, customer=customer, subscription_details=trial, preview_mode="recurring").total == 3000
        past = {"items": items, "start_date": at(2024, 2, 1)}
        assert amounts(preview(sdk, customer=customer, subscription_details=past)) == [3000, 3000, 3000]
        later = preview(sdk, customer=customer, subscription_details={"items": items, "start_date": at(2024, 5, 1)})
        assert later.lines.data[0].period.start == at(2024, 5, 1)

    def test_what_is_pending_alone(self, sdk: Sdk) -> None:
        customer = sdk.customer().id
        with pytest.raises(stripe.InvalidRequestError) as none:
            preview(sdk, customer=customer)
        assert (none.value.http_status, none.value.code) == (404, "invoice_upcoming_none")
        shown = preview(sdk, customer=customer, invoice_items=[{"amount": 400, "currency": "usd"}])
        assert (shown.total, shown.parent) == (400, None)


class TestOfASchedule:
    def test_the_next_phase_is_what_it_bills(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 1, 1))
        made = schedule(sdk, clock.id, phase(sdk.price(1000).id, iterations=1), phase(sdk.price(2500).id, iterations=1))
        shown = preview(sdk, schedule=made.id)
        assert (shown.total, shown.lines.data[0].period.start) == (2500, at(2024, 2, 1))
        sdk.advance(clock.id, at(2024, 2, 1, 2))
        assert sdk.invoices(subscription=made.subscription)[-1].total == shown.total

    def test_an_update_of_the_current_phase(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = schedule(sdk, clock.id, phase(sdk.price(1000).id, iterations=3))
        sdk.advance(clock.id, at(2024, 4, 16))
        details = {
            "phases": [phase(sdk.price(2000).id, start_date=at(2024, 4, 1), end_date=at(2024, 7, 1))],
            "proration_behavior": "always_invoice",
        }
        assert amounts(preview(sdk, schedule=made.id, schedule_details=details)) == [-500, 1000]
        assert sdk.v1.subscription_schedules.retrieve(made.id).phases[0].end_date == at(2024, 7, 1)

    def test_one_that_is_to_be_made(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        customer = sdk.customer(clock.id).id
        details = {"phases": [phase(sdk.price(1000).id, iterations=1, add_invoice_items=[])]}
        assert preview(sdk, customer=customer, schedule_details=details).total == 1000
        later = {"phases": [phase(sdk.price(1500).id, iterations=1, start_date=at(2024, 6, 1))]}
        shown = preview(sdk, customer=customer, schedule_details=later)
        assert (shown.total, shown.lines.data[0].period.start) == (1500, at(2024, 6, 1))

    def test_two_questions_at_once_are_refused(self, sdk: Sdk) -> None:
        clock = sdk.clock(at(2024, 4, 1))
        made = schedule(sdk, clock.id, phase(sdk.price(1000).id, iterations=1))
        with pytest.raises(stripe.InvalidRequestError) as refused:
            preview(sdk, schedule=made.id, subscription=made.subscription)
        assert refused.value.param == "schedule"
