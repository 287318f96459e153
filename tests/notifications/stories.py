"""Events as the relay hands them over, for tests of the mails."""

from datetime import datetime, timedelta

from core.ids import new_id
from events.types import DeliveredEvent
from merchants.models import Merchant
from subscriptions.models import Subscription, SubscriptionItem
from tests.factories.times import utc

TOLD = utc(2024, 1, 5, 15)


def told(
    type: str,
    object_id: str,
    *,
    merchant: Merchant,
    created: datetime = TOLD,
    recorded_at: datetime | None = None,
    clock: str | None = None,
    id: str = "",
    kind: str = "",
) -> DeliveredEvent:
    """An event about an object, told as it happened."""
    named = type.partition(".")[0]
    kind = kind or (named if named in ("invoice", "invoice_payment", "refund") else "subscription")
    return DeliveredEvent(
        xid=1, id=id or new_id("evt"), merchant_id=merchant.id, type=type, object_type=kind, object_id=object_id,
        object_version=1, customer_id="", previous_attributes=None, actor="run", request_id="", test_clock_id=clock,
        created=created, recorded_at=recorded_at or created,
    )  # fmt: skip


def subscription(*, customer, price, created: datetime = TOLD, **fields) -> Subscription:
    """A subscription with one item, as a row."""
    entity = customer.merchant.billing_entities.get()
    row = Subscription.objects.create(
        **{
            "merchant": customer.merchant,
            "customer": customer,
            "billing_entity": entity,
            "status": "active",
            "currency": price.currency,
            "billing_cycle_anchor": created,
            "start_date": created,
            "created": created,
            "recorded_at": created,
        }
        | fields
    )
    SubscriptionItem.objects.create(
        merchant=customer.merchant, subscription=row, price=price, quantity=2, current_period_start=created,
        current_period_end=created + timedelta(days=31), created=created, recorded_at=created,
    )  # fmt: skip
    return row
