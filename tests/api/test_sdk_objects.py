"""The official SDK creates, lists, expands, changes and is refused."""

from __future__ import annotations

import pytest
import stripe

from events.models import Event
from tests.api.sdk import Sdk, new_client


def test_an_sdk_creates_lists_and_changes(sdk: Sdk) -> None:
    ids = [sdk.v1.customers.create({"name": f"C{n}", "metadata": {"n": str(n)}}).id for n in range(12)]
    listed = [one.id for one in sdk.v1.customers.list({"limit": 5}).auto_paging_iter()]
    assert listed == list(reversed(ids))
    changed = sdk.v1.customers.update(ids[0], {"metadata": {"n": "", "m": "1"}, "name": "Ada"})
    assert (changed.name, dict(changed.metadata)) == ("Ada", {"m": "1"})
    assert sdk.v1.customers.delete(ids[0]).deleted
    assert sdk.v1.customers.retrieve(ids[0]).deleted


def test_a_subscription_has_the_current_shape(sdk: Sdk) -> None:
    price = sdk.price(1000)
    subscription = sdk.v1.subscriptions.create(
        {
            "customer": sdk.customer().id,
            "items": [{"price": price.id, "quantity": 2}],
            "expand": ["latest_invoice.payments", "latest_invoice.confirmation_secret", "customer"],
        }
    )
    [item] = subscription["items"].data
    assert subscription.status == "active"
    assert subscription.billing_mode.type == "flexible"
    assert (item.price.id, item.price.unit_amount, item.quantity) == (price.id, 1000, 2)
    assert item.current_period_end > item.current_period_start
    invoice = subscription.latest_invoice
    assert (invoice.status, invoice.amount_paid, invoice.amount_remaining) == ("paid", 2000, 0)
    assert invoice.parent.subscription_details.subscription == subscription.id
    [line] = invoice.lines.data
    assert (line.amount, line.pricing.price_details.price) == (2000, price.id)
    assert line.parent.subscription_item_details.subscription_item == item.id
    [payment] = invoice.payments.data
    intent = sdk.v1.payment_intents.retrieve(payment.payment.payment_intent, {"expand": ["latest_charge"]})
    assert (intent.status, intent.latest_charge.amount) == ("succeeded", 2000)
    assert subscription.customer.email == "ada@example.com"
    assert invoice.confirmation_secret.type == "payment_intent"


def test_deep_expansion_and_lists_take_few_queries(sdk: Sdk, django_assert_max_num_queries) -> None:
    customer, price = sdk.customer(), sdk.price(500)
    sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    page = sdk.v1.subscriptions.list({"expand": ["data.items.data.price.product", "data.latest_invoice.payments"]})
    [subscription] = page.data
    assert subscription["items"].data[0].price.product.name == "Plan at 500"
    assert subscription.latest_invoice.payments.data[0].amount_paid == 500
    assert sdk.v1.customers.retrieve(customer.id, {"expand": ["subscriptions"]}).subscriptions.data[0].id


def test_errors_are_the_sdks_own(sdk: Sdk) -> None:
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        sdk.v1.customers.retrieve("cus_nothing")
    assert (unknown.value.http_status, unknown.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.subscriptions.create({"customer": sdk.customer().id, "items": [{"price": "price_nothing"}]})
    assert refused.value.param == "items[0][price]"
    with pytest.raises(stripe.CardError) as declined:
        sdk.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": sdk.customer().id})
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    with pytest.raises(stripe.AuthenticationError):
        new_client("sk_test_wrong", sdk.url).v1.customers.list()


def test_error_if_incomplete_creates_nothing(sdk: Sdk) -> None:
    customer = sdk.customer(card="pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as declined:
        sdk.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": sdk.price().id}],
                "payment_behavior": "error_if_incomplete",
            }
        )
    assert (declined.value.http_status, declined.value.error.decline_code) == (402, "generic_decline")
    assert sdk.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    assert sdk.v1.invoices.list({"customer": customer.id}).data == []


def test_the_same_idempotency_key_makes_one_subscription(sdk: Sdk) -> None:
    customer, price = sdk.customer(), sdk.price()
    params = {"customer": customer.id, "items": [{"price": price.id}]}
    first = sdk.v1.subscriptions.create(params, {"idempotency_key": "once"})
    again = sdk.v1.subscriptions.create(params, {"idempotency_key": "once"})
    assert first.id == again.id
    assert len(sdk.v1.subscriptions.list({"customer": customer.id}).data) == 1
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.subscriptions.create({**params, "description": "other"}, {"idempotency_key": "once"})


def test_what_happens_to_the_house_itself_is_not_told(sdk: Sdk) -> None:
    assert Event.objects.filter(type="api_key.created").exists()
    assert sdk.v1.events.list().data == []


def test_events_carry_their_object_as_it_was(sdk: Sdk) -> None:
    customer = sdk.customer()
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": sdk.price().id}]})
    sdk.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    updated = sdk.v1.events.list({"type": "customer.subscription.updated"}).data[0]
    assert updated.data.object.cancel_at_period_end is True
    assert updated.data.object["items"].data[0].price.unit_amount == 1000
    [created] = sdk.v1.events.list({"types": ["customer.subscription.created"]}).data
    assert created.data.object.cancel_at_period_end is False
    assert sdk.v1.events.retrieve(created.id).data.object.id == subscription.id
    kinds = {one.type for one in sdk.v1.events.list({"limit": 100}).data}
    assert {"customer.created", "invoice.created", "invoice.finalized", "invoice.paid"} <= kinds


def test_an_invoice_keeps_what_its_subscription_said_when_it_was_drafted(sdk: Sdk) -> None:
    made = sdk.v1.subscriptions.create(
        {"customer": sdk.customer().id, "items": [{"price": sdk.price(1000).id}], "metadata": {"team": "red"}}
    )
    sdk.v1.subscriptions.update(made.id, {"metadata": {"team": "blue"}})
    told = sdk.v1.invoices.retrieve(made.latest_invoice).parent.subscription_details
    assert (told.subscription, told.metadata["team"]) == (made.id, "red")
    preview = sdk.v1.invoices.create_preview({"subscription": made.id})
    assert preview.parent.subscription_details.metadata["team"] == "blue"


def test_all_languages_wished_for_are_kept_and_the_first_known_one_is_spoken(sdk: Sdk) -> None:
    customer = sdk.v1.customers.create({"email": "zoe@example.com", "preferred_locales": ["de-CH", "fr-CA", "en"]})
    assert customer.preferred_locales == ["de-CH", "fr-CA", "en"]
    assert sdk.v1.customers.update(customer.id, {"name": "Zoé"}).preferred_locales == ["de-CH", "fr-CA", "en"]
    changed = sdk.v1.customers.update(customer.id, {"preferred_locales": ["en"]})
    assert changed.preferred_locales == ["en"]
    [told] = sdk.v1.events.list({"type": "customer.updated", "limit": 1}).data
    assert told.data.previous_attributes["preferred_locales"] == ["de-CH", "fr-CA", "en"]
    assert sdk.v1.customers.update(customer.id, {"preferred_locales": ""}).preferred_locales == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.customers.update(customer.id, {"preferred_locales": ["fr", "klingon"]})
    assert refused.value.param == "preferred_locales[1]"
