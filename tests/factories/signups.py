"""Running subscriptions, made by the product's own use case."""

from datetime import datetime
from typing import Any

from customers.models import Customer
from engine.services.subscribe import subscribe
from engine.types import ItemRequest, SubscribeRequest
from subscriptions.models import Subscription
from tests.factories.times import NEW_YEAR, context


def subscription(
    *, customer: Customer, prices: list[Any], quantity: int = 1, at: datetime = NEW_YEAR, **request: Any
) -> Subscription:
    """Subscribed at `at`, and paid when the customer has a method that works."""
    result = subscribe(
        ctx=context(at),
        request=SubscribeRequest(
            merchant_id=customer.merchant_id,
            customer_id=customer.id,
            items=tuple(ItemRequest(price.id, quantity) for price in prices),
            **request,
        ),
    )
    return Subscription.objects.get(id=result.subscription_id)
