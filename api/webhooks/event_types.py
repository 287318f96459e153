"""The types of event that an endpoint may ask for: Stripe's own list, as its SDK knows it, and ours beside it."""

from __future__ import annotations

import typing
from functools import cache

from stripe.params import WebhookEndpointCreateParams

# Told here and nowhere else.
OURS = frozenset({"customer.subscription.usage_discarded"})

# Facts that the house tells itself, and that Stripe has no event for: no integration expects them.
UNTOLD = frozenset(
    {
        "customer_balance_transaction.created",
        "entitlements.feature.created",
        "entitlements.feature.updated",
        "invoiceitem.updated",
        "payment_intent.updated",
        "payment_method.expiring",
        "payout.in_transit",
        "payout.pending",
    }
)
# Facts about the house itself, which Stripe does not tell its integrations either.
WITHIN = frozenset({"api_key", "gateway_account", "number_series", "webhook_endpoint"})


@cache
def known_event_types() -> frozenset[str]:
    """Without the star."""
    (words,) = typing.get_args(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    return (frozenset(typing.get_args(words)) | OURS) - {"*"}
