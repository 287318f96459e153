"""Customers, their payment methods, tax ids and test clocks."""

from datetime import datetime
from typing import Any

from core.ids import new_id
from customers.models import Customer, CustomerTaxId, PaymentMethod, TestClock
from merchants.models import Merchant
from payments.models import SandboxObject
from tests.factories.times import NEW_YEAR


def customer(
    *,
    merchant: Merchant,
    name: str = "Ada Tremblay",
    email: str = "ada@example.com",
    payment_method: str = "",
    created: datetime = NEW_YEAR,
    **fields: Any,
) -> Customer:
    """A customer; `payment_method` is a sandbox token such as "pm_card_visa", made its default."""
    row = Customer.objects.create(
        **{
            "merchant": merchant,
            "name": name,
            "email": email,
            "line1": "2 avenue des Pins",
            "city": "Montréal",
            "state": "QC",
            "postal_code": "H2W 1S4",
            "country": "CA",
            "created": created,
            "recorded_at": created,
        }
        | fields
    )
    if payment_method:
        method = attach(customer=row, instrument=payment_method, created=created)
        row.default_payment_method_id = method.id
        row.save(update_fields=["default_payment_method_id"])
    return row


def payment_method(
    *, customer: Customer, instrument: str = "pm_card_visa", created: datetime = NEW_YEAR, **fields: Any
) -> PaymentMethod:
    """A sandbox instrument, attached: what `payments.services.attach_payment_method` leaves behind."""
    gateway_id = new_id("pm")
    SandboxObject.objects.create(
        id=gateway_id,
        merchant_id=customer.merchant_id,
        kind="payment_method",
        body={"instrument": instrument, "customer": customer.id},
        created=created,
        recorded_at=created,
    )
    return PaymentMethod.objects.create(
        **{
            "merchant_id": customer.merchant_id,
            "customer": customer,
            "gateway": "sandbox",
            "gateway_method_id": gateway_id,
            "type": "card",
            "brand": "visa",
            "last4": "4242",
            "exp_month": 12,
            "exp_year": 2035,
            "created": created,
            "recorded_at": created,
        }
        | fields
    )


attach = payment_method  # `customer` has a parameter of the same name


def tax_id(
    *, customer: Customer, type: str = "ca_gst_hst", value: str = "987654321RT0001", created: datetime = NEW_YEAR
) -> CustomerTaxId:
    return CustomerTaxId.objects.create(
        merchant_id=customer.merchant_id,
        customer=customer,
        type=type,
        value=value,
        created=created,
        recorded_at=created,
    )


def clock(*, merchant: Merchant, frozen_time: datetime = NEW_YEAR, name: str = "clock") -> TestClock:
    return TestClock.objects.create(
        merchant=merchant, name=name, frozen_time=frozen_time, created=frozen_time, recorded_at=frozen_time
    )
