"""Open invoices, alone or of a subscription, for what follows finalization."""

from datetime import datetime, timedelta
from typing import Any

from customers.models import Customer
from invoicing.models import Invoice, NumberSeries
from merchants.models import BillingEntity
from subscriptions.models import Subscription
from tests.factories.times import NEW_YEAR


def subscription(
    *, customer: Customer, status: str = "active", created: datetime = NEW_YEAR, **fields: Any
) -> Subscription:
    """A bare subscription without items: enough to have a status."""
    return Subscription.objects.create(
        **{
            "merchant_id": customer.merchant_id,
            "customer": customer,
            "billing_entity": BillingEntity.objects.get(merchant_id=customer.merchant_id),
            "status": status,
            "currency": "cad",
            "billing_cycle_anchor": created,
            "start_date": created,
            "test_clock_id": customer.test_clock_id,
            "created": created,
            "recorded_at": created,
        }
        | fields
    )


def open_invoice(
    *,
    customer: Customer,
    amount: int = 1000,
    subscription: Subscription | None = None,
    created: datetime = NEW_YEAR,
    **fields: Any,
) -> Invoice:
    """A finalized invoice that waits for its first attempt; it is its subscription's latest."""
    series = NumberSeries.objects.get(merchant_id=customer.merchant_id)
    NumberSeries.objects.filter(id=series.id).update(next_number=series.next_number + 1)
    invoice = Invoice.objects.create(
        **{
            "merchant_id": customer.merchant_id,
            "customer": customer,
            "billing_entity": series.billing_entity,
            "subscription": subscription,
            "status": "open",
            "billing_reason": "subscription_cycle" if subscription else "manual",
            "currency": "cad",
            "number_series_id": series.id,
            "number_value": series.next_number,
            "number": f"{series.prefix}{series.next_number:04}",
            "lines_gross": amount,
            "total": amount,
            "amount_due": amount,
            "amount_remaining": amount,
            "period_start": created,
            "period_end": created + timedelta(days=31),
            "finalized_at": created,
            "next_payment_attempt": created,
            "next_action_at": created,
            "test_clock_id": customer.test_clock_id,
            "created": created,
            "recorded_at": created,
        }
        | fields
    )
    if subscription:
        subscription.latest_invoice_id = invoice.id
        subscription.save(update_fields=["latest_invoice_id"])
    return invoice
