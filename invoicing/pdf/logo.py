"""A merchant's logo as it can be printed, or why it cannot: a bad file must never stop an invoice."""

from __future__ import annotations

import base64
import io
import logging
from xml.etree import ElementTree

from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import Storage, default_storage
from PIL import Image, UnidentifiedImageError

from core.errors import OstinatoError, gettext_noop

logger = logging.getLogger(__name__)

LARGEST = 2_000_000  # bytes
MIME_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}


class LogoUnusable(OstinatoError):
    """The logo cannot be printed; invoices show the merchant's name in its place."""

    code = "logo_unusable"
    param = "logo"


class LogoMissing(LogoUnusable):
    code = "logo_missing"
    message_id = gettext_noop(
        "The logo file %(name)s is missing. Invoices show your name in its place; upload the logo again."
    )


class LogoBroken(LogoUnusable):
    code = "logo_broken"
    message_id = gettext_noop(
        "The logo file %(name)s is not a picture that can be printed (PNG, JPEG, GIF, WebP or SVG, at most 2 MB)."
        " Invoices show your name in its place."
    )


def printable_logo(name: str, storage: Storage = default_storage) -> str:
    """The stored logo as a data URI; "" when there is none. Raises `LogoMissing`, `LogoBroken`."""
    if not name:
        return ""
    try:
        with storage.open(name) as file:
            content = file.read(LARGEST + 1)
    except (OSError, SuspiciousOperation):  # the latter: a name outside the storage
        raise LogoMissing(name=name) from None
    mime_type = _mime_type(content) if 0 < len(content) <= LARGEST else ""
    if not mime_type:
        raise LogoBroken(name=name)
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


def logo_or_nothing(name: str, merchant_id: str) -> str:
    """As `printable_logo`, but a logo that cannot be printed is a warning in the log and "" here."""
    try:
        return printable_logo(name)
    except LogoUnusable as problem:
        logger.warning("Merchant %s: %s", merchant_id, problem)
        return ""


def _mime_type(content: bytes) -> str:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            return MIME_TYPES.get(picture.format or "", "")
    except UnidentifiedImageError:
        return "image/svg+xml" if _is_svg(content) else ""
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ""


def _is_svg(content: bytes) -> bool:
    if b"<!ENTITY" in content:  # entities can grow without bound
        return False
    try:
        return ElementTree.fromstring(content).tag.rpartition("}")[2] == "svg"  # noqa: S314
    except ElementTree.ParseError:
        return False
