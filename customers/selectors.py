"""Reads of customers and what hangs on them. Always within one merchant."""

from datetime import datetime

from django.db.models import QuerySet

from core.errors import OstinatoError, gettext_noop
from customers.models import Customer, CustomerBalanceTransaction, CustomerTaxId, PaymentMethod


class CustomerNotFound(OstinatoError):
    code = "resource_missing"
    param = "customer"
    message_id = gettext_noop("There is no such customer.")


class PaymentMethodNotFound(OstinatoError):
    code = "resource_missing"
    param = "payment_method"
    message_id = gettext_noop("There is no such payment method.")


def customers(merchant_id: str) -> QuerySet[Customer]:
    """The merchant's customers, the latest first, without the deleted."""
    return Customer.objects.filter(merchant_id=merchant_id, deleted_at__isnull=True).order_by("-created", "-id")


def customer_by_id(merchant_id: str, customer_id: str) -> Customer:
    """One customer with its clock and merchant. Raises `CustomerNotFound`, for another merchant's too."""
    found = customers(merchant_id).select_related("test_clock", "merchant").filter(id=customer_id).first()
    if found is None:
        raise CustomerNotFound
    return found


def customers_by_email(merchant_id: str, email: str) -> list[Customer]:
    """Who has that address, whatever its letter case; the latest first."""
    return list(customers(merchant_id).filter(email__iexact=email.strip()))


def customer_time(customer: Customer, now: datetime) -> datetime:
    """Business time for this customer: its clock's, or `now`. Edges put it into their context."""
    return customer.test_clock.frozen_time if customer.test_clock else now


def payment_methods(merchant_id: str, customer_id: str) -> list[PaymentMethod]:
    """What the customer can pay with, the latest first."""
    attached = PaymentMethod.objects.filter(merchant_id=merchant_id, customer_id=customer_id, detached_at__isnull=True)
    return list(attached.order_by("-created", "-id"))


def payment_method_by_id(merchant_id: str, customer_id: str, payment_method_id: str) -> PaymentMethod:
    """One of the customer's own, attached. Raises `PaymentMethodNotFound`."""
    found = PaymentMethod.objects.filter(
        merchant_id=merchant_id, customer_id=customer_id, id=payment_method_id, detached_at__isnull=True
    ).first()
    if found is None:
        raise PaymentMethodNotFound
    return found


def tax_ids(merchant_id: str, customer_id: str) -> list[CustomerTaxId]:
    """The customer's tax numbers in the order they were given."""
    return list(
        CustomerTaxId.objects.filter(merchant_id=merchant_id, customer_id=customer_id).order_by("created", "id")
    )


def balance_transactions(merchant_id: str, customer_id: str) -> QuerySet[CustomerBalanceTransaction]:
    """The balance's ledger, the latest entry first."""
    return CustomerBalanceTransaction.objects.filter(merchant_id=merchant_id, customer_id=customer_id).order_by(
        "-sequence"
    )
