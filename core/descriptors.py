"""What may stand on a bank's statement."""

from __future__ import annotations

import re

from core.errors import OstinatoError, gettext_noop

_PRINTED = re.compile(r"""[^<>\\'"*]{5,22}""")


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


def shown_on_statement(text: str) -> str:
    """As a bank shows it: in capitals."""
    return text.upper()
