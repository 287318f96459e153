"""Secrets at rest: AES-256-GCM, with the key's id in front and the row they belong to as associated data.

A sealed text that is copied to another row, or to another column, does not open. Pure: keys and nonce come in.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import OstinatoError, gettext_noop

NONCE_BYTES = 12


class SealBroken(OstinatoError):
    code = "secret_unreadable"
    message_id = gettext_noop("A stored key cannot be read any more: connect the payment processor again.")


def sealing_key(secret: str) -> bytes:
    """A key for AES-256 from any long secret."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ostinato/sealing/1").derive(secret.encode())


def key_id(key: bytes) -> str:
    """Names a key without telling it."""
    return sha256(b"ostinato/key-id" + key).hexdigest()[:8]


def seal(text: str, *, key: bytes, bound_to: str, nonce: bytes) -> str:
    """`v1.<key id>.<nonce and ciphertext>`; `nonce` is 12 random bytes, never used twice."""
    assert len(nonce) == NONCE_BYTES
    sealed = nonce + AESGCM(key).encrypt(nonce, text.encode(), bound_to.encode())
    return f"v1.{key_id(key)}.{urlsafe_b64encode(sealed).decode()}"


def unseal(sealed: str, *, keys: Mapping[str, bytes], bound_to: str) -> str:
    """The text again; `keys` by their ids. Raises `SealBroken`."""
    version, _, rest = sealed.partition(".")
    name, _, body = rest.partition(".")
    if version != "v1" or name not in keys:
        raise SealBroken
    try:
        raw = urlsafe_b64decode(body.encode())
        opened = AESGCM(keys[name]).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode())
    except (ValueError, InvalidTag):
        raise SealBroken from None
    return opened.decode()
