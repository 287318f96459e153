"""The types of event that an endpoint may ask for: Stripe's own list, as its SDK knows it, and ours beside it."""

from __future__ import annotations

import typing
from functools import cache

from stripe.params import WebhookEndpointCreateParams

# Told here and nowhere else.
OURS = frozenset({"customer.subscription.usage_discarded"})


@cache
def known_event_types() -> frozenset[str]:
    """Without the star."""
    (words,) = typing.get_args(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    return (frozenset(typing.get_args(words)) | OURS) - {"*"}
