"""The numbers of one customer's own invoices, for merchants that number per customer."""

from __future__ import annotations

from django.db import transaction

from core.context import Context
from customers.models import Customer
from customers.selectors import CustomerNotFound
from invoicing import services as invoicing
from invoicing.models import NumberSeries
from merchants.selectors import default_billing_entity


def set_customer_numbers(
    *, ctx: Context, merchant_id: str, customer_id: str, prefix: str | None = None, next_number: int | None = None
) -> NumberSeries:
    """Prefix and next number; None leaves a thing as it is. Under the customer's lock, as finalization is.

    Raises `CustomerNotFound`, `CustomerPrefixInvalid`, `NumbersOnlyGoUp`, `PrefixTaken`.
    """
    with transaction.atomic():
        locked = Customer.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, id=customer_id)
        if not locked:
            raise CustomerNotFound
        entity = default_billing_entity(merchant_id)
        assert entity is not None, "every merchant has a billing entity"
        return invoicing.set_customer_numbers(
            ctx=ctx,
            merchant_id=merchant_id,
            customer_id=customer_id,
            billing_entity_id=entity.id,
            prefix=prefix,
            next_number=next_number,
        )
