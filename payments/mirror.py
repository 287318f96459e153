"""dj-stripe as a thin mirror: what Stripe's own objects looked like when we last heard of them.

Nothing of ours reads it for a decision, and nothing waits for it: it is filled after our own rows were committed, and
a mirror that cannot be filled is only logged. Its store of keys keeps a fingerprint: the library would save every key
that it is handed, in clear.
"""

from __future__ import annotations

import logging
from typing import Any

import stripe
from django.conf import settings
from djstripe import models as djstripe
from djstripe.enums import APIKeyType
from djstripe.models.api import APIKeyManager

from payments.accounts import connected_account
from payments.gateways.stripe_client import new_client
from payments.keys import API_KEY, fingerprint, open_secret

logger = logging.getLogger(__name__)

_MODELS: dict[str, tuple[Any, str]] = {
    "payment_intent": (djstripe.PaymentIntent, "payment_intents"),
    "refund": (djstripe.Refund, "refunds"),
    "dispute": (djstripe.Dispute, "disputes"),
    "payout": (djstripe.Payout, "payouts"),
    "payment_method": (djstripe.PaymentMethod, "payment_methods"),
    "customer": (djstripe.Customer, "customers"),
}


def install() -> None:
    """Once per process: the library's key store keeps fingerprints, and its own calls use our address and time-outs."""
    APIKeyManager.get_or_create_by_api_key = _by_fingerprint  # type: ignore[method-assign]
    stripe.api_base = settings.STRIPE_API_BASE
    stripe.max_network_retries = 0
    stripe.default_http_client = stripe.RequestsClient(
        timeout=(settings.STRIPE_CONNECT_TIMEOUT_S, settings.STRIPE_READ_TIMEOUT_S)
    )


def fingerprint_of(api_key: str) -> str:
    """What stands in the store in a key's place: of a key's form, and no key."""
    return f"{api_key[:8]}{fingerprint(api_key)}"


def _by_fingerprint(manager: APIKeyManager, secret: str) -> tuple[djstripe.APIKey, bool]:
    kind = {"pk": APIKeyType.publishable, "rk": APIKeyType.restricted}.get(secret[:2], APIKeyType.secret)
    defaults = {"type": kind, "livemode": "_live_" in secret[:8]}
    return manager.get_or_create(secret=fingerprint_of(secret), defaults=defaults)


def mirror_object(merchant_id: str, object_type: str, object_id: str) -> bool:
    """Copy one of Stripe's objects, and what it points at, into dj-stripe's tables. False when it could not be."""
    account = connected_account(merchant_id) if settings.STRIPE_MIRROR and object_type in _MODELS else None
    if account is None:
        return False
    model, noun = _MODELS[object_type]
    try:
        api_key = open_secret(account, API_KEY)
        _own_the_key(account.gateway_account_id, api_key)
        found = getattr(new_client(api_key).v1, noun).retrieve(object_id)
        model.sync_from_stripe_data(found, api_key=api_key)
    except Exception:
        logger.warning("%s could not be mirrored", object_id, exc_info=True)
        return False
    return True


def _own_the_key(gateway_account_id: str, api_key: str) -> None:
    """Tell the library whose key it is, so that it need not ask Stripe with what it keeps of it."""
    row, _ = djstripe.APIKey.objects.get_or_create_by_api_key(api_key)
    if row.djstripe_owner_account_id is None:
        owner, _ = djstripe.Account.objects.get_or_create(id=gateway_account_id)
        row.djstripe_owner_account = owner
        row.save()
