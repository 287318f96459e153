"""What may stand on a bank's statement."""

from __future__ import annotations

import re
import unicodedata

from core.errors import OstinatoError, gettext_noop

SHORTEST, LONGEST = 5, 22
_LONGEST_PREFIX = 10  # what Stripe leaves of a descriptor that stands before a charge's own
_PRINTED = re.compile(rf"""[^<>\\'"*]{{{SHORTEST},{LONGEST}}}""")


class StatementDescriptorInvalid(OstinatoError):
    code = "parameter_invalid"
    param = "statement_descriptor"
    message_id = gettext_noop(
        "A statement descriptor has 5 to 22 characters, a letter among them, and none of < > \\ ' \" *."
    )


def check_statement_descriptor(text: str) -> None:
    """Blank, or what card networks print (Stripe's rule). Raises `StatementDescriptorInvalid`."""
    if text and not (_PRINTED.fullmatch(text) and re.search("[A-Za-z]", text)):
        raise StatementDescriptorInvalid


def plain_letters(text: str) -> str:
    """What a bank's machine prints of it: ASCII, an accented letter without its accent; "Érable œuf" is "Erable uf"."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def shown_on_statement(text: str) -> str:
    """As a bank shows it: in capitals without accents."""
    return plain_letters(text).upper()


def shown_on_card(merchants: str, own: str) -> str:
    """As a card's statement shows a product's own descriptor after the merchant's, which is cut to ten characters:
    "ERABLE* COFFEE BOX", 22 characters at most (Stripe's dynamic suffix)."""
    if not merchants or not own:
        return shown_on_statement(own or merchants)
    return shown_on_statement(f"{merchants[:_LONGEST_PREFIX].strip()}* {own}")[:LONGEST].strip()
