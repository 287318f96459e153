"""Meters, metered prices, and what is reported to them."""

from datetime import datetime
from typing import Any

from catalog.models import Meter, Price
from customers.models import Customer
from merchants.models import Merchant
from tests.factories.catalog import price
from tests.factories.times import NEW_YEAR, context
from usage.services import record_meter_events
from usage.types import EventOutcome, MeterEvent


def meter(
    *,
    merchant: Merchant,
    event_name: str = "calls",
    formula: str = "sum",
    created: datetime = NEW_YEAR,
    **fields: Any,
) -> Meter:
    """An active meter that sums `value` unless told."""
    return Meter.objects.create(
        merchant=merchant,
        display_name=event_name.capitalize(),
        event_name=event_name,
        formula=formula,
        created=created,
        recorded_at=created,
        **fields,
    )


def metered_price(*, meter: Meter, amount: int | str = 10, **fields: Any) -> Price:
    return price(merchant=meter.merchant, amount=amount, usage_type="metered", meter=meter, **fields)


def report(
    customer: Customer,
    value: int | str,
    at: datetime,
    *,
    event_name: str = "calls",
    identifier: str = "",
    reported: datetime | None = None,
) -> EventOutcome:
    """`value` used at `at`, reported the same moment unless told."""
    event = MeterEvent(event_name, {"stripe_customer_id": customer.id, "value": str(value)}, identifier, at)
    [outcome] = record_meter_events(ctx=context(reported or at), merchant_id=customer.merchant_id, events=[event])
    return outcome
