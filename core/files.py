"""What files may be: their kinds by their first bytes, and what each purpose takes. Pure.

Purposes, sizes and expiries are those of Stripe's guide to file uploads; what belongs to its terminals, its cards and
its platforms is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "svg": "image/svg+xml",
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
NAME_MOST = 255
_KB, _MB = 1024, 1024 * 1024
_STARTS = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
# The folder that an Office document keeps its content in; the names stand in the archive as they are.
_OFFICE = ((b"word/", "docx"), (b"xl/", "xlsx"))


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a purpose takes: kinds of file, bytes at most, how long they are kept; `shown`: may be downloaded again."""

    kinds: tuple[str, ...]
    most: int
    kept: timedelta | None = None
    shown: bool = True


_PAPER = ("pdf", "jpg", "png")
_PICTURE = ("jpg", "png", "gif")
PURPOSES: Mapping[str, Purpose] = {
    "account_requirement": Purpose(_PAPER, 16 * _MB, shown=False),
    "additional_verification": Purpose(_PAPER, 16 * _MB, shown=False),
    "business_icon": Purpose(_PICTURE, 512 * _KB),
    "business_logo": Purpose(_PICTURE, 512 * _KB),
    "customer_signature": Purpose(("jpg", "png", "svg"), 4 * _MB, timedelta(days=7)),
    "dispute_evidence": Purpose(_PAPER, 5 * _MB, timedelta(days=270)),
    "identity_document": Purpose(_PAPER, 16 * _MB, shown=False),
    "pci_document": Purpose(("pdf",), 16 * _MB),
    "tax_document_user_upload": Purpose((*_PAPER, "csv", "xlsx", "docx"), 16 * _MB),
}
MOST = max(one.most for one in PURPOSES.values())


def kind_of(content: bytes, name: str) -> str:
    """What the bytes are ("pdf", "jpg"), whatever the name says; "" for what is none of the known kinds.

    Of text only a name that ends in .csv makes a table.
    """
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if content.startswith(b"PK\x03\x04"):
        return next((kind for folder, kind in _OFFICE if folder in content), "")
    if b"\x00" in content:
        return ""
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!--")):
        return "svg" if b"<svg" in head and b"<!entity" not in content.lower() else ""
    return "csv" if name.lower().endswith(".csv") and not head.startswith(b"<") else ""


def safe_name(name: str) -> str:
    """The last part of a name as it may stand in a header and a list."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(letter for letter in last if letter.isprintable() and letter not in '"<>')
    return shown.strip(" .")[-NAME_MOST:] or "file"


def megabytes(size: int) -> str:
    """In megabytes, for a sentence: 0.5, 5."""
    whole, rest = divmod(size, _MB)
    tenths = rest * 10 // _MB
    return f"{whole}.{tenths}" if tenths else str(whole)
