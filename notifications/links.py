"""Links of one purpose for people who are not signed in: to fix an invoice's payment, or to confirm it.

Signed, not stored: what a link may do is in it, and it ends on a day. The address of a page belongs to the floor
above; here is only what stands in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.signing import BadSignature, Signer

from core.errors import OstinatoError, gettext_noop

FIX, CONFIRM = "fix", "confirm"
# Longer than the recovery of a payment lasts by default, short enough that an old mailbox is no key for ever.
LINK_LIVES = timedelta(days=30)
_SALT = "ostinato.one-purpose"


class LinkBroken(OstinatoError):
    code = "link_invalid"
    message_id = gettext_noop("This link is incomplete or was changed. Please use the one in the mail as it is.")


class LinkExpired(OstinatoError):
    """`params["link"]` is what it allowed, for whoever words it to its reader; `date` is ISO 8601."""

    code = "link_expired"
    message_id = gettext_noop("This link was valid until %(date)s.")


@dataclass(frozen=True, slots=True)
class OnePurpose:
    """What a link is good for: this invoice, this purpose, until then (wall time)."""

    purpose: str
    merchant_id: str
    invoice_id: str
    expires_at: datetime


def sign_link(link: OnePurpose) -> str:
    """The link's secret: letters, digits, "-", "_" and ":"."""
    value = [link.purpose, link.merchant_id, link.invoice_id, int(link.expires_at.timestamp())]
    return Signer(salt=_SALT).sign_object(value)


def read_link(purpose: str, token: str, now: datetime) -> OnePurpose:
    """What the token allows. Raises `LinkBroken` (one made for another purpose too) and `LinkExpired`."""
    try:
        made_for, merchant_id, invoice_id, expires = Signer(salt=_SALT).unsign_object(token)
        link = OnePurpose(made_for, merchant_id, invoice_id, datetime.fromtimestamp(expires, tz=UTC))
    except (BadSignature, ValueError, TypeError) as broken:
        raise LinkBroken from broken
    if link.purpose != purpose:
        raise LinkBroken
    if now >= link.expires_at:
        raise LinkExpired(date=link.expires_at.date().isoformat(), link=link)
    return link
