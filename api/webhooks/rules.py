"""What the merchant's endpoints are told, when again, and signed how. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from core.errors import OstinatoError, gettext_noop

# Tried again for three days, as Stripe does; ours is the ladder.
TRIED_FOR = timedelta(days=3)
WAITS_S = (10, 60, 5 * 60, 15 * 60, 30 * 60, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 12 * 3600)
# An endpoint that has taken nothing for this long is switched off, and its merchant is told.
DISABLED_AFTER = timedelta(days=5)
OVERLAP_MAX = timedelta(hours=24)
BODY_KEPT, HEADERS_KEPT, HEADER_KEPT = 4000, 30, 300
EVENTS_MAX = 500
# Letters, digits and underscores in parts between dots: "invoice.paid".
_TYPE = re.compile(r"[a-z0-9_]{1,60}(\.[a-z0-9_]{1,60}){1,4}")
_SECRET_HEADERS = re.compile(r"authorization|cookie|token|secret|api-?key|signature", re.IGNORECASE)


class UrlInvalid(OstinatoError):
    code = "url_invalid"
    param = "url"
    message_id = gettext_noop("Invalid URL: an http or https address without user name and fragment is expected.")


class UrlNotSecure(OstinatoError):
    code = "url_invalid"
    param = "url"
    message_id = gettext_noop("Invalid URL: endpoints of live mode are reached by https only.")


class EventsMissing(OstinatoError):
    code = "parameter_invalid_empty"
    param = "enabled_events"
    message_id = gettext_noop("Name at least one event, or * for all of them.")


class EventUnknown(OstinatoError):
    code = "parameter_invalid"
    param = "enabled_events"
    message_id = gettext_noop("Invalid enabled_events: “%(type)s” is no type of event.")


class StarNotAlone(OstinatoError):
    code = "parameter_invalid"
    param = "enabled_events"
    message_id = gettext_noop("Invalid enabled_events: * stands for all events and is given alone.")


def signature_header(body: bytes, *, secrets: Sequence[str], at: int) -> str:
    """Stripe's scheme: HMAC-SHA256 of "<seconds>.<body>" by each secret that is good: `t=…,v1=…[,v1=…]`."""
    signed = str(at).encode() + b"." + body
    signatures = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={one}" for one in signatures)])


def wants(enabled_events: Sequence[str], event_type: str) -> bool:
    return "*" in enabled_events or event_type in enabled_events


def checked_events(given: Sequence[str], known: Iterable[str]) -> list[str]:
    """The types, each once. Raises `EventsMissing`, `StarNotAlone`, `EventUnknown`."""
    events = list(dict.fromkeys(given))
    if not events:
        raise EventsMissing
    if "*" in events:
        if len(events) > 1:
            raise StarNotAlone
        return events
    allowed = frozenset(known)
    for one in events:
        if one not in allowed or not _TYPE.fullmatch(one):
            raise EventUnknown(type=one[:100])
    return events


def checked_url(url: str, *, livemode: bool) -> str:
    """Raises `UrlInvalid`, `UrlNotSecure`. Where the name leads is seen when it is called."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        raise UrlInvalid from None
    shaped = parts.scheme in ("http", "https") and parts.hostname and port_ok and url.isascii() and url.isprintable()
    if not shaped or " " in url or "@" in parts.netloc or parts.fragment:
        raise UrlInvalid
    if livemode and parts.scheme != "https":
        raise UrlNotSecure
    return url


def next_attempt(*, delivery_id: str, attempts: int, created: datetime, now: datetime) -> datetime | None:
    """When after `attempts` failures it is tried again; None when three days are over.

    A tenth more or less by the delivery's own id, so that an endpoint that comes back is not hit by all at once.
    """
    wait = WAITS_S[min(attempts, len(WAITS_S)) - 1]
    spread = int(hashlib.sha256(f"{delivery_id}/{attempts}".encode()).hexdigest()[:4], 16) % 200 - 100
    at = now + timedelta(milliseconds=wait * (1000 + spread))
    return at if at <= created + TRIED_FOR else None


def kept_body(raw: bytes) -> str:
    """What the log keeps of an answer: its beginning, as text that every column takes."""
    return raw[:BODY_KEPT].decode("utf-8", "replace").replace("\x00", "\ufffd")


def kept_headers(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """The first headers, cut; of those that hold secrets only the name."""
    kept: dict[str, str] = {}
    for name, value in headers:
        if len(kept) >= HEADERS_KEPT:
            break
        shown = "[redacted]" if _SECRET_HEADERS.search(name) else value[:HEADER_KEPT]
        kept[name[:100].replace("\x00", "")] = shown.replace("\x00", "\ufffd")
    return kept
