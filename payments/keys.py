"""The processor's secrets in this installation: which keys seal them, and where they are opened.

`ENCRYPTION_KEYS` names one or more secrets, the newest first; all of them open, the first one seals. Without it
`SECRET_KEY` and its fallbacks do. Opened secrets live in memory only, for as long as a call takes.
"""

from __future__ import annotations

import os
from hashlib import sha256

from django.conf import settings

from payments.models import GatewayAccount
from payments.sealing import NONCE_BYTES, key_id, seal, sealing_key, unseal

API_KEY, WEBHOOK_SECRET, WEBHOOK_SECRET_BEFORE = "api_key", "webhook_secret", "webhook_secret_before"


def seal_secret(account_id: str, column: str, text: str) -> str:
    """For the row's `<column>_sealed`."""
    [key, *_] = _ring()
    return seal(text, key=key, bound_to=_bound_to(account_id, column), nonce=os.urandom(NONCE_BYTES))


def open_secret(account: GatewayAccount, column: str) -> str:
    """The secret of the row's `<column>_sealed`; blank when there is none. Raises `SealBroken`."""
    sealed = getattr(account, f"{column}_sealed")
    if not sealed:
        return ""
    return unseal(sealed, keys={key_id(key): key for key in _ring()}, bound_to=_bound_to(account.id, column))


def seal_text(text: str, *, bound_to: str) -> str:
    """For any other room's secret; `bound_to` names its table, row and column."""
    [key, *_] = _ring()
    return seal(text, key=key, bound_to=bound_to, nonce=os.urandom(NONCE_BYTES))


def open_text(sealed: str, *, bound_to: str) -> str:
    """What `seal_text` sealed. Raises `SealBroken`."""
    return unseal(sealed, keys={key_id(key): key for key in _ring()}, bound_to=bound_to)


def fingerprint(secret: str) -> str:
    """What may be kept of a secret where only sameness matters. It is long and random, so a plain hash will do."""
    return sha256(b"ostinato/fingerprint" + secret.encode()).hexdigest()


def hint(secret: str) -> str:
    """For people: "sk_test_…4242"."""
    return f"{secret[:8]}…{secret[-4:]}"


def _ring() -> list[bytes]:
    secrets = settings.ENCRYPTION_KEYS or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [sealing_key(secret) for secret in secrets]


def _bound_to(account_id: str, column: str) -> str:
    return f"payments_gatewayaccount/{account_id}/{column}"
