"""Endpoints' signing secrets: made, sealed, opened."""

from __future__ import annotations

import secrets
import string
from datetime import datetime
from functools import lru_cache

from api.models import WebhookEndpoint
from payments.keys import open_text, seal_text

_ALPHABET = string.ascii_letters + string.digits


def new_signing_secret() -> str:
    return "whsec_" + "".join(secrets.choice(_ALPHABET) for _ in range(48))


def sealed(endpoint_id: str, secret: str) -> str:
    return seal_text(secret, bound_to=_bound_to(endpoint_id))


def signing_secrets(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """The secret, and the one before while it is still good. Raises `payments.sealing.SealBroken`."""
    found = [_opened(endpoint.id, endpoint.secret_sealed)]
    until = endpoint.secret_before_expires_at
    if endpoint.secret_before_sealed and until is not None and now < until:
        found.append(_opened(endpoint.id, endpoint.secret_before_sealed))
    return found


@lru_cache(maxsize=1024)
def _opened(endpoint_id: str, text: str) -> str:
    return open_text(text, bound_to=_bound_to(endpoint_id))


def _bound_to(endpoint_id: str) -> str:
    return f"api_webhookendpoint/{endpoint_id}/secret"
