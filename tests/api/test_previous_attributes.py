"""What an event says of how its object was before, by the names that the object has."""

from __future__ import annotations

from typing import Any

import pytest

from api.resources.events import previous_attributes
from tests.api.sdk import Sdk


@pytest.mark.parametrize(
    ("before", "after", "previous"),
    [
        ({"name": "A", "age": 1}, {"name": "B", "age": 1}, {"name": "A"}),
        ({"name": None}, {"name": "B"}, {"name": None}),
        ({"metadata": {"a": "1", "b": "2"}}, {"metadata": {"b": "2", "c": "3"}}, {"metadata": {"a": "1", "c": None}}),
        ({"card": {"year": 1, "last4": "4242"}}, {"card": {"year": 2, "last4": "4242"}}, {"card": {"year": 1}}),
        ({"address": {"city": "Lyon"}}, {"address": None}, {"address": {"city": "Lyon"}}),
        ({"tags": ["a", "b"]}, {"tags": ["a"]}, {"tags": ["a", "b"]}),
        ({"lines": [1], "total": 1}, {"total": 1}, {}),
    ],
)
def test_what_changed_is_told_as_it_was(
    before: dict[str, Any], after: dict[str, Any], previous: dict[str, Any]
) -> None:
    assert previous_attributes(before, after) == previous


def last(sdk: Sdk, type: str) -> Any:
    return sdk.v1.events.list({"type": type, "limit": 1}).data[0].data


def test_events_of_changes_name_stripes_attributes(sdk: Sdk) -> None:
    product = sdk.v1.products.create({"name": "Box", "metadata": {"colour": "red"}})
    price = sdk.price(500, product=product.id)
    sdk.v1.products.update(product.id, {"default_price": price.id, "metadata": {"colour": "blue"}})
    previous = last(sdk, "product.updated").previous_attributes.to_dict()
    previous.pop("updated", None)  # the second may be the same one
    assert previous == {"default_price": None, "metadata": {"colour": "red"}}
    customer = sdk.customer()
    sdk.v1.customers.update(customer.id, {"address": {"city": "Lyon"}})
    sdk.v1.customers.update(customer.id, {"address": {"city": "Paris"}, "name": "Ada L."})
    assert last(sdk, "customer.updated").previous_attributes.to_dict() == {"address": {"city": "Lyon"}, "name": "Ada"}
    subscription = sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    sdk.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    changed = last(sdk, "customer.subscription.updated")
    assert changed.previous_attributes.cancel_at_period_end is False
    assert changed.object.cancel_at_period_end is True
    assert set(changed.previous_attributes.to_dict()) <= set(changed.object.to_dict())
