"""A mail as its parts; the templates set them as HTML and as text, so that both say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MailRow:
    """A label and a figure in the mail's small table."""

    label: str
    value: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. `button` is (label, url)."""

    subject: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    rows: tuple[MailRow, ...] = ()
    button: tuple[str, str] | None = None
    small_print: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """The merchant as a mail shows it."""

    merchant_id: str
    name: str
    logo_url: str
    brand_color: str
    brand_ink: str
    support_email: str
    support_url: str
    postal_line: str
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a mail is for; `keep` for a test clock's customer, whose mail is sent to nobody."""

    customer_id: str
    name: str
    email: str
    locale: str
    timezone: str
    keep: bool


# What a writer is handed: rows by name.
Facts = dict[str, Any]
