"""A customer on a clock who pays for what it uses, driven by the official SDK."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.api.sdk import Sdk


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


def metered(sdk: Sdk, formula: str = "sum", event: str = "calls", **fields: Any) -> Any:
    """A monthly price of 10 cents a unit that a meter counts, unless told."""
    meters = [one for one in sdk.v1.billing.meters.list({}).data if one.event_name == event]
    meter = (
        meters[0]
        if meters
        else sdk.v1.billing.meters.create(
            {"display_name": event, "event_name": event, "default_aggregation": {"formula": formula}}
        )
    )
    recurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    price = {"currency": "usd", "product_data": {"name": event.capitalize()}, "recurring": recurring, **fields}
    if "tiers" not in price and "percentage" not in price:
        price.setdefault("unit_amount", 10)
    return sdk.v1.prices.create(price)


@dataclass
class User:
    """A customer of one subscription, with its clock."""

    sdk: Sdk
    clock: str
    customer: str
    subscription: Any = None

    def subscribe(self, *prices: Any, **fields: Any) -> Any:
        items = [price if isinstance(price, dict) else {"price": price.id} for price in prices]
        self.subscription = self.sdk.v1.subscriptions.create({"customer": self.customer, "items": items, **fields})
        return self.subscription

    def use(self, value: Any, when: int | None = None, event: str = "calls", **fields: Any) -> Any:
        payload = {"stripe_customer_id": self.customer, "value": str(value)}
        given = {"event_name": event, "payload": payload, **fields}
        return self.sdk.v1.billing.meter_events.create(given if when is None else {**given, "timestamp": when})

    def advance(self, to: int) -> None:
        self.sdk.advance(self.clock, to)

    def items(self) -> list[Any]:
        return list(self.sdk.v1.subscriptions.retrieve(self.subscription.id)["items"].data)

    def change(self, **fields: Any) -> Any:
        return self.sdk.v1.subscriptions.update(self.subscription.id, fields)

    def totals(self) -> list[int]:
        """What its invoices came to, the oldest first."""
        return [one.total for one in self.sdk.invoices(customer=self.customer)]

    def lines(self, number: int = -1) -> list[tuple[int | None, int]]:
        """(quantity, amount) of an invoice's lines, the last one's unless told."""
        return [(line.quantity, line.amount) for line in self.sdk.invoices(customer=self.customer)[number].lines.data]

    def discarded(self) -> list[Any]:
        """What was told of usage that nobody is billed for."""
        events = self.sdk.v1.events.list({"type": "customer.subscription.usage_discarded"}).data
        return [one for event in reversed(events) for one in event.data.previous_attributes["usage"]]


def user(sdk: Sdk, start: int, **fields: Any) -> User:
    clock = sdk.clock(start).id
    return User(sdk, clock, sdk.customer(clock, **fields).id)
