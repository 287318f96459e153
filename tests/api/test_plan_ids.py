"""Plans under ids that their owner chose: one name wherever Stripe shows a plan or a price, ours everywhere behind."""

import pytest
import stripe

from catalog.models import Price
from tests.api.sdk import Sdk, new_sdk


@pytest.fixture
def gold(sdk: Sdk) -> stripe.Plan:
    return sdk.v1.plans.create(
        {"id": "gold-monthly", "amount": 2500, "currency": "eur", "interval": "month", "product": {"name": "Gold"}}
    )


def test_a_plan_is_found_changed_and_listed_by_the_id_it_was_given(sdk, gold):
    plans = sdk.v1.plans
    assert (gold.id, plans.retrieve("gold-monthly").id) == ("gold-monthly", "gold-monthly")
    assert plans.update("gold-monthly", {"nickname": "G"}).nickname == "G"
    silver = plans.create({"amount": 1, "currency": "eur", "interval": "year", "product": gold.product})
    assert [plan.id for plan in plans.list()] == [silver.id, "gold-monthly"]
    assert [plan.id for plan in plans.list({"starting_after": silver.id})] == ["gold-monthly"]
    assert [plan.id for plan in plans.list({"ending_before": "gold-monthly"})] == [silver.id]
    assert sdk.v1.prices.retrieve("gold-monthly").unit_amount == 2500
    assert Price.objects.get(api_id="gold-monthly").id.startswith("price_")


def test_a_subscription_names_it_from_its_items_to_its_invoices_lines_and_events(sdk, gold):
    customer = sdk.customer()
    made = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"plan": "gold-monthly"}]})
    [item] = made["items"].data
    assert (item.price.id, item.plan.id, item.price.unit_amount) == ("gold-monthly", "gold-monthly", 2500)
    invoice = sdk.v1.invoices.retrieve(made.latest_invoice)
    assert [line.pricing.price_details.price for line in invoice.lines.data] == ["gold-monthly"]
    expanded = sdk.v1.invoices.retrieve(made.latest_invoice, {"expand": ["lines.data.pricing.price_details.price"]})
    assert expanded.lines.data[0].pricing.price_details.price.unit_amount == 2500
    [listed] = sdk.v1.subscriptions.list({"plan": "gold-monthly"}).data
    assert listed.id == made.id
    [event] = sdk.v1.events.list({"type": "customer.subscription.created"}).data
    assert event.data.object["items"]["data"][0]["plan"]["id"] == "gold-monthly"


def test_a_change_a_phase_and_an_item_name_it_too(sdk, gold):
    customer = sdk.customer()
    silver = sdk.v1.plans.create(
        {"id": "silver", "amount": 1000, "currency": "eur", "interval": "month", "product": gold.product}
    )
    made = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": "silver"}]})
    changed = sdk.v1.subscriptions.update(
        made.id, {"items": [{"id": made["items"].data[0].id, "price": "gold-monthly"}], "metadata": {"plan": silver.id}}
    )
    assert (changed["items"].data[0].price.id, changed.metadata["plan"]) == ("gold-monthly", "silver")
    schedule = sdk.v1.subscription_schedules.create(
        {
            "customer": customer.id,
            "start_date": "now",
            "phases": [{"items": [{"price": "silver"}], "duration": {"interval": "month", "interval_count": 2}}],
        }
    )
    assert schedule.phases[0]["items"][0]["price"] == "silver"


def test_an_id_is_given_once_until_its_plan_is_deleted(sdk, gold):
    params = {"id": "gold-monthly", "amount": 1, "currency": "eur", "interval": "month", "product": gold.product}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.plans.create(params)
    assert (refused.value.code, refused.value.param) == ("resource_already_exists", "id")
    gone = sdk.v1.plans.delete("gold-monthly")
    assert (gone.id, gone.deleted) == ("gold-monthly", True)
    assert sdk.v1.plans.create(params).id == "gold-monthly"


@pytest.mark.parametrize("chosen", ["price_of_mine", "a/b"])
def test_ids_that_are_ours_or_no_address_are_refused(sdk, gold, chosen):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.plans.create(
            {"id": chosen, "amount": 1, "currency": "eur", "interval": "month", "product": gold.product}
        )
    assert refused.value.param == "id"


def test_another_merchants_plan_of_that_name_is_another(sdk, gold):
    other = new_sdk(sdk.url, name="Ailleurs", prefix="AIL")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        other.v1.plans.retrieve("gold-monthly")
    assert refused.value.code == "resource_missing"
