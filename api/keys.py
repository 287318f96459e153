"""API keys: made, shown once, kept as a hash, found by it."""

from __future__ import annotations

import secrets
import string
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from api.models import ApiKey
from api.protocol.errors import ApiKeyExpired, ApiKeyInvalid, ApiKeyMissing
from core.context import Context
from core.errors import OstinatoError, gettext_noop
from core.ids import hash_secret
from events.models import Event
from events.reading import names_of
from events.statements import Statement, instance
from events.types import EventRow
from events.writes import record_events
from merchants.models import Merchant

_ALPHABET = string.ascii_letters + string.digits
_SECRET_LENGTH = 48  # of 62 letters and digits: 285 bits; letters and digits only, as SDKs expect of a key


# The time of last use is kept to the minute: a row is not written for every request.
_USE_NOTED_EVERY = timedelta(minutes=1)
OVERLAP_MAX = timedelta(days=7)


class KeyExpiryInPast(OstinatoError):
    code = "parameter_invalid_integer"
    param = "expires_at"
    message_id = gettext_noop("A key expires in the future.")


class KeyNotRotatable(OstinatoError):
    code = "resource_missing"
    message_id = gettext_noop("There is no such key, or it is revoked or expired.")


class KeyOverlapTooLong(OstinatoError):
    code = "parameter_invalid_integer"
    param = "overlap"
    message_id = gettext_noop("The old key may go on for at most %(days)s days.")


def create_api_key(
    *,
    ctx: Context,
    merchant_id: str,
    livemode: bool,
    name: str = "",
    scopes: Mapping[str, str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, which nothing can show again: secret, or restricted to `scopes`.

    Raises `KeyExpiryInPast`. The scopes are those of `api.scopes.checked_scopes`.
    """
    if expires_at is not None and expires_at <= ctx.recorded_at:
        raise KeyExpiryInPast
    kind = "sk" if scopes is None else "rk"
    prefix = f"{kind}_live_" if livemode else f"{kind}_test_"
    secret = prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    with transaction.atomic():
        key = ApiKey.objects.create(
            merchant_id=merchant_id,
            name=name,
            secret_hash=hash_secret(secret),
            hint=redacted(secret),
            scopes=None if scopes is None else dict(scopes),
            expires_at=expires_at,
            created=ctx.as_of,
            recorded_at=ctx.recorded_at,
        )
        record_events(ctx, [_told(key, "api_key.created", version=1)])
    return key, secret


def rotate_api_key(*, ctx: Context, merchant_id: str, key_id: str, overlap: timedelta) -> tuple[ApiKey, str]:
    """A new key of the same name and scopes; the old one works for `overlap` more, a week at most.

    Raises `KeyNotRotatable`, `KeyOverlapTooLong`.
    """
    if not timedelta() <= overlap <= OVERLAP_MAX:
        raise KeyOverlapTooLong(days=OVERLAP_MAX.days)
    with transaction.atomic():
        rows = ApiKey.objects.select_for_update(no_key=True, of=("self",)).select_related("merchant")
        good = rows.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=ctx.recorded_at), revoked_at__isnull=True)
        old = good.filter(merchant_id=merchant_id, id=key_id).first()
        if old is None:
            raise KeyNotRotatable
        until = ctx.recorded_at + overlap
        old.expires_at = min(until, old.expires_at or until)
        old.save(update_fields=["expires_at"])
        record_events(ctx, [_told(old, "api_key.rotated", version=_next_version(old))])
        return create_api_key(
            ctx=ctx, merchant_id=merchant_id, livemode=old.merchant.livemode, name=old.name, scopes=old.scopes
        )


def note_use(key: ApiKey, now: datetime) -> None:
    """When a key was last used, to the minute."""
    if key.last_used_at is None or key.last_used_at < now - _USE_NOTED_EVERY:
        ApiKey.objects.filter(id=key.id).update(last_used_at=now)


def revoke_api_key(*, ctx: Context, merchant_id: str, key_id: str) -> bool:
    """Requests with it are refused from now on; whether this did it. Another merchant's key stays as it is."""
    with transaction.atomic():
        rows = ApiKey.objects.select_for_update(no_key=True)
        key = rows.filter(merchant_id=merchant_id, id=key_id, revoked_at__isnull=True).first()
        if key is None:
            return False
        key.revoked_at = ctx.recorded_at
        key.save(update_fields=["revoked_at"])
        record_events(ctx, [_told(key, "api_key.revoked", version=_next_version(key))])
    return True


def _next_version(key: ApiKey) -> int:
    """A key has no column for it: it changes twice in its life, under its row's lock."""
    told = Event.objects.filter(merchant_id=key.merchant_id, object_id=key.id)
    return 1 + (told.aggregate(latest=Max("object_version"))["latest"] or 0)


def _told(key: ApiKey, event_type: str, *, version: int) -> EventRow:
    """Who made and who revoked a key is told like any other fact; of the key itself only what may be shown."""
    return EventRow(
        merchant_id=key.merchant_id,
        type=event_type,
        object_type="api_key",
        object_id=key.id,
        object_version=version,
        body={"id": key.id, "object": "api_key", "name": key.name, "hint": key.hint},
    )


def redacted(secret: str) -> str:
    """What may be shown of a key: "sk_test_…Ab12"."""
    return f"{secret[:8]}…{secret[-4:]}" if len(secret) > 16 else "…"


def secret_in(authorization: str) -> str:
    """The key in an Authorization header, bearer or basic (the user name). Raises `ApiKeyMissing`."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        try:
            user = b64decode(value.strip(), validate=True).decode().partition(":")[0]
        except (BadBase64, UnicodeDecodeError):
            user = ""
        if user:
            return user
    raise ApiKeyMissing


def authenticate(authorization: str, *, now: datetime) -> ApiKey:
    """The key a request was made with, with its merchant. Raises `ApiKeyMissing`, `ApiKeyInvalid`, `ApiKeyExpired`."""
    secret = secret_in(authorization)
    key = next(map(_key_of, _with_hash.tuples(hash=hash_secret(secret))), None)
    if key is None or key.revoked_at is not None:
        raise ApiKeyInvalid(key=redacted(secret))
    if key.expires_at is not None and key.expires_at <= now:
        raise ApiKeyExpired(key=redacted(secret))
    return key


_with_hash = Statement(
    lambda hash: ApiKey.objects.filter(secret_hash=hash).values_list(
        *names_of(ApiKey), *(f"merchant__{name}" for name in names_of(Merchant))
    )
)


def _key_of(columns: tuple[Any, ...]) -> ApiKey:
    own = len(names_of(ApiKey))
    key = instance(ApiKey, columns[:own])
    key.merchant = instance(Merchant, columns[own:])
    return key
