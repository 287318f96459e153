"""Reads of customers and what hangs on them. Always within one merchant."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from core.errors import OstinatoError, gettext_noop
from customers.models import (
    CreditGrant,
    CreditGrantTransaction,
    Customer,
    CustomerBalanceTransaction,
    CustomerTaxId,
    PaymentMethod,
)
from customers.rules import grant_is_spendable, in_order_of_spending
from customers.types import CreditGrantFacts
from events.statements import Statement


class CustomerNotFound(OstinatoError):
    code = "resource_missing"
    param = "customer"
    message_id = gettext_noop("There is no such customer.")


class PaymentMethodNotFound(OstinatoError):
    code = "resource_missing"
    param = "payment_method"
    message_id = gettext_noop("There is no such payment method.")


class CreditGrantNotFound(OstinatoError):
    code = "resource_missing"
    param = "credit_grant"
    message_id = gettext_noop("There is no such credit grant.")


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


def credit_grants(merchant_id: str, customer_id: str = "") -> QuerySet[CreditGrant]:
    """The merchant's credit grants, or one customer's, the latest first."""
    found = CreditGrant.objects.filter(merchant_id=merchant_id).order_by("-created", "-id")
    return found.filter(customer_id=customer_id) if customer_id else found


def credit_grant_by_id(merchant_id: str, credit_grant_id: str) -> CreditGrant:
    """One credit grant. Raises `CreditGrantNotFound`, for another merchant's too."""
    found = credit_grants(merchant_id).select_related("customer", "merchant").filter(id=credit_grant_id).first()
    if found is None:
        raise CreditGrantNotFound
    return found


def credit_grant_transactions(merchant_id: str, credit_grant_id: str) -> QuerySet[CreditGrantTransaction]:
    """A grant's ledger, the latest entry first."""
    found = CreditGrantTransaction.objects.filter(merchant_id=merchant_id, credit_grant_id=credit_grant_id)
    return found.order_by("-sequence")


def grants_to_spend(customer_ids: Iterable[str], at: datetime) -> dict[str, list[CreditGrantFacts]]:
    """What these customers could spend at `at`, in the order of spending, by customer. One query."""
    found: dict[str, list[CreditGrantFacts]] = {}
    for facts in in_order_of_spending(map(credit_grant_facts, _grants_with_balance.models(customers=customer_ids))):
        if grant_is_spendable(facts, facts.currency, at):
            found.setdefault(facts.customer_id, []).append(facts)
    return found


_grants_with_balance = Statement(
    lambda customers: CreditGrant.objects.filter(customer_id__any=customers, balance__gt=0, voided_at__isnull=True)
)


def credit_summary(merchant_id: str, customer_id: str, at: datetime) -> dict[str, tuple[int, int]]:
    """By currency (available, ledger): what an invoice could spend at `at`, and what the ledgers come to.

    They differ by what is not effective yet or has expired without having been written off. What is spent is 0.
    """
    sums: dict[str, tuple[int, int]] = {}
    for row in credit_grants(merchant_id, customer_id).filter(voided_at__isnull=True):
        available, ledger = sums.get(row.currency, (0, 0))
        spendable = grant_is_spendable(credit_grant_facts(row), row.currency, at)
        sums[row.currency] = (available + (row.balance if spendable else 0), ledger + row.balance)
    return sums


def credit_grant_facts(row: CreditGrant) -> CreditGrantFacts:
    return CreditGrantFacts(
        id=row.id,
        name=row.name,
        customer_id=row.customer_id,
        currency=row.currency,
        balance=row.balance,
        effective_at=row.effective_at,
        created=row.created,
        priority=row.priority,
        expires_at=row.expires_at,
        category=row.category,
        price_ids=frozenset(row.price_ids),
    )
