"""SEMANTICS, payment_behavior on a change, by the official SDK: error_if_incomplete leaves nothing, or all of it."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from engine.services.change import change_subscription
from engine.services.paying_change_first import finish_pending_changes
from engine.services.paying_first import PaymentOutcomeUnknown
from engine.services.resolve import resolve_unknown
from engine.types import ChangeRequest, ItemChange
from invoicing.models import Invoice, NumberSeries
from payments.models import Charge
from subscriptions.models import Subscription
from tests.api.sdk import Sdk
from tests.factories.times import context, utc

APR_1 = int(utc(2024, 4, 1).timestamp())
APR_16 = int(utc(2024, 4, 16).timestamp())
MAY_1 = int(utc(2024, 5, 1).timestamp())


def half_way(sdk: Sdk, card: str = "pm_card_visa") -> Any:
    """1000 a month since 1 April; it is 16 April, and `card` is what is charged from now on."""
    clock = sdk.clock(APR_1)
    customer = sdk.customer(clock.id)
    made = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price(1000).id}]})
    sdk.advance(clock.id, APR_16)
    method = sdk.v1.payment_methods.attach(card, {"customer": customer.id})
    sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    return made


def dearer(sdk: Sdk, made: Any, **more: Any) -> dict[str, Any]:
    return {
        "items": [{"id": made["items"].data[0].id, "price": sdk.price(3000).id}],
        "payment_behavior": "error_if_incomplete",
        "proration_behavior": "always_invoice",
        **more,
    }


def visible(sdk: Sdk, made: Any) -> tuple[Any, ...]:
    """All that a client can see of it, and the next number."""
    shown = sdk.v1.subscriptions.retrieve(made.id).to_dict()
    papers = [one.to_dict() for one in sdk.invoices(customer=made.customer)]
    pending = [one.id for one in sdk.v1.invoice_items.list({"customer": made.customer}).data]
    return shown, papers, pending, NumberSeries.objects.get(merchant_id=sdk.merchant.id).next_number


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_chargeCustomerFail", "card_declined"),
        ("pm_card_threeDSecure2Required", "subscription_payment_intent_requires_action"),
    ],
)
def test_a_payment_that_fails_leaves_nothing_of_the_change(sdk: Sdk, card: str, code: str) -> None:
    made = half_way(sdk, card)
    before = visible(sdk, made)
    asked = dearer(sdk, made, metadata={"plan": "gold"}, description="Gold", cancel_at=MAY_1, off_session=False)
    with pytest.raises(stripe.StripeError) as refused:
        sdk.v1.subscriptions.update(made.id, asked)
    assert (refused.value.http_status, refused.value.code) == (402, code)
    assert visible(sdk, made) == before


def test_without_anything_to_pay_with_nothing_is_tried(sdk: Sdk) -> None:
    made = half_way(sdk)
    for method in sdk.v1.payment_methods.list({"customer": made.customer, "type": "card"}).data:
        sdk.v1.payment_methods.detach(method.id)
    before = visible(sdk, made)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.subscriptions.update(made.id, dearer(sdk, made))
    assert (refused.value.code, refused.value.param) == ("resource_missing", "default_payment_method")
    assert visible(sdk, made) == before


def test_a_payment_that_succeeds_keeps_all_that_the_request_said(sdk: Sdk) -> None:
    """1000 -> 3000 half way: -500 + 1500 = 1000, paid at once by the one intent."""
    made = half_way(sdk)
    rate = sdk.v1.tax_rates.create({"display_name": "None", "percentage": 0, "inclusive": False})
    asked = dearer(
        sdk,
        made,
        metadata={"plan": "gold"},
        description="Gold",
        default_tax_rates=[rate.id],
        collection_method="charge_automatically",
        trial_settings={"end_behavior": {"missing_payment_method": "cancel"}},
        add_invoice_items=[{"price": sdk.price(200, interval="").id}],
        cancel_at=MAY_1,
        cancellation_details={"comment": "moving"},
        expand=["latest_invoice"],
    )
    changed = sdk.v1.subscriptions.update(made.id, asked)
    assert (changed.metadata.to_dict(), changed.description) == ({"plan": "gold"}, "Gold")
    assert [one.id for one in changed.default_tax_rates] == [rate.id]
    assert changed.trial_settings.end_behavior.missing_payment_method == "cancel"
    assert (changed.cancel_at, changed.cancellation_details.comment) == (MAY_1, "moving")
    assert changed["items"].data[0].price.unit_amount == 3000
    paper = changed.latest_invoice
    assert (paper.total, paper.status, paper.amount_paid) == (1200, "paid", 1200)
    intents = sdk.v1.payment_intents.list({"customer": made.customer}).data
    assert [one.amount for one in intents] == [1200, 1000]
    assert [one.total for one in sdk.invoices(customer=made.customer)] == [1000, 1200]


def test_a_change_that_costs_nothing_needs_no_payment(sdk: Sdk) -> None:
    made = half_way(sdk, "pm_card_chargeCustomerFail")
    asked = {"metadata": {"a": "b"}, "description": "x", "payment_behavior": "error_if_incomplete", "cancel_at": MAY_1}
    changed = sdk.v1.subscriptions.update(made.id, asked)
    assert (changed.metadata.to_dict(), changed.description, changed.cancel_at) == ({"a": "b"}, "x", MAY_1)


@pytest.mark.parametrize("by_item", [True, False])
def test_prices_of_a_request_that_is_not_paid_do_not_stay(sdk: Sdk, by_item: bool) -> None:
    made = half_way(sdk, "pm_card_chargeCustomerFail")
    product = sdk.v1.products.create({"name": "Extra"}).id
    before = visible(sdk, made)
    data = {"currency": "usd", "product": product, "unit_amount": 4000, "recurring": {"interval": "month"}}
    how = {"payment_behavior": "error_if_incomplete", "proration_behavior": "always_invoice"}
    by_item_alone = {"subscription": made.id, "price_data": data, **how}
    with pytest.raises(stripe.CardError):
        sdk.v1.subscription_items.create(by_item_alone) if by_item else sdk.v1.subscriptions.update(
            made.id, {"items": [{"price_data": data}], **how}
        )
    assert list(sdk.v1.prices.list({"product": product}).data) == []
    assert visible(sdk, made) == before


def test_an_item_whose_second_part_is_refused_leaves_none_of_the_first(sdk: Sdk) -> None:
    """A threshold in units is for metered prices: neither the price nor the item is made."""
    made = half_way(sdk)
    product = sdk.v1.products.create({"name": "Extra"}).id
    before = visible(sdk, made)
    data = {"currency": "usd", "product": product, "unit_amount": 4000, "recurring": {"interval": "month"}}
    asked = {"subscription": made.id, "price_data": data, "billing_thresholds": {"usage_gte": 5}}
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.subscription_items.create(asked)
    assert list(sdk.v1.prices.list({"product": product}).data) == []
    assert visible(sdk, made) == before


def test_an_item_that_waits_to_be_paid_is_shown_as_it_will_be(sdk: Sdk) -> None:
    made = half_way(sdk, "pm_card_chargeCustomerFail")
    asked = {
        "subscription": made.id,
        "price": sdk.price(4000).id,
        "payment_behavior": "pending_if_incomplete",
        "proration_behavior": "always_invoice",
    }
    waiting = sdk.v1.subscription_items.create(asked)
    shown = sdk.v1.subscriptions.retrieve(made.id)
    assert (waiting.price.unit_amount, len(shown["items"].data)) == (4000, 1)
    sdk.v1.invoices.pay(shown.latest_invoice, {"payment_method": "pm_card_visa"})
    assert waiting.id in [one.id for one in sdk.v1.subscriptions.retrieve(made.id)["items"].data]


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"billing_thresholds": {"amount_gte": 500}}, "billing_thresholds"),
        ({"items": [{"billing_thresholds": {"usage_gte": 5}}]}, "items[0][billing_thresholds]"),
    ],
)
def test_a_threshold_cannot_wait_for_a_payment(sdk: Sdk, asked: dict[str, Any], param: str) -> None:
    made = half_way(sdk)
    for item in asked.get("items", ()):
        item["id"] = made["items"].data[0].id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.subscriptions.update(made.id, {**asked, "payment_behavior": "pending_if_incomplete"})
    assert refused.value.param == param


def test_a_lost_answer_is_gone_on_with_once_it_is_known(sdk: Sdk) -> None:
    made = half_way(sdk, "pm_sandbox_timeoutAfterCharge")
    row = Subscription.objects.get(id=made.id)
    request = ChangeRequest(
        merchant_id=row.merchant_id,
        subscription_id=row.id,
        items=(ItemChange(made["items"].data[0].id, sdk.price(3000).id),),
        payment_behavior="error_if_incomplete",
        proration_behavior="always_invoice",
        metadata={"plan": "gold"},
    )
    when = utc(2024, 4, 16)
    for _ in range(2):  # a second click does not pay a second time
        with pytest.raises(PaymentOutcomeUnknown):
            change_subscription(ctx=context(when), request=request)
    assert Invoice.objects.count() == 1
    later = context(when, recorded_at=utc(2024, 4, 16, 1))
    resolve_unknown(ctx=later)
    assert (finish_pending_changes(ctx=later), finish_pending_changes(ctx=later)) == (1, 0)
    shown = sdk.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert (shown.metadata.to_dict(), shown.latest_invoice.status, shown.latest_invoice.total) == (
        {"plan": "gold"},
        "paid",
        1000,
    )
    assert Charge.objects.filter(amount=1000, invoice_id=shown.latest_invoice.id).count() == 1
