"""A button pressed twice acts once: each form carries a token that one request alone can spend."""

from datetime import timedelta

from django.core import signing
from django.core.cache import cache

from core.ids import new_secret

SALT = "dashboard.action"
FIELD = "action_token"
LIFETIME = timedelta(hours=12)


class TokenMissing(Exception):
    """The form came without a token of ours for this person: forged, or older than its lifetime."""


def new_action_token(user_id: str) -> str:
    return signing.TimestampSigner(salt=SALT).sign(f"{user_id}:{new_secret()}")


def spend_action_token(token: str, user_id: str) -> str | None:
    """The token's unique part, which is also the use case's idempotency key; None when it was spent before.

    `cache.add` on the database cache is an INSERT that fails on the second try, on any process and host.
    """
    try:
        value = signing.TimestampSigner(salt=SALT).unsign(token, max_age=LIFETIME)
    except signing.BadSignature as error:
        raise TokenMissing from error
    owner, _, unique = value.partition(":")
    if owner != user_id:
        raise TokenMissing
    if not cache.add(f"action:{unique}", 1, timeout=int(LIFETIME.total_seconds())):
        return None
    return f"dashboard-{unique}"
