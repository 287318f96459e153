"""Merchants and customers whose money goes through Stripe: rows as connecting an account leaves them."""

from datetime import datetime
from typing import Any

from core.ids import new_id
from customers.models import Customer, PaymentMethod
from merchants.models import Merchant
from payments.keys import API_KEY, WEBHOOK_SECRET, hint, seal_secret
from payments.models import GatewayAccount
from tests.factories.merchants import merchant as new_merchant
from tests.factories.times import NEW_YEAR

TEST_KEY = "sk_test_0123456789abcdefghijklmnop"


def stripe_account(
    *,
    merchant: Merchant,
    api_key: str = TEST_KEY,
    gateway_account_id: str = "",
    webhook_secret: str = "",
    created: datetime = NEW_YEAR,
    **fields: Any,
) -> GatewayAccount:
    """A connected account: what `payments.accounts.connect` leaves behind."""
    row_id = new_id("gwa")
    merchant.gateway = "stripe"
    merchant.save(update_fields=["gateway"])
    return GatewayAccount.objects.create(
        **{
            "id": row_id,
            "merchant": merchant,
            "gateway": "stripe",
            "gateway_account_id": gateway_account_id,
            "api_key_sealed": seal_secret(row_id, API_KEY, api_key),
            "api_key_hint": hint(api_key),
            "webhook_secret_sealed": seal_secret(row_id, WEBHOOK_SECRET, webhook_secret) if webhook_secret else "",
            "created": created,
            "recorded_at": created,
        }
        | fields
    )


def merchant_on_stripe(fake: Any, *, api_key: str = TEST_KEY, **fields: Any) -> Merchant:
    """A merchant with an account of its own at the fake."""
    row = new_merchant(**fields)
    account = fake.books.open_account(api_key)
    stripe_account(merchant=row, api_key=api_key, gateway_account_id=account.id)
    return row


def stored_at_stripe(*, customer: Customer, gateway_method_id: str, created: datetime = NEW_YEAR) -> PaymentMethod:
    return PaymentMethod.objects.create(
        merchant_id=customer.merchant_id,
        customer=customer,
        gateway="stripe",
        gateway_method_id=gateway_method_id,
        type="card",
        brand="visa",
        last4="4242",
        created=created,
        recorded_at=created,
    )
