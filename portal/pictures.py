"""Product pictures live where the merchant keeps them: the page's policy lets in those hosts, for pictures alone."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse


def allow_pictures(response: HttpResponse, urls: Iterable[str]) -> HttpResponse:
    """Widen `img-src` by the https origins of these pictures; every other directive stays strict."""
    origins = sorted({origin for url in urls if (origin := _origin(url))})
    if origins:
        wider = "img-src 'self' data: " + " ".join(origins)
        response["Content-Security-Policy"] = settings.CONTENT_SECURITY_POLICY.replace("img-src 'self' data:", wider)
    return response


def _origin(url: str) -> str:
    """ "https://host" of an ordinary address, else blank: nothing else is let into a header."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    host = parts.hostname or ""
    if parts.scheme != "https" or not host.replace("-", "").replace(".", "").isalnum() or not host.isascii():
        return ""
    return f"https://{host}{port}"
