"""Stripe's ids of our customers: made once per account, kept in `GatewayCustomer`."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from stripe.params import CustomerUpdateParams

from payments.gateways.base import Call
from payments.gateways.stripe_client import Connection, translated
from payments.models import AccountStatus, GatewayCustomer


def ensure(at: Connection, call: Call, customer_id: str, *, email: str = "", name: str = "") -> str:
    """The id, from our table or made under a key of the customer's own: two that race make one.

    `call.key` is not used: whoever needs the customer first, the same key makes it.
    """
    rows = GatewayCustomer.objects.filter(merchant_id=call.merchant_id, gateway_account=at.account)
    standing = rows.filter(customer_id=customer_id, deleted_at__isnull=True)
    found = standing.first()
    if found is not None:
        return found.gateway_customer_id
    # One that was deleted over there is made anew, under another key than the first. Name and address come after:
    # a key asks for the very same parameters each time, and they may have changed since.
    times = rows.filter(customer_id=customer_id).count()
    with translated():
        made = at.client.v1.customers.create(
            {"metadata": {"customer": customer_id}},
            {"idempotency_key": f"{at.account.id}/{customer_id}/customer/{times}"},
        )
        if email or name:
            at.client.v1.customers.update(made.id, _described(email, name))
    with transaction.atomic(durable=True):
        GatewayCustomer.objects.bulk_create(
            [
                GatewayCustomer(
                    merchant_id=call.merchant_id,
                    gateway_account=at.account,
                    customer_id=customer_id,
                    gateway_customer_id=made.id,
                    created=call.at,
                    recorded_at=call.recorded_at,
                )
            ],
            ignore_conflicts=True,
        )
    return standing.get().gateway_customer_id


def known(owners: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Stripe's ids of these (merchant, customer), those that there are. One query."""
    wanted = set(owners)
    rows = GatewayCustomer.objects.filter(
        merchant_id__in={merchant_id for merchant_id, _ in wanted},
        customer_id__in={customer_id for _, customer_id in wanted},
        deleted_at__isnull=True,
        gateway_account__gateway="stripe",
    ).exclude(gateway_account__status=AccountStatus.DISCONNECTED)
    found = {(row.merchant_id, row.customer_id): row.gateway_customer_id for row in rows}
    return {owner: found[owner] for owner in wanted if owner in found}


def _described(email: str, name: str) -> CustomerUpdateParams:
    described: CustomerUpdateParams = {}
    if email:
        described["email"] = email
    if name:
        described["name"] = name
    return described
