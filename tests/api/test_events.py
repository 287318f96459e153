"""Events as Stripe's documentation tells them: which, in which order, of what, and how it was before.

https://docs.stripe.com/billing/subscriptions/webhooks, https://docs.stripe.com/api/events
"""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from api.webhooks.deliveries import make_deliveries
from api.webhooks.sender import Sender
from events.types import Consumer
from tests.api.receiver import receiver
from tests.api.sdk import Sdk
from tests.api.test_sdk_clocks import at
from tests.events.outbox import drain

wall = timezone.now  # noqa: TID251 (the SDK's server lives in wall time)
START = at(2024, 1, 1)


class Story:
    """Steps of one customer on a clock; `told` gives what happened since it was last asked."""

    def __init__(self, sdk: Sdk, card: str = "pm_card_visa") -> None:
        self.sdk, self.v1 = sdk, sdk.v1
        self.clock = sdk.clock(START)
        self.customer = sdk.customer(self.clock.id, card=card)
        self.price = sdk.price(1000)
        self.seen: set[str] = set()
        self.told()

    def subscribe(self, **fields: Any) -> Any:
        items = [{"price": self.price.id}]
        return self.v1.subscriptions.create({"customer": self.customer.id, "items": items, **fields})

    def told(self) -> list[tuple[str, str]]:
        """(type, the object's status), the oldest first; the clock's own apart."""
        fresh = [one for one in self.v1.events.list({"limit": 100}).auto_paging_iter() if one.id not in self.seen]
        self.seen |= {one.id for one in fresh}
        return [
            (one.type, one.data.object.to_dict().get("status") or "")
            for one in sorted(fresh, key=lambda event: event.id)
            if "test_clock" not in one.type
        ]


PAID = [
    ("charge.succeeded", "succeeded"),
    ("payment_intent.succeeded", "succeeded"),
    ("invoice.updated", "paid"),
    ("invoice.paid", "paid"),
    ("invoice.payment_succeeded", "paid"),
    ("invoice_payment.paid", "paid"),
]
FAILED = [
    ("charge.failed", "failed"),
    ("payment_intent.payment_failed", "requires_payment_method"),
    ("invoice.updated", "open"),
    ("invoice.payment_failed", "open"),
]
FINALIZED = [("payment_intent.created", "requires_confirmation"), ("invoice.finalized", "open")]


def test_a_subscription_that_is_paid_at_once(sdk: Sdk) -> None:
    story = Story(sdk)
    story.subscribe()
    assert story.told() == [
        ("payment_intent.created", "requires_confirmation"),
        ("customer.updated", ""),  # its currency
        ("customer.subscription.created", "incomplete"),
        ("invoice.created", "draft"),
        ("invoice.finalized", "open"),
        *PAID,
        ("customer.subscription.updated", "active"),
    ]


def test_a_subscription_whose_first_payment_fails_and_that_runs_out(sdk: Sdk) -> None:
    story = Story(sdk, "pm_card_chargeCustomerFail")
    story.subscribe()
    assert story.told()[-6:] == [("invoice.created", "draft"), ("invoice.finalized", "open"), *FAILED]
    sdk.advance(story.clock.id, START + 24 * 3600)
    assert story.told() == [
        ("customer.subscription.updated", "incomplete_expired"),
        ("payment_intent.canceled", "canceled"),
        ("invoice.voided", "void"),
    ]


def test_a_trial_announces_its_end_and_becomes_paid(sdk: Sdk) -> None:
    story = Story(sdk)
    story.subscribe(trial_period_days=7)
    assert story.told() == [
        ("customer.updated", ""),
        ("customer.subscription.created", "trialing"),
        ("invoice.created", "draft"),
        ("invoice.finalized", "paid"),  # nothing was due
        ("invoice.paid", "paid"),
        ("invoice.payment_succeeded", "paid"),
    ]
    sdk.advance(story.clock.id, at(2024, 1, 5))
    assert story.told() == [("customer.subscription.trial_will_end", "trialing")]
    sdk.advance(story.clock.id, at(2024, 1, 8))
    assert story.told() == [("customer.subscription.updated", "active"), ("invoice.created", "draft")]
    sdk.advance(story.clock.id, at(2024, 1, 8, 2))
    assert story.told() == [*FINALIZED, *PAID]


def test_a_renewal_that_fails_is_retried_recovers_and_ends(sdk: Sdk) -> None:
    story = Story(sdk)
    subscription = story.subscribe()
    story.told()
    sdk.advance(story.clock.id, at(2024, 2, 1))
    assert story.told() == [("customer.subscription.updated", "active"), ("invoice.created", "draft")]
    sdk.advance(story.clock.id, at(2024, 2, 1, 2))
    assert story.told() == [*FINALIZED, *PAID]

    pay_with(story, "pm_card_chargeCustomerFail")
    sdk.advance(story.clock.id, at(2024, 3, 1, 2))
    assert story.told()[2:] == [*FINALIZED, *FAILED, ("customer.subscription.updated", "past_due")]
    invoice = story.v1.subscriptions.retrieve(subscription.id).latest_invoice
    sdk.advance(story.clock.id, story.v1.invoices.retrieve(invoice).next_payment_attempt)
    assert story.told() == FAILED

    pay_with(story, "pm_card_visa")
    story.v1.invoices.pay(invoice)
    assert story.told() == [*PAID, ("customer.subscription.updated", "active")]
    story.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert story.told() == [("customer.subscription.updated", "active")]
    sdk.advance(story.clock.id, at(2024, 4, 1))
    assert story.told() == [("customer.subscription.deleted", "canceled")]


def pay_with(story: Story, card: str) -> None:
    method = story.v1.payment_methods.attach(card, {"customer": story.customer.id})
    story.v1.customers.update(story.customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    assert [kind for kind, _ in story.told()] == ["payment_method.attached", "customer.updated"]


def latest(sdk: Sdk, type: str) -> Any:
    return sdk.v1.events.list({"type": type, "limit": 1}).data[0]


def test_a_changed_item_is_told_whole_as_it_was(sdk: Sdk) -> None:
    story = Story(sdk)
    subscription = story.subscribe(metadata={"order": "1"})
    dearer = sdk.price(3000)
    [item] = subscription["items"].data
    change = {"items": [{"id": item.id, "price": dearer.id, "quantity": 3}], "metadata": {"order": "2"}}
    story.v1.subscriptions.update(subscription.id, change)
    data = latest(sdk, "customer.subscription.updated").data
    previous = data.previous_attributes.to_dict()
    assert set(previous) == {"items", "metadata"}
    assert (previous["metadata"], set(previous["items"])) == ({"order": "1"}, {"data"})
    [was] = previous["items"]["data"]
    assert (was["id"], was["price"]["id"], was["quantity"]) == (item.id, story.price.id, 1)
    [now] = data.object["items"].data
    assert (now.id, now.price.id, now.quantity) == (item.id, dearer.id, 3)


def test_only_updates_say_how_it_was(sdk: Sdk) -> None:
    story = Story(sdk)
    subscription = story.subscribe()
    story.v1.subscriptions.cancel(subscription.id)
    saying = {one.type for one in sdk.v1.events.list({"limit": 100}).data if "previous_attributes" in one.data}
    assert saying == {"customer.updated", "customer.subscription.updated", "invoice.updated"}
    paid = latest(sdk, "invoice.updated").data.previous_attributes.to_dict()
    assert (paid["status"], paid["amount_paid"], paid["status_transitions"]) == ("open", 0, {"paid_at": None})


def test_an_event_names_its_version_and_the_request_behind_it(sdk: Sdk) -> None:
    story = Story(sdk)
    made = story.v1.customers.create({"name": "Bob"}, {"idempotency_key": "bob-1"})
    event = latest(sdk, "customer.created")
    assert event["request"].to_dict() == {"id": made.last_response.request_id, "idempotency_key": "bob-1"}
    assert (event.api_version, event.livemode, "account" in event) == ("2026-08-26.dahlia", False, False)
    story.subscribe()
    sdk.advance(story.clock.id, at(2024, 2, 1))
    # What the run does by itself has no request.
    assert latest(sdk, "invoice.created")["request"].to_dict() == {"id": None, "idempotency_key": None}


def test_an_event_counts_the_endpoints_that_have_yet_to_take_it(sdk: Sdk, settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_PRIVATE = True

    def waiting() -> int:
        return int(latest(sdk, "customer.created").pending_webhooks)

    with receiver() as here, receiver() as there:
        for url, types in ((here.url, ["customer.created"]), (there.url, ["*"]), (there.url, ["invoice.paid"])):
            sdk.v1.webhook_endpoints.create({"url": url, "enabled_events": types})
        there.status = 500
        sdk.customer(card="")
        assert waiting() == 2  # not handed out yet
        drain(Consumer("api.webhooks", make_deliveries), wall=wall())
        assert waiting() == 2
        Sender(clock=wall).drain()
        assert waiting() == 1  # one has taken it, one is tried again
    assert sdk.v1.events.retrieve(latest(sdk, "customer.created").id).pending_webhooks == 1


@pytest.mark.parametrize("type", ["payment_intent.updated", "invoiceitem.updated", "entitlements.feature.created"])
def test_facts_that_stripe_has_no_event_for_are_nobodys_outside(sdk: Sdk, type: str) -> None:
    story = Story(sdk)
    story.subscribe()
    [intent] = sdk.v1.payment_intents.list().data
    sdk.v1.payment_intents.update(intent.id, {"metadata": {"a": "1"}})
    item = sdk.v1.invoice_items.create({"customer": story.customer.id, "amount": 100, "currency": "usd"})
    sdk.v1.invoice_items.update(item.id, {"amount": 200})
    sdk.v1.entitlements.features.create({"name": "Reading", "lookup_key": "reading"})
    assert sdk.v1.events.list({"type": type}).data == []
