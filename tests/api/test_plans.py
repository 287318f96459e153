"""Plans: recurring prices in their older shape, through the official SDK."""

from __future__ import annotations

import pytest
import stripe

from tests.api.sdk import Sdk


def test_a_plan_is_a_price_under_the_same_id(sdk: Sdk) -> None:
    plan = sdk.v1.plans.create(
        {
            "amount": 1200,
            "currency": "usd",
            "interval": "month",
            "product": {"name": "Gold special"},
            "metadata": {"order": "6735"},
        }
    )
    assert (plan.object, plan.amount, str(plan.amount_decimal), plan.interval, plan.usage_type, plan.active) == (
        "plan",
        1200,
        "1200",
        "month",
        "licensed",
        True,
    )
    price = sdk.v1.prices.retrieve(plan.id)
    assert (price.unit_amount, price.recurring.interval, price.product) == (1200, "month", plan.product)
    assert sdk.v1.plans.retrieve(sdk.price(700).id).amount == 700
    assert [one.id for one in sdk.v1.plans.list({"product": plan.product}).data] == [plan.id]
    changed = sdk.v1.plans.update(plan.id, {"nickname": "Gold", "active": False})
    assert (changed.nickname, changed.active, changed.metadata["order"]) == ("Gold", False, "6735")


def test_a_tiered_plan_keeps_its_tiers(sdk: Sdk) -> None:
    plan = sdk.v1.plans.create(
        {
            "billing_scheme": "tiered",
            "tiers_mode": "volume",
            "tiers": [{"up_to": 5, "unit_amount": 700}, {"up_to": "inf", "unit_amount": 600}],
            "currency": "usd",
            "interval": "year",
            "product": sdk.v1.products.create({"name": "Seats"}).id,
        }
    )
    assert (plan.amount, plan.tiers_mode, [tier.up_to for tier in plan.tiers]) == (None, "volume", [5, None])


def test_a_subscription_takes_a_plan_and_a_deleted_one_takes_nobody(sdk: Sdk) -> None:
    customer = sdk.customer()
    plan = sdk.v1.plans.create({"amount": 500, "currency": "usd", "interval": "month", "product": {"name": "Box"}})
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"plan": plan.id}]})
    assert subscription["items"].data[0].plan.id == plan.id
    assert sdk.v1.plans.delete(plan.id).deleted
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "active"
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"plan": plan.id}]})
    unused = sdk.v1.plans.create({"amount": 500, "currency": "usd", "interval": "month", "product": plan.product})
    assert sdk.v1.plans.delete(unused.id).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such plan") as gone:
        sdk.v1.plans.retrieve(unused.id)
    assert gone.value.http_status == 404


def test_what_a_plan_lacks_is_named(sdk: Sdk) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sdk.v1.plans.create({"currency": "usd", "interval": "month", "product": {"name": "Box"}})
    assert (missing.value.code, missing.value.param) == ("parameter_missing", "amount")
    once = sdk.price(700, interval="")
    with pytest.raises(stripe.InvalidRequestError, match="No such plan"):
        sdk.v1.plans.retrieve(once.id)
